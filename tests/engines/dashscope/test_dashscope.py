"""The cloud as an engine, against the best double there is: a Dragoman with scripted engines."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from dragoman.engines import registry
from dragoman.engines.base import EngineUnavailable, Utterance
from dragoman.engines.dashscope.livetranslate import DashscopeLivetranslate
from dragoman.engines.dashscope.tts import DashscopeTts
from dragoman.engines.scripted import ScriptedTts
from dragoman.speech import (
    Audio,
    EndTurn,
    Heard,
    Hints,
    Interpret,
    Result,
    SpeechStarted,
    SpeechStopped,
    Translated,
    TurnDone,
    Voiced,
)
from dragoman.testing import LiveServer, serve
from tests.engines.contract import Case, laws, sounds

pytestmark = pytest.mark.live
MODELS = [
    "qwen3-livetranslate-flash-realtime",
    "qwen3.5-livetranslate-flash-realtime",
    "qwen3.8-livetranslate-flash-realtime",
]


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    yield
    ends = time.monotonic() + 10
    while left := [t for t in threading.enumerate() if t.name == "websocket-link"]:
        assert time.monotonic() < ends, left
        left[0].join(0.1)


# ---------------------------------------------------------------- the laws
@pytest.mark.parametrize("law", laws("tts"), ids=lambda law: law.__name__)
def test_tts_law(scripted_server: LiveServer, law: Callable[[Case], None]) -> None:
    case = Case(lambda: DashscopeTts(url=scripted_server.url), exact=True)
    law(case)
    case.close()


@pytest.mark.parametrize("law", laws("interpreter"), ids=lambda law: law.__name__)
@pytest.mark.parametrize("model", MODELS[1:])
def test_interpreter_law(
    scripted_server: LiveServer, model: str, law: Callable[[Case], None]
) -> None:
    case = Case(lambda: DashscopeLivetranslate(url=scripted_server.url, model=model))
    law(case)
    case.close()


# ---------------------------------------------------------------- interpretation
def pcm(seconds: float) -> bytes:
    return (sounds(seconds) * 32_767).astype("<i2").tobytes()


def interpreted(url: str, model: str, task: Interpret, sound: bytes) -> list[Result]:
    made = DashscopeLivetranslate(url=url, model=model)
    made.load()
    session = made.start(task)
    size = task.rate_in // 5
    facts: list[Result] = []
    for at in range(0, len(sound), size):
        facts += session.feed(Audio(sound[at : at + size]))
    return facts + session.finish()


@pytest.mark.parametrize("model", MODELS)
def test_a_turn_in_every_generation(scripted_server: LiveServer, model: str) -> None:
    facts = interpreted(scripted_server.url, model, Interpret("es", "en"), pcm(4))
    assert [type(f).__name__ for f in facts if isinstance(f, SpeechStarted | TurnDone)] == [
        "SpeechStarted",
        "TurnDone",
    ]
    heard = [f for f in facts if isinstance(f, Heard)][-1]
    translated = [f for f in facts if isinstance(f, Translated)][-1]
    assert heard.final
    assert translated.text.split() == [
        word.replace(".", "-es.") if word.endswith(".") else f"{word}-es"
        for word in heard.text.split()
    ]
    sound = sum(len(f.pcm) for f in facts if isinstance(f, Voiced))
    assert sound > 24_000
    assert facts[-1] == TurnDone(1, facts[-1].audio_ms, "completed")  # type: ignore[union-attr]
    stopped = next(f for f in facts if isinstance(f, SpeechStopped))
    assert 3000 < stopped.at_ms < 4200


def test_rates_in_and_out_are_the_tasks(scripted_server: LiveServer) -> None:
    model = MODELS[1]
    wide = interpreted(scripted_server.url, model, Interpret("es", "en"), pcm(2))
    task = Interpret("es", "en", rate_in=8_000, rate_out=16_000)
    narrow = interpreted(scripted_server.url, model, task, pcm(2))
    lengths = [sum(len(f.pcm) for f in facts if isinstance(f, Voiced)) for facts in (wide, narrow)]
    assert lengths[1] > 0
    heard = [f.text for f in narrow if isinstance(f, Heard)][-1]
    assert len(heard.split()) >= len([f.text for f in wide if isinstance(f, Heard)][-1].split())


def test_text_only_and_glossary(scripted_server: LiveServer) -> None:
    task = Interpret("es", "en", speak=False, hints=Hints(phrases={"two": "DOS"}))
    facts = interpreted(scripted_server.url, MODELS[2], task, pcm(4))
    assert not [f for f in facts if isinstance(f, Voiced)]
    assert "DOS" in [f for f in facts if isinstance(f, Translated)][-1].text


def until_done(session: object, facts: list[Result], count: int = 1) -> list[Result]:
    ends = time.monotonic() + 20
    while sum(isinstance(f, TurnDone) for f in facts) < count:
        assert time.monotonic() < ends
        time.sleep(0.01)
        facts += session.feed(Audio(b""))  # type: ignore[attr-defined]
    return facts


def feed_on(session: object) -> None:
    """Speak for as long as it takes."""
    for _ in range(2000):
        session.feed(Audio(pcm(0.1)))  # type: ignore[attr-defined]
        time.sleep(0.01)


@pytest.mark.parametrize("model", MODELS[1:])
def test_turns_that_the_client_ends(scripted_server: LiveServer, model: str) -> None:
    made = DashscopeLivetranslate(url=scripted_server.url, model=model)
    made.load()
    session = made.start(Interpret("es", "en", endpointing=None))
    for number in (1, 2):
        facts = session.feed(Audio(pcm(2)))
        facts = until_done(session, facts + session.feed(EndTurn()))
        assert facts[0] == SpeechStarted(number, 2000 * (number - 1))
        assert isinstance(facts[-1], TurnDone)
        assert facts[-1].status == "completed"
        assert facts[-1].audio_ms == 2000
    assert session.finish() == []


def test_an_upstream_that_dies_is_tried_again_for_the_next_turn() -> None:
    with serve(engines="scripted") as server:
        made = DashscopeLivetranslate(url=server.url)
        made.load()
        session = made.start(Interpret("es", "en"))
        facts = session.feed(Audio(pcm(1)))
        ends = time.monotonic() + 20
        while not any(isinstance(f, Heard) for f in facts):
            assert time.monotonic() < ends
            facts += session.feed(Audio(pcm(0.1)))
        server.process.kill()
        facts = until_done(session, facts)
        assert facts[-1] == TurnDone(1, facts[-1].audio_ms, "failed")  # type: ignore[union-attr]
        port = int(server.url.rpartition(":")[2].partition("/")[0])
    with serve(engines="scripted", port=port) as server:
        facts = session.feed(Audio(pcm(2) + bytes(64_000)))
        done = until_done(session, facts)
        assert done[-1].turn == 2  # type: ignore[union-attr]
        assert done[-1].status == "completed"  # type: ignore[union-attr]
        assert next(f for f in done if isinstance(f, SpeechStarted)).at_ms >= 1000
        assert session.finish() == []
    with pytest.raises(Exception, match=r"ws://127\.0\.0\.1:\d+"):
        feed_on(session)


def test_settings_that_the_upstream_refuses_fail_the_session(scripted_server: LiveServer) -> None:
    made = DashscopeLivetranslate(url=scripted_server.url)
    made.load()
    session = made.start(Interpret("no such language", "en"))
    with pytest.raises(Exception, match="reported an error"):
        feed_on(session)


# ---------------------------------------------------------------- synthesis
def spoken(made: DashscopeTts, text: str, **changes: object) -> bytes:
    utterance = Utterance(text, "Cherry", "en", **changes)  # type: ignore[arg-type]
    return b"".join(made.synthesize(utterance))


def test_speech_is_that_of_the_upstream(scripted_server: LiveServer) -> None:
    made = DashscopeTts(url=scripted_server.url)
    made.load()
    direct = b"".join(ScriptedTts().synthesize(Utterance("Good morning", "Cherry", "en")))
    assert spoken(made, "Good morning") == direct
    assert spoken(made, "Good morning", rate=2.0) != spoken(made, "Good morning")
    made.close()


def test_a_session_is_kept_for_the_next_segment() -> None:
    with serve(engines="scripted") as server:
        made = DashscopeTts(url=server.url)
        made.load()
        for _ in range(3):
            assert spoken(made, "One two three.")
        page = server.get("/metrics")[1].decode()
        line = next(
            line for line in page.splitlines() if line.startswith("dragoman_sessions_total")
        )
        assert float(line.split()[-1]) == 1
        made.close()


def test_a_kept_session_that_died_is_replaced() -> None:
    with serve(engines="scripted") as server:
        made = DashscopeTts(url=server.url)
        made.load()
        first = spoken(made, "One two three.")
        port = int(server.url.rpartition(":")[2].partition("/")[0])
        server.process.kill()
        server.process.wait()
    with serve(engines="scripted", port=port):
        assert spoken(made, "One two three.") == first
        made.close()


# ---------------------------------------------------------------- options and keys
def test_options_are_looked_at_when_the_engine_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DASHSCOPE_API_KEY", raising=False)
    for name in ("dashscope-tts", "dashscope-livetranslate"):
        for options, sentence in [
            ("", "address"),
            ("?url=https://example.org", "wss://"),
            ("?url=wss://example.org/x", "DASHSCOPE_API_KEY"),
            ("?url=ws://example.org/x", "in the clear"),
        ]:
            with pytest.raises(EngineUnavailable, match=sentence):
                registry.make(name + options).load()
        registry.make(f"{name}?url=ws://example.org/x&key_env=").load()


def test_the_key_opens_an_upstream_that_wants_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-right")
    with serve(engines="scripted", api_keys="sk-right") as server:
        made = DashscopeTts(url=server.url)
        made.load()
        assert spoken(made, "Hello.")
        monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-wrong")
        other = DashscopeTts(url=server.url)
        other.load()
        with pytest.raises(Exception, match="401") as refused:
            spoken(other, "Hello.")
        assert "sk-wrong" not in str(refused.value)
        made.close()
