"""Realtime recognition behind a WebSocket: the laws in every dialect, servers that misbehave."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from dragoman.engines import registry
from dragoman.engines.base import EngineUnavailable, Samples
from dragoman.engines.realtime_asr.engine import RealtimeAsr
from dragoman.engines.realtime_asr.openai import OpenAiTurn
from dragoman.engines.realtime_asr.shape import AsrServer, as_json
from dragoman.engines.shared.endpoint_errors import (
    EndpointFailed,
    EndpointNonsense,
    EndpointRefused,
    EndpointTimedOut,
    EndpointUnreachable,
)
from dragoman.speech import Hints, Hypothesis, joined_text
from tests.endpoints.realtime_asr import DIALECTS, KEY, AsrLoopback, Fault, Heard, serving
from tests.engines.contract import RATE, Case, laws, sounds

pytestmark = pytest.mark.live
PIECE = RATE * 9 // 100
SAID = "the words that were said"


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    yield
    ends = time.monotonic() + 10
    while left := [t for t in threading.enumerate() if t.name == "websocket-link"]:
        assert time.monotonic() < ends, left
        left[0].join(0.1)


def engine(server: AsrLoopback, dialect: str, **options: object) -> RealtimeAsr:
    made = RealtimeAsr(url=server.url, shape=dialect, model="m", **options)  # type: ignore[arg-type]
    made.load()
    return made


def fed(
    made: RealtimeAsr, samples: Samples, language: str | None = "en", hints: Hints | None = None
) -> tuple[Hypothesis, list[Hypothesis]]:
    stream, partial = made.start(language, hints or Hints()), []
    try:
        for at in range(0, samples.size, PIECE):
            if found := stream.feed(samples[at : at + PIECE]):
                partial.append(found)
        return stream.finish(), partial
    except BaseException:
        stream.abort()  # type: ignore[attr-defined]  # as the runtime does
        raise


# ---------------------------------------------------------------- the laws
@pytest.mark.parametrize("law", laws("asr"), ids=lambda law: law.__name__)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_law(dialect: str, law: Callable[[Case], None]) -> None:
    with serving(dialect) as server:
        case = Case(lambda: RealtimeAsr(url=server.url, shape=dialect, model="m"))  # type: ignore[arg-type]
        law(case)
        case.close()
        assert server.wait_for_none_open()


# ---------------------------------------------------------------- what is heard
@pytest.mark.parametrize("dialect", DIALECTS)
def test_words_come_while_somebody_speaks(dialect: str) -> None:
    """The server is given time after each piece, as a speaker would."""
    with serving(dialect) as server:
        stream = engine(server, dialect).start("en", Hints())
        speech, partial = np.concatenate((sounds(2.4), sounds(2.4))), list[Hypothesis]()
        for at in range(0, speech.size, PIECE):
            before = len(server.seen)
            found = stream.feed(speech[at : at + PIECE])
            partial += [found] if found else []
            if dialect != "deepgram" and at:
                while len(server.seen) == before:
                    time.sleep(0.001)
        final = stream.finish()
    assert joined_text(final.words) == " ".join(word for word, _, _ in _rule(speech))
    if dialect != "deepgram":
        assert len(partial) >= 3
        assert len(partial[0].words) < len(final.words)


def heard_directly(seconds: float) -> str:
    return " ".join(word for word, _, _ in _rule(sounds(seconds)))


def _rule(samples: Samples) -> list[tuple[str, int, int]]:
    heard = Heard(RATE)
    heard.feed((samples * 32767).astype("<i2").tobytes())
    return heard.words()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_final_text_is_what_the_server_heard(dialect: str) -> None:
    with serving(dialect) as server:
        final, _ = fed(engine(server, dialect), sounds(8))
    assert joined_text(final.words) == heard_directly(8)
    assert final.confidence == pytest.approx(0.97 if dialect == "deepgram" else 1.0)


@pytest.mark.parametrize("dialect", ["deepgram", "nim"])
def test_words_have_the_times_that_the_server_gives(dialect: str) -> None:
    with serving(dialect) as server:
        final, _ = fed(engine(server, dialect), sounds(4))
    assert [(w.start_ms, w.end_ms) for w in final.words] == [
        (start, end) for _, start, end in _rule(sounds(4))
    ]


# ---------------------------------------------------------------- what the server is told
HINTS = Hints(phrases={"Kubernetes": "", "Qwen": ""}, context="A talk about clusters.")


def test_openai_is_told_language_keywords_and_prompt() -> None:
    with serving("openai") as server:
        made = RealtimeAsr(url=server.url)
        made.load()
        fed(made, sounds(1), "pt", HINTS)
    settings = server.of_type("session.update")[0]["session"]["audio"]["input"]["transcription"]
    assert settings == {
        "model": "gpt-live-transcribe",
        "language": "pt",
        "keywords": ["Kubernetes", "Qwen"],
        "prompt": "A talk about clusters.",
    }


def test_terms_go_into_the_prompt_of_models_without_keywords() -> None:
    with serving("openai") as server:
        made = RealtimeAsr(url=server.url, model="gpt-4o-transcribe")
        made.load()
        fed(made, sounds(1), None, HINTS)
    settings = server.of_type("session.update")[0]["session"]["audio"]["input"]["transcription"]
    assert settings["prompt"] == "A talk about clusters.\nKubernetes, Qwen"
    assert "language" not in settings


def test_deepgram_is_told_in_the_address() -> None:
    with serving("deepgram") as server:
        made = RealtimeAsr(
            url=server.url + "/v1/listen?smart_format=true&punctuate=false",
            shape="deepgram",
            model="nova-3",
            language="multi",
        )
        made.load()
        fed(made, sounds(1), None, HINTS)
    assert server.query["keyterm"] == ["Kubernetes", "Qwen"]
    assert server.query["language"] == ["multi"]
    assert server.query["model"] == ["nova-3"]
    assert server.query["smart_format"] == ["true"]
    assert server.query["punctuate"] == ["false"], "the operator's word counts"


def test_nim_is_told_locale_and_terms() -> None:
    with serving("nim") as server:
        made = engine(server, "nim", locales=("de-DE", "en-US"))
        fed(made, sounds(1), "de", HINTS)
    session = server.of_type("transcription_session.update")[0]["session"]
    assert session["input_audio_transcription"] == {"model": "m", "language": "de-DE"}
    boosted = session["word_boosting"]["word_boosting_list"][0]["phrases"]
    assert boosted == ["Kubernetes", "Qwen"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_key_comes_from_the_environment(dialect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOPBACK_KEY", KEY)
    with serving(dialect, key=KEY) as server:
        final, _ = fed(engine(server, dialect, key_env="LOOPBACK_KEY"), sounds(1))
        assert final.words
        with pytest.raises(EndpointRefused, match="401") as refused:
            fed(engine(server, dialect), sounds(8))
        assert KEY not in str(refused.value)


# ---------------------------------------------------------------- what is wrong at the start
def test_options_are_looked_at_when_the_engine_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_KEY", raising=False)
    for spec, sentence in [
        ("realtime-asr", "address"),
        ("realtime-asr?url=http://127.0.0.1", "ws://"),
        ("realtime-asr?url=ws://127.0.0.1&key_env=NO_KEY", "NO_KEY"),
        ("realtime-asr?url=ws://127.0.0.1&shape=vllm", "model"),
    ]:
        with pytest.raises(EngineUnavailable, match=sentence):
            registry.make(spec).load()


# ---------------------------------------------------------------- servers that misbehave
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("trouble", "failure"),
    [
        ("close_after", EndpointUnreachable),
        ("drop_after", EndpointUnreachable),
        ("nonsense_after", EndpointNonsense),
        ("huge_after", EndpointUnreachable),
        ("error_after", EndpointFailed),
        ("stall_after", EndpointTimedOut),
        ("flood_after", EndpointTimedOut),
        ("mute_end", EndpointTimedOut),
        ("refuse", EndpointRefused),
    ],
)
def test_a_turn_fails_with_a_plain_reason(
    dialect: str, trouble: str, failure: type[EndpointFailed]
) -> None:
    fault = Fault(**{trouble: {"mute_end": True, "refuse": 403}.get(trouble, 3)})
    with serving(dialect, fault) as server:
        made = engine(server, dialect, final_s=0.5 if failure is EndpointTimedOut else 5.0)
        with pytest.raises(failure) as failed:
            fed(made, sounds(4))
        assert SAID not in str(failed.value)
        server.fault = Fault()
        final, _ = fed(made, sounds(4))
        assert joined_text(final.words) == heard_directly(4), "and the next turn works"


@pytest.mark.parametrize("status", [429, 503])
def test_a_connection_that_failed_is_tried_once_more(status: int) -> None:
    with serving("openai", Fault(refuse=status, refusals=1)) as server:
        final, _ = fed(engine(server, "openai"), sounds(2))
        assert final.words
        assert len(server.requests) == 2


def test_a_refused_key_is_not_tried_again() -> None:
    with serving("openai", Fault(refuse=401)) as server:
        with pytest.raises(EndpointRefused):
            fed(engine(server, "openai"), sounds(2))
        assert len(server.requests) == 1


def test_nobody_listens() -> None:
    with serving("openai") as server:
        made = engine(server, "openai")
    with pytest.raises(EndpointUnreachable, match=r"ws://127\.0\.0\.1:\d+ cannot be reached"):
        fed(made, sounds(8))


def test_an_aborted_turn_closes_its_connection() -> None:
    with serving("openai") as server:
        stream = engine(server, "openai").start("en", Hints())
        while not server.open:
            stream.feed(sounds(0.2))
            time.sleep(0.01)
        stream.abort()  # type: ignore[attr-defined]
        assert server.wait_for_none_open()


def test_feeding_does_not_wait_for_a_server_that_stalls() -> None:
    with serving("openai", Fault(stall_after=1)) as server:
        stream = engine(server, "openai").start("en", Hints())
        began = time.process_time()
        for _ in range(300):
            stream.feed(sounds(0.1))
        assert time.process_time() - began < 5
        stream.abort()  # type: ignore[attr-defined]


def test_a_turn_of_too_much_text_is_not_believed() -> None:
    turn = OpenAiTurn(AsrServer("ws://x"), "en", Hints())
    frame = as_json(
        type="conversation.item.input_audio_transcription.delta", item_id="i", delta="word " * 5001
    )
    with pytest.raises(EndpointNonsense):
        turn.read(frame)
