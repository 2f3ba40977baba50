"""Upstreams that misbehave: a turn or a segment fails with a plain reason, and nothing stays."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from dragoman.engines.base import Utterance
from dragoman.engines.dashscope.livetranslate import DashscopeLivetranslate, UpstreamSession
from dragoman.engines.dashscope.tts import DashscopeTts
from dragoman.engines.shared.endpoint_errors import EndpointFailed, EndpointTimedOut
from dragoman.speech import Audio, Heard, Interpret, Result, Translated, TurnDone
from tests.endpoints.faulty_upstream import upstream
from tests.endpoints.realtime_asr import AsrLoopback, Fault, serving

pytestmark = pytest.mark.live
SAID = "the words that were said"
TROUBLES = ["close_after", "drop_after", "nonsense_after", "huge_after", "error_after"]


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    yield
    ends = time.monotonic() + 10
    while left := [t for t in threading.enumerate() if t.name == "websocket-link"]:
        assert time.monotonic() < ends, left
        left[0].join(0.1)


def session(server: AsrLoopback, final_s: float = 5.0) -> UpstreamSession:
    made = DashscopeLivetranslate(url=server.url, final_s=final_s)
    made.load()
    started = made.start(Interpret("es", "en"))
    assert isinstance(started, UpstreamSession)
    return started


def fed_until(stream: UpstreamSession, kind: type[Result]) -> list[Result]:
    """Speak until the first fact of this kind."""
    facts: list[Result] = []
    ends = time.monotonic() + 15
    while not any(isinstance(fact, kind) for fact in facts):
        assert time.monotonic() < ends, facts
        facts += stream.feed(Audio(bytes(640)))
        time.sleep(0.005)
    return facts


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_connection_that_breaks_fails_its_turn_and_the_second_the_session(trouble: str) -> None:
    with serving("", Fault(**{trouble: 3}), speak=upstream) as server:
        stream = session(server)
        facts = fed_until(stream, TurnDone)
        assert facts[-1].status == "failed"  # type: ignore[union-attr]
        finals = [type(f) for f in facts if isinstance(f, Heard | Translated) and f.final]
        assert finals == [Heard, Translated]
        with pytest.raises(EndpointFailed) as failed:
            fed_until(stream, TurnDone)
        assert SAID not in str(failed.value)
        assert server.wait_for_none_open()


@pytest.mark.parametrize("trouble", ["stall_after", "flood_after", "mute_end"])
def test_an_upstream_that_never_finishes_fails_the_turn_in_time(trouble: str) -> None:
    fault = Fault(**{trouble: True if trouble == "mute_end" else 3})
    with serving("", fault, speak=upstream) as server:
        stream = session(server, final_s=0.5)
        fed_until(stream, Heard)
        facts = stream.feed(Audio(bytes(6400))) + stream.feed(Audio(bytes(6400)))
        facts += stream.finish()
        assert facts[-1].status == "failed"  # type: ignore[union-attr]


def test_a_refused_key_fails_the_session() -> None:
    with serving("", Fault(refuse=401), speak=upstream) as server:
        stream = session(server)
        with pytest.raises(EndpointFailed, match="401"):
            fed_until(stream, TurnDone)


def test_a_dropped_session_closes_its_connection() -> None:
    with serving("", speak=upstream) as server:
        stream = session(server)
        fed_until(stream, Heard)
        stream.abort()
        assert server.wait_for_none_open()


# ---------------------------------------------------------------- synthesis
def spoken(server: AsrLoopback, text: str = "Hello.") -> list[bytes]:
    made = DashscopeTts(url=server.url, answer_s=0.5)
    made.load()
    try:
        return list(made.synthesize(Utterance(text, "Cherry", "en")))
    finally:
        made.close()


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_segment_fails_with_a_plain_reason(trouble: str) -> None:
    with serving("", Fault(**{trouble: 1}), speak=upstream) as server:
        with pytest.raises(EndpointFailed) as failed:
            spoken(server)
        assert SAID not in str(failed.value)
        server.fault = Fault()
        assert spoken(server) == [bytes(4800)]


@pytest.mark.parametrize("trouble", ["stall_after", "flood_after", "mute_end"])
def test_a_segment_that_never_ends_fails_in_time(trouble: str) -> None:
    fault = Fault(**{trouble: True if trouble == "mute_end" else 1})
    with serving("", fault, speak=upstream) as server, pytest.raises(EndpointTimedOut):
        spoken(server)


def test_a_listener_who_leaves_ends_the_work_upstream() -> None:
    with serving("", Fault(mute_end=True), speak=upstream) as server:
        made = DashscopeTts(url=server.url)
        made.load()
        pieces = iter(made.synthesize(Utterance("Hello.", "Cherry", "en")))
        assert next(pieces)
        pieces.close()  # type: ignore[attr-defined]
        assert server.wait_for_none_open()
        made.close()
