"""Engines in environments of their own: found, described and hosted like any other, apart from the
packages of the server and of each other.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest

from dragoman.engines import registry, remote_engine
from dragoman.engines.base import (
    EngineUnavailable,
    OnDemand,
    Translation,
    Utterance,
    Window,
    WindowTranscriber,
)
from dragoman.engines.environments import all_environments, find, folder_of, site_of
from dragoman.runtime.engine_set import EngineSet
from dragoman.runtime.hosts.host import EngineFailed, EngineHost
from dragoman.runtime.hosts.make_host import make_host
from dragoman.runtime.hosts.on_demand_host import OnDemandHost
from dragoman.runtime.hosts.process.host import ProcessHost
from dragoman.runtime.hosts.requests import (
    DetectionAudio,
    RecognitionAudio,
    StartDetection,
    StartInterpretation,
    StartRecognition,
)
from dragoman.runtime.loaded_engine import EngineStatus
from dragoman.speech import Audio, Hypothesis, Interpret
from dragoman.testing import LiveServer, serve
from tests.conformance.clients import plain
from tests.engines.contract import Case, laws
from tests.engines.environments_here import make_environment
from tests.runtime.hosts import tiny_engines as tiny
from tests.runtime.hosts.shared_hosts import open_host

pytestmark = pytest.mark.live

TINY = Path(tiny.__file__).read_text("utf-8")
REVERSE = Path(__file__).parents[2] / "examples/dragoman-engine-reverse/src/dragoman_engine_reverse"
TOLD = """
import clash
from dragoman.engines.base import EngineUnavailable, Info
class Told:
    info = Info(name="told", role="mt", licence="-", quality="scripted", pairs=(("*", "*"),))
    def __init__(self, *, times: int = 1) -> None: self.times = times
    def load(self) -> None: print("a package that prints")
    def close(self) -> None: pass
    def warm(self, source, target): pass
    def translate(self, request): return clash.VERSION * self.times
class Rare(Told):
    def check(self):
        raise EngineUnavailable("the rare thing is not there")
"""
TEXT = "Good morning, everyone."


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with environments: ``tiny`` and ``mirror`` are the only ones with their engines,
    ``old`` and ``new`` have the same engine with clashing packages.
    """
    folder = tmp_path_factory.mktemp("environments")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRAGOMAN_ENVIRONMENTS", str(folder))
        where = {"counter": tiny.COUNTER, "ears": tiny.LISTENER, "tiny": tiny.SPEAKER}
        make_environment("tiny", {"tiny_engines.py": TINY}, where)
        text = (REVERSE / "__init__.py").read_text("utf-8")
        make_environment("mirror", {"mirror.py": text}, {"reverse": "mirror:Reverse"})
        for number, name in enumerate(("old", "new"), 1):
            files = {"told.py": TOLD, "clash.py": f"VERSION = '{number}'\n"}
            make_environment(name, files, {"told": "told:Told", "rare": "told:Rare"})
        yield folder


@pytest.fixture(autouse=True)
def _there(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRAGOMAN_ENVIRONMENTS", str(made))


@asynccontextmanager
async def hosted(spec: str, workers: int = 1) -> AsyncIterator[EngineHost]:
    async with asyncio.timeout(60):
        host = make_host(registry.make(spec), spec=spec, threads=1, workers=workers)
        async with open_host(host) as opened:
            yield opened


async def speech(host: EngineHost, text: str, rate_hz: int = 24_000) -> bytes:
    voice = host.info.voices[0] if host.info.voices else ""
    return b"".join([pcm async for pcm in host.speak(Utterance(text, voice, "en"), rate_hz)])


# ---------------------------------------------------------------- finding
def test_an_engine_that_only_an_environment_has_is_found_by_its_name() -> None:
    engine = registry.make("counter", "asr")
    assert isinstance(engine, remote_engine.RemoteEngine)
    assert engine.info == remote_engine.described(find("tiny"), "counter").info
    assert registry.environment_of("counter") == "tiny"
    assert registry.environment_of("scripted-tts") is None
    assert registry.environment_of("scripted-tts@env=tiny") == "tiny"
    with pytest.raises(registry.RegistryError, match=r"There is no engine.*reverse, scripted-asr"):
        registry.make("no-such-engine")


def test_an_engine_of_ours_comes_from_where_its_packages_are() -> None:
    here = make_environment("has-all", {}, {}, ("msgspec",))
    assert registry.environment_of("msgspec") == "has-all", "no such engine is registered here"
    lacks = make_environment("has-more", {}, {}, ("no-such-package",))
    for one, engine in ((here, "scripted-tts"), (lacks, "scripted-mt")):
        text = (one.folder / "dragoman.json").read_text()
        changed = text.replace(f'"engines":["{one.packages[0]}"]', f'"engines":["{engine}"]')
        (one.folder / "dragoman.json").write_text(changed)
    try:
        assert registry.environment_of("scripted-tts") is None
        assert registry.environment_of("scripted-mt") == "has-more"
    finally:
        shutil.rmtree(here.folder)
        shutil.rmtree(lacks.folder)


def test_an_engine_of_two_environments_wants_a_choice() -> None:
    with pytest.raises(registry.RegistryError, match=r"new, old all have.*told@env=new"):
        registry.make("told", "mt")
    assert registry.make("told@env=old", "mt").info.name == "told"


@pytest.mark.parametrize("name", ["..", "../tiny", "/tmp", "", "Tiny", "a/b", "-x", "x" * 65])
def test_a_name_never_leads_out_of_the_folder(name: str) -> None:
    with pytest.raises(registry.RegistryError, match="no name for an environment"):
        registry.make(f"scripted-tts@env={name}", "tts")


def test_a_remote_engine_is_what_the_real_one_is() -> None:
    ears = registry.make("ears", "asr")
    assert isinstance(ears, WindowTranscriber)
    assert not isinstance(ears, OnDemand)
    assert isinstance(registry.make("rare@env=new", "mt"), OnDemand)
    assert getattr(registry.make("energy@env=tiny", "vad"), "frame_samples", 0) == 512
    with pytest.raises(TypeError, match="worker processes only"):
        ears.transcribe([])
    with pytest.raises(registry.RegistryError, match="it runs in processes"):
        make_host(ears, spec="ears@host=thread", threads=1, workers=1)


def test_wrong_options_and_roles_are_refused_as_anywhere() -> None:
    with pytest.raises(registry.RegistryError, match=r"no option 'tempo'. Its options: times"):
        registry.make("told?tempo=2@env=old", "mt")
    with pytest.raises(registry.RegistryError, match="cannot be used as 'tts'"):
        registry.make("counter", "tts")


def test_an_environment_is_asked_again_only_when_it_has_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry.make("told?times=3@env=new", "mt")
    asked: list[str] = []
    ask = remote_engine._asked  # counted, and called
    monkeypatch.setattr(
        remote_engine, "_asked", lambda one, spec: (asked.append(spec), ask(one, spec))[1]
    )
    registry.make("told?times=3@env=new,concurrency=2", "mt")
    assert asked == []
    (site_of(folder_of("new")) / "another").mkdir()
    registry.make("told?times=3@env=new", "mt")
    assert asked == ["told?times=3"]


def test_the_keys_of_clients_stay_out_of_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    text = TOLD.replace('licence="-"', 'licence=os.environ.get("DRAGOMAN_API_KEYS", "-")')
    files = {"told.py": "import os\n" + text, "clash.py": ""}
    monkeypatch.setenv("DRAGOMAN_API_KEYS", "sk-secret")
    one = make_environment("nosy", files, {"nosy": "told:Told"})
    try:
        assert registry.make("nosy").info.licence == "-"
    finally:
        shutil.rmtree(one.folder)


# ---------------------------------------------------------------- at work
def test_clashing_packages_work_side_by_side() -> None:
    async def main() -> list[Any]:
        request = Translation("x", "en", "es")
        async with hosted("told@env=old") as old, hosted("told?times=2@env=new") as new:
            return [await old.call(request), await new.call(request)]

    assert asyncio.run(main()) == ["1", "22"]


def test_every_role_answers_as_it_does_here() -> None:
    sound = (np.sin(np.arange(32_000) / 9) * 9_000).astype("<i2").tobytes()
    floats = (np.sin(np.arange(32_000) / 9) * 0.3).astype(np.float32).tobytes()

    async def answers(there: str) -> list[Any]:
        found: list[Any] = []
        async with hosted(f"scripted-tts{there}") as host:
            found += [await speech(host, TEXT), await speech(host, TEXT, 16_000)]
        async with hosted(f"scripted-mt{there}") as host:
            found.append(await host.call(Translation(TEXT, "en", "es")))
        async with hosted(f"scripted-asr{there}") as host:
            found += await asyncio.gather(*(host.call(Window(floats, "en")) for _ in range(5)))
        async with hosted(f"energy{there}") as host:
            stream = await host.open(StartDetection())
            found += [await stream.feed(DetectionAudio((Audio(sound),), 24_000))]
            found += [await stream.finish()]
        async with hosted(f"scripted-interpreter{there}") as host:
            stream = await host.open(StartInterpretation(Interpret(target="es", rate_in=16_000)))
            found += [await stream.feed(Audio(sound)), await stream.finish()]
        return found

    here, there = (asyncio.run(answers(where)) for where in ("", "@env=tiny"))
    assert here == there
    assert all(here)


def test_streams_batches_and_crashes_are_those_of_any_worker() -> None:
    async def main() -> None:
        async with hosted("counter", workers=2) as host:
            assert isinstance(host, ProcessHost)
            first, second = [await host.open(StartRecognition(name)) for name in "ab"]
            heard = await first.feed(RecognitionAudio(np.full(10, 0.5, np.float32).tobytes()))
            assert isinstance(heard, Hypothesis)
            assert heard.words[0].text == "10"
            assert int(heard.words[1].text) in host.pids
            assert await second.finish()
        async with hosted("ears@batch=4") as host:
            found = await asyncio.gather(*(host.call(Window(bytes(n))) for n in range(9)))
            assert [one.words[0].text for one in found] == [str(n) for n in range(9)]  # type: ignore[union-attr]
            assert max(int(one.words[1].text) for one in found) > 1  # type: ignore[union-attr]
        async with hosted("tiny") as host:
            with pytest.raises(EngineFailed, match="SIGSEGV"):
                await speech(host, "!crash")
            assert await speech(host, "after", tiny.RATE_HZ) == tiny.pcm_of("after")
            assert host.vitals.restarts == 1

    asyncio.run(main())


def test_an_engine_on_demand_is_checked_in_its_environment() -> None:
    async def main() -> None:
        engine = registry.make("rare@env=old", "mt")
        inner = make_host(engine, spec="rare@env=old", threads=1, workers=1)
        await OnDemandHost(engine, inner).start()

    with pytest.raises(EngineUnavailable, match="the rare thing is not there"):
        asyncio.run(main())


class Hosted:
    """An engine of an environment as a plain object, for the contract suite."""

    def __init__(self, spec: str) -> None:
        engine = registry.make(spec)
        self.info = engine.info
        self._make = lambda: make_host(engine, spec=spec, threads=1, workers=2)
        self._host: EngineHost | None = None
        self._loop = asyncio.new_event_loop()
        Thread(target=self._loop.run_forever, daemon=True).start()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        done: Future[Any] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return done.result(60)

    def load(self) -> None:
        if self._host is None:
            self._host = self._make()
            self._run(self._host.start())

    def close(self) -> None:
        if self._host is not None:
            self._run(self._host.close())
            self._host = None

    def warm(self, source: str, target: str) -> None: ...

    def translate(self, request: Translation) -> Any:
        assert self._host is not None
        return self._run(self._host.call(request))  # type: ignore[arg-type]

    def synthesize(self, utterance: Utterance) -> Iterator[bytes]:
        assert self._host is not None
        pieces = self._host.speak(utterance, self.info.rate_hz)
        try:
            while (pcm := self._run(anext(pieces, b""))) != b"":  # type: ignore[arg-type]
                yield pcm
        finally:
            self._run(pieces.aclose())


CASES = {
    "reverse": Case(lambda: Hosted("reverse"), target="xx"),
    "scripted-tts@env=tiny": Case(lambda: Hosted("scripted-tts@env=tiny"), exact=False),
}


@pytest.mark.parametrize(
    ("name", "law"),
    [(name, law) for name, role in zip(CASES, ("mt", "tts"), strict=True) for law in laws(role)],  # type: ignore[arg-type]
    ids=lambda value: getattr(value, "__name__", value),
)
def test_engines_of_environments_keep_the_contract(name: str, law: Any) -> None:
    law(CASES[name])


@pytest.fixture(scope="module", autouse=True)
def _closed() -> Iterator[None]:
    yield
    for case in CASES.values():
        case.close()


# ---------------------------------------------------------------- what is wrong
def broken(name: str, path: str) -> None:
    """An environment without its interpreter or its link."""
    one = make_environment(
        name, {"told.py": TOLD, "clash.py": "VERSION = '3'"}, {name: "told:Told"}
    )
    assert registry.make(name).info.role == "mt"
    for found in one.folder.glob(path):
        found.unlink()


@pytest.mark.parametrize(
    ("name", "path", "sentence"),
    [
        ("lost", "bin/python*", "The environment lost has lost its Python."),
        ("strange", "lib/*/site-packages/dragoman", "belongs to another installation"),
        ("torn", "lib/*/site-packages/clash.py", "No module named 'clash'"),
    ],
)
def test_a_broken_environment_is_an_unavailable_engine(name: str, path: str, sentence: str) -> None:
    broken(name, path)
    try:
        choice = registry.parse_choice(f"scripted,mt={name},scripted-mt")
        status = asyncio.run(_status(EngineSet(choice, warm=()), name))
        assert status.state == "unavailable"
        assert sentence in status.detail
        assert f"Mend it with: dragoman engines install {name} --name {name}" in status.detail
    finally:
        shutil.rmtree(folder_of(name))


async def _status(engines: EngineSet, name: str) -> EngineStatus:
    try:
        await engines.load()
        return next(one for one in engines.status() if one.name == name)
    finally:
        await engines.close()


def test_half_an_installation_is_no_environment(made: Path) -> None:
    (made / "half" / "bin").mkdir(parents=True)
    (made / "half" / "dragoman.json").write_text('{"name": "half"')
    assert "half" not in [one.name for one in all_environments()]
    shutil.rmtree(made / "half")


# ---------------------------------------------------------------- whole servers
@pytest.mark.parametrize("workers", [1, 2])
def test_a_session_speaks_with_a_voice_of_an_environment(
    made: Path, scripted_server: LiveServer, workers: int
) -> None:
    expected = asyncio.run(plain.speak(scripted_server.url, TEXT))
    voices = "scripted-tts@env=tiny,scripted-tts@env=no-such-environment"
    choice = f"scripted,tts={voices},mt=reverse,scripted-mt"
    with serve(engines=choice, environments=made, workers=workers) as server:
        assert asyncio.run(plain.speak(server.url, TEXT)) == expected
        states = {one["name"]: one for one in server.health()[1]["engines"]}
    assert states["scripted-tts"]["state"] == states["reverse"]["state"] == "ready"
    missing = states["scripted-tts-2"]
    assert missing["state"] == "unavailable"
    assert "--name no-such-environment" in missing["detail"]
