"""The engine set: what is covered, which engine does what, what is missing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from dragoman.engines import registry
from dragoman.engines.base import EngineUnavailable, Translation
from dragoman.engines.registry import parse_choice
from dragoman.engines.scripted.engines import ScriptedAsr, ScriptedMt, ScriptedTts
from dragoman.runtime import late_servers
from dragoman.runtime.engine_set import EngineSet
from dragoman.runtime.hosts.host import EngineFailed


def variant(engine: Any, *, missing: str = "", raises: Exception | None = None, **said: Any) -> Any:
    """The same engine with another description of itself, or one that cannot load or be warmed.

    A subclass and no proxy: from Python 3.12 on, ``isinstance`` with a Protocol looks only at what
    is really there, so what ``__getattr__`` would give does not count.
    """
    plain = type(engine)

    class Changed(plain):
        @property
        def info(self) -> Any:
            return msgspec.structs.replace(super().info, **said)

        def load(self) -> None:
            if missing:
                raise EngineUnavailable(missing)
            if isinstance(raises, MemoryError):
                raise raises
            super().load()

        def warm(self, source: str, target: str) -> None:
            if raises is not None:
                raise raises

    engine.__class__ = Changed
    return engine


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put engines of a test under names of the registry."""
    real = registry.make

    def register(**engines: Any) -> None:
        monkeypatch.setattr(
            registry,
            "make",
            lambda spec, role=None: engines.get(spec.replace("-", "_")) or real(spec, role),
        )

    return register


def loaded(choice: str, **options: Any) -> Any:
    """Load the engines, look at the set, close it."""

    async def main(look: Callable[[EngineSet], Any]) -> Any:
        engines = EngineSet(parse_choice(choice), **options)
        try:
            await engines.load()
            return look(engines)
        finally:
            await engines.close()

    return lambda look: asyncio.run(main(look))


def test_the_scripted_engines_cover_everything_and_are_ready() -> None:
    def look(engines: EngineSet) -> None:
        assert engines.coverage.can_hear("xx")
        assert engines.coverage.can_translate("xx", "yy")
        assert engines.coverage.can_speak("yy")
        assert engines.only_source is None
        assert {status.state for status in engines.status()} == {"ready"}

    loaded("scripted")(look)


def test_the_first_engine_that_covers_a_language_or_direction_is_taken(registered: Any) -> None:
    registered(
        mt_a=variant(ScriptedMt(), name="mt-a", pairs=(("en", "es"),)),
        mt_b=variant(ScriptedMt(), name="mt-b", pairs=(("en", "es"), ("en", "fr"))),
        tts_a=variant(ScriptedTts(), name="tts-a", languages=("en",)),
        asr_a=variant(ScriptedAsr(), name="asr-a", languages=("en",)),
    )

    def look(engines: EngineSet) -> None:
        assert engines.translator("en", "es").info.name == "mt-a"
        assert engines.translator("en", "fr").info.name == "mt-b"
        with pytest.raises(EngineFailed):
            engines.translator("fr", "en")
        assert engines.synthesizer("en").info.name == "tts-a"
        assert engines.synthesizer("fr").info.name == "scripted-tts"
        assert engines.only_source == "en"
        assert engines.coverage.targets("en") == ["en", "es", "fr"]

    loaded("scripted,mt=mt-a,mt-b,tts=tts-a,scripted-tts,asr=asr-a")(look)


def test_without_a_language_the_recogniser_of_the_most_is_taken_else_the_first(
    registered: Any,
) -> None:
    registered(
        asr_en=variant(ScriptedAsr(), name="asr-en", languages=("en",)),
        asr_two=variant(ScriptedAsr(), name="asr-two", languages=("en", "es")),
        asr_pair=variant(ScriptedAsr(), name="asr-pair", languages=("es", "fr")),
    )

    def look(engines: EngineSet) -> None:
        names = {tag: engines.recognizer(tag).info.name for tag in (None, "en", "es", "fr")}
        assert names == {None: "asr-two", "en": "asr-en", "es": "asr-two", "fr": "asr-pair"}
        assert engines.only_source is None

    loaded("scripted,asr=asr-en,asr-two,asr-pair")(look)


def test_audio_is_wanted_where_a_translator_of_the_direction_hears(registered: Any) -> None:
    hearing = variant(ScriptedMt(), name="hears", takes_speech=True, pairs=(("de", "en"),))
    registered(hears=hearing)

    def look(engines: EngineSet) -> None:
        assert engines.translates_speech("de", "en")
        assert engines.translates_speech(None, "en"), "the source may turn out to be German"
        assert not engines.translates_speech("fr", "en")
        assert not engines.translates_speech(None, "de")

    loaded("scripted,mt=scripted-mt,hears")(look)


def test_a_missing_second_choice_is_reported_and_a_missing_only_one_ends_the_start(
    registered: Any,
) -> None:
    registered(gone=variant(ScriptedTts(), name="gone", missing="apt-get install it"))

    def look(engines: EngineSet) -> None:
        states = {status.name: (status.state, status.detail) for status in engines.status()}
        assert states["gone"] == ("unavailable", "apt-get install it")
        assert engines.synthesizer("en").info.name == "scripted-tts"

    loaded("scripted,tts=gone,scripted-tts")(look)
    with pytest.raises(EngineUnavailable, match="apt-get install it"):
        loaded("scripted,tts=gone")(look)


def test_an_interpreter_replaces_the_cascade() -> None:
    def look(engines: EngineSet) -> None:
        assert engines.interpreter is not None
        assert engines.coverage.can_translate("en", "es")

    loaded("scripted,interpreter=scripted-interpreter")(look)


def test_warming_skips_directions_nobody_covers(registered: Any) -> None:
    lines: list[str] = []

    async def main() -> None:
        engines = EngineSet(parse_choice("scripted"), warm=[("en", "es")])
        await engines.load(lines.append)
        await engines.close()

    asyncio.run(main())
    assert "translation en to es ready" in lines


def test_optional_roles_may_stay_empty_or_without_an_engine_that_runs(
    registered: Callable[..., None],
) -> None:
    progress: list[str] = []

    async def main() -> None:
        registered(absent=variant(ScriptedMt(), missing="Not here.", role="ocr"))
        engines = EngineSet(parse_choice("scripted,ocr=absent"), warm=())
        await engines.load(progress.append)
        try:
            assert engines.text_reader is None
            assert engines.speaker_encoder is None
            assert [(s.state, s.detail) for s in engines.status() if s.role == "ocr"] == [
                ("unavailable", "Not here.")
            ]
        finally:
            await engines.close()

    asyncio.run(main())
    assert not [line for line in progress if "Not here" in line], "`dragoman doctor` shows it"


def test_a_role_is_lacking_while_none_of_its_engines_has_a_worker() -> None:
    async def main() -> None:
        engines = EngineSet(parse_choice("scripted,tts=scripted-tts,scripted-tts?rate_hz=16000"))
        await engines.load()
        first, second = engines._chosen["tts"]
        await first.host.close()
        assert engines.lacking() == []
        assert [one.state for one in engines.status() if one.role == "tts"] == ["down", "ready"]
        await second.host.close()
        assert engines.lacking() == engines.lacking(("vad", "tts")) == ["tts"]
        assert engines.lacking(("vad", "asr")) == []
        await engines.close()

    asyncio.run(main())


def test_a_lost_voice_is_no_reason_to_refuse_an_end_to_end_interpretation() -> None:
    async def main() -> None:
        engines = EngineSet(parse_choice("scripted,interpreter=scripted-interpreter"))
        await engines.load()
        await engines._chosen["tts"][0].host.close()
        assert engines.lacking() == ["tts"]
        assert engines.lacking(("vad", "asr", "mt", "tts")) == []
        await engines.interpreter.preferred.close()
        assert engines.lacking(("vad", "asr", "mt", "tts")) == ["interpreter"]
        await engines.close()

    asyncio.run(main())


def test_the_engines_of_a_role_stand_by_in_the_operators_order(registered: Any) -> None:
    registered(
        mt_a=variant(ScriptedMt(), name="mt-a", pairs=(("en", "es"),)),
        mt_b=variant(ScriptedMt(), name="mt-b", pairs=(("en", "es"), ("en", "fr"))),
        tts_a=variant(ScriptedTts(), name="tts-a", languages=("en",)),
        asr_a=variant(ScriptedAsr(), name="asr-a", languages=("en",)),
    )

    async def answered(route: Any) -> list[str]:
        asked: list[str] = []

        async def attempt(host: Any) -> str:
            asked.append(host.info.name)
            raise EngineFailed("as told")

        with pytest.raises(EngineFailed):
            await route.ask(attempt)
        return asked

    async def main() -> None:
        engines = EngineSet(parse_choice("scripted,mt=mt-a,mt-b,tts=tts-a,scripted-tts,asr=asr-a"))
        await engines.load()
        assert await answered(engines.translator("en", "es")) == ["mt-a", "mt-b"]
        assert await answered(engines.translator("en", "fr")) == ["mt-b"]
        assert await answered(engines.synthesizer("en")) == ["tts-a", "scripted-tts"]
        assert await answered(engines.synthesizer("fr")) == ["scripted-tts"]
        assert engines.translator("en", "es") is engines.translator("en", "es")
        await engines.close()

    asyncio.run(main())


def test_the_operator_says_what_an_engine_is_used_for() -> None:
    progress: list[str] = []

    async def main() -> None:
        choice = (
            "scripted,asr=scripted-asr@for=de;fr,"
            "mt=scripted-mt@for=de-en,scripted-mt@for=fr-en;fr-de"
        )
        engines = EngineSet(parse_choice(choice), warm=())
        await engines.load(progress.append)
        coverage = engines.coverage
        assert (coverage.can_hear("de"), coverage.can_hear("en")) == (True, False)
        assert coverage.targets("fr") == ["de", "en", "fr"]
        assert coverage.targets("de") == ["de", "en"]
        with pytest.raises(EngineFailed):
            engines.translator("en", "de")
        assert [one.name for one in engines.status() if one.role == "mt"] == [
            "scripted-mt",
            "scripted-mt-2",
        ]
        await engines.close()

    asyncio.run(main())
    assert not [line for line in progress if "cover" in line]


def test_what_an_engine_is_wanted_for_and_does_not_cover_is_said(registered: Any) -> None:
    registered(
        **{"mt_a@for=en_es;en_de": variant(ScriptedMt(), name="mt-a", pairs=(("en", "es"),))}
    )
    progress: list[str] = []

    async def main() -> None:
        engines = EngineSet(parse_choice("scripted,mt=mt-a@for=en-es;en-de"), warm=())
        await engines.load(progress.append)
        await engines.close()

    asyncio.run(main())
    assert "mt-a does not cover all of en-es; en-de" in progress
    with pytest.raises(registry.RegistryError, match="en-es"):
        EngineSet(parse_choice("scripted,mt=scripted-mt@for=es"))


def test_an_engine_without_memory_is_left_out_if_another_is_there(
    registered: Any, caplog: pytest.LogCaptureFixture
) -> None:
    choice = "scripted,mt=mt-a,scripted-mt"
    registered(mt_a=variant(ScriptedMt(), name="mt-a", raises=MemoryError(), runs_in="thread"))

    def look(engines: EngineSet) -> None:
        states = {one.name: one.state for one in engines.status()}
        assert (states["mt-a"], states["scripted-mt"]) == ("unavailable", "ready")
        assert engines.translator("en", "es").info.name == "scripted-mt"

    loaded(choice)(look)
    assert "MemoryError" in caplog.text
    with pytest.raises(EngineUnavailable, match="failed while loading"):
        loaded("scripted,mt=mt-a")(look)


def test_a_second_choice_that_cannot_be_warmed_does_not_end_the_start(registered: Any) -> None:
    progress: list[str] = []

    async def main(choice: str) -> None:
        broken = variant(ScriptedMt(), name="mt-a", raises=ValueError("as asked"))
        registered(mt_a=broken)
        engines = EngineSet(parse_choice(choice))
        try:
            await engines.load(progress.append)
        finally:
            await engines.close()

    asyncio.run(main("scripted,mt=mt-a,scripted-mt"))
    assert any("mt-a does not translate" in line for line in progress)
    assert "translation en to es ready" in progress
    with pytest.raises(EngineFailed):
        asyncio.run(main("scripted,mt=mt-a"))


def test_engines_elsewhere_are_not_called_to_warm_them(registered: Any) -> None:
    class Counting(ScriptedTts):
        calls = 0

        def synthesize(self, utterance: Any) -> Any:
            type(self).calls += 1
            return super().synthesize(utterance)

    here, far = Counting(), Counting()
    registered(near=variant(here, name="near"), far=variant(far, name="far", remote=True))
    loaded("scripted,tts=near,far")(lambda _engines: None)
    assert (type(here).calls, type(far).calls) == (1, 0)


def test_an_idle_engine_is_shown(registered: Any) -> None:
    async def main() -> None:
        choice = "scripted,mt=scripted-mt@host=thread,unload_s=0.01"
        engines = EngineSet(parse_choice(choice))
        await engines.load()
        async with asyncio.timeout(20):
            while not any(one.state == "idle" for one in engines.status()):
                await asyncio.sleep(0.005)
        assert engines.lacking() == []
        assert await engines.translator("en", "es").call(Translation("a", "en", "es")) == "a-es"
        await engines.close()

    asyncio.run(main())


def test_a_model_server_that_comes_later_is_used_from_then_on(
    registered: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was first choice and not there at the start: sessions went to the second meanwhile."""
    late = variant(ScriptedMt(), name="mt-late", remote=True, pairs=(("en", "es"), ("en", "fr")))
    here = variant(ScriptedMt(), name="mt-here", pairs=(("en", "es"),))
    local = variant(ScriptedMt(), missing="pip install it", name="mt-local")
    registered(mt_late=late, mt_here=here, mt_local=local)
    monkeypatch.setattr(late_servers, "AGAIN_S", 0.01)
    attempts = []

    def load() -> None:
        attempts.append(1)
        if len(attempts) < 3:
            raise EngineUnavailable("start the server")

    monkeypatch.setattr(late, "load", load)

    async def main() -> None:
        engines = EngineSet(parse_choice("scripted,mt=mt-late,mt-here,mt-local"))
        try:
            await engines.load()
            assert engines.translator("en", "es").info.name == "mt-here"
            assert engines.coverage.targets("en") == ["en", "es"]
            while not engines.coverage.can_translate("en", "fr"):
                await asyncio.sleep(0)
            assert engines.translator("en", "es").info.name == "mt-late"
            states = {one.name: (one.state, one.detail) for one in engines.status()}
            assert states["mt-late"] == ("ready", "")
            assert states["mt-local"] == ("unavailable", "pip install it")
        finally:
            await engines.close()

    asyncio.run(asyncio.wait_for(main(), 60))
