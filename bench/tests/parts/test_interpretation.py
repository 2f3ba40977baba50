"""The load of the interpretation part, and its own arithmetic."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import uvloop

from bench.tests.interpret.sessions import ROWS, SCRIPT, log
from dragoman.testing.live_server import LiveServer
from dragoman_bench.harness.server_process import ServerProcess
from dragoman_bench.interpret.recordings import RATE_HZ
from dragoman_bench.interpret.score import score
from dragoman_bench.interpret.script import Segment, Span
from dragoman_bench.interpret.stream import Stream
from dragoman_bench.parts.interpretation import excerpts, figures, growth, run_load


def test_growth_is_the_last_third_minus_the_first() -> None:
    item = score("made", log(*ROWS), SCRIPT)
    said_ms, lags = [0.0, 10.0, 45.0, 70.0, 90.0], [100.0, 300.0, 9_999.0, 1_000.0, 1_400.0]
    arrived = [at + lag for at, lag in zip(said_ms, lags, strict=True)]
    lagging = msgspec.structs.replace(item, arrived_ms=arrived, text_lag_ms=lags)
    assert growth(lagging) == pytest.approx(1_000.0)
    one = msgspec.structs.replace(item, arrived_ms=[95.0], text_lag_ms=[5.0])
    assert (
        growth(one) is growth(msgspec.structs.replace(one, arrived_ms=[], text_lag_ms=[])) is None
    )


def test_each_session_hears_another_place_from_a_quiet_moment_on() -> None:
    sound = np.full(60 * RATE_HZ, 5_000, np.int16)
    for second in range(60):  # quiet for 0.2 s before each word
        sound[second * RATE_HZ : second * RATE_HZ + RATE_HZ // 5] = 1
    words = [
        Span(text=f"w{n}", start_ms=n * 1000 + 200.0, end_ms=(n + 1) * 1000.0) for n in range(60)
    ]
    segment = Segment(
        id="all", start_ms=0, length_ms=60_000, speech_start_ms=200, speech_end_ms=60_000,
        transcript=" ".join(word.text for word in words), words=words,
    )  # fmt: skip
    source = Stream.of(sound, [segment], ("en", "es"), name="talk")
    found = excerpts(source, 4, 20.0)
    assert [len(one.samples) for one in found] == [20 * RATE_HZ] * 4
    assert all(abs(int(one.samples[0])) == 1 for one in found)
    firsts = [one.script.segments[0].words[0].text for one in found]
    assert len(set(firsts)) == 4
    for one in found:
        (part,) = one.script.segments
        assert 19 <= len(part.words) <= 20
        assert one.samples[int(part.words[3].start_ms * 16) + 100] == 5_000


def test_a_load_is_played_and_measured(scripted_server: LiveServer) -> None:
    noise = np.random.default_rng(3).standard_normal(6 * RATE_HZ) * 3_000
    words = [Span(text=f"w{n}", start_ms=n * 500, end_ms=n * 500 + 400) for n in range(12)]
    segment = Segment(
        id="all", start_ms=0, length_ms=6_000, speech_start_ms=0, speech_end_ms=6_000,
        transcript=" ".join(word.text for word in words), words=words,
    )  # fmt: skip
    source = Stream.of(noise.astype("<i2"), [segment], ("en", "es"), name="talk")
    server = ServerProcess(scripted_server.process, scripted_server.port)
    result = uvloop.run(run_load(server, excerpts(source, 2, 1.5)))
    found = {figure.name: figure.value for figure in figures(result)}
    assert [item.problems for item in result.items] == [[], []]
    for name in ("first text", "first voice", "text lag (LAAL)", "voice lag p50", "loop lag p99"):
        assert found[name] is not None, name
    assert found["committed text changed"] == 0
    assert found["all said after last audio, worst"] > 0
