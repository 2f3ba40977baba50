"""Text in pieces, which segments it makes certain and when, and both sides of a round."""

from __future__ import annotations

import random
from statistics import median

import pytest
import uvloop

from dragoman.engines.scripted.engines import ScriptedTts
from dragoman.runtime.hosts.make_host import make_host
from dragoman.testing.live_server import LiveServer as Server
from dragoman_bench.figures import BenchFailed, Figure, Spread, spread
from dragoman_bench.harness.pacer import Pacer
from dragoman_bench.harness.synthesis_session import PIECES_PER_S, SynthesisSession, pieces_of
from dragoman_bench.parts import first_audio, paired_rounds
from dragoman_bench.parts.first_audio import TextInput, on_server, segments_of
from dragoman_bench.parts.paired_rounds import PairedResult, Pattern
from dragoman_bench.parts.synthesis import COMMITTED, FLITE, STREAMED, TEXT

TWO = ["It is no", "on. We ", "wait", " here."]


def test_pieces_are_small_and_lose_nothing() -> None:
    pieces = pieces_of(TEXT)
    assert "".join(pieces) == TEXT
    assert {len(piece) for piece in pieces[:-1]} == {2, 3, 4, 5, 6}
    assert pieces == pieces_of(TEXT)


def test_a_segment_belongs_to_the_piece_that_makes_it_certain() -> None:
    # The full stop alone does not end a sentence, the space behind it does.
    assert segments_of(["It is noon", ".", " We", " wait."], eager=True)[0].piece == 2
    found = segments_of(TWO, eager=True)
    assert [segment.text.strip() for segment in found] == ["It is noon.", "We wait here."]
    assert [segment.piece for segment in found] == [1, 3]


def test_a_streamed_text_can_be_spoken_before_it_ends() -> None:
    text_input = TextInput(TEXT, streamed=True)
    assert len(text_input.frames) == len(pieces_of(TEXT))
    assert len(text_input.plan) >= 2
    assert 0 < text_input.counted_s < (len(text_input.frames) - 1) / PIECES_PER_S
    said = " ".join(text for _, text in text_input.plan)
    assert said.split() == TEXT.split()
    # One response: the load takes the first ``response.done`` for the end.
    assert len(TEXT) < 300


def test_a_whole_text_counts_from_its_commit() -> None:
    text_input = TextInput("One. Two.", streamed=False)
    assert len(text_input.frames) == 1
    assert text_input.counted_s == 0.0
    assert [after_s for after_s, _ in text_input.plan] == [0.0, 0.0]


def test_arrivals_are_the_same_in_every_run() -> None:
    scattered = Pattern(sessions=3, rounds=4, quick_rounds=2)
    first, again = (scattered.arrivals(random.Random(1), quick=False) for _ in range(2))
    assert first == again
    assert [len(arrivals) for arrivals in first] == [3] * 4
    assert all(0 <= after_s < 1 for arrivals in first for after_s in arrivals)
    assert all(round(after_s * 1000) % 5 == 0 for arrivals in first for after_s in arrivals)
    assert first[0] != first[1]
    at_once = Pattern(sessions=2, at_once=True, rounds=4, quick_rounds=2)
    assert at_once.arrivals(random.Random(1), quick=True) == [[0.0, 0.0]] * 2


def test_every_aim_is_one_that_the_table_shows() -> None:
    patterns = COMMITTED | STREAMED | FLITE
    for name, pattern in patterns.items():
        shown = [
            figure.aim for figure in paired_rounds.figures(name, result_of([1.0]), pattern.aims)
        ]
        assert sorted(aim for aim in shown if aim is not None) == sorted(pattern.aims.values())
    bursts = [pattern for name, pattern in patterns.items() if "at once" in name]
    assert [(pattern.sessions, pattern.aims) for pattern in bursts] == [
        (50, {"ratio": 1.2}),
        (200, {"ratio": 1.2}),
    ] * 2


def result_of(ratios: list[float]) -> PairedResult:
    some = spread([10.0, 30.0])
    assert some is not None
    return PairedResult(
        server=some,
        pool=Spread(2, 8.0, 9.0, 10.0, 10.0),
        server_ms=[10.0, 30.0],
        pool_ms=[],
        round_ratios=ratios,
        loop_us=900.0,
        load_late_p99_ms=0.1,
    )


def test_the_ratio_is_the_median_over_rounds() -> None:
    lines = {
        f.name: f for f in paired_rounds.figures("x", result_of([1.0, 9.0, 1.1]), {"ratio": 1.2})
    }
    assert lines["ratio to bare pool"].value == 1.1
    assert lines["ratio to bare pool"].met is True
    assert lines["p50 above bare pool"].value == 12.0
    assert lines["ratio to bare pool, p99"].value == pytest.approx(2.98)


def test_both_sides_speak_the_same_text(scripted_server: Server) -> None:
    text_input = TextInput("It is noon. We wait here.", streamed=True)
    patterns = {"two": Pattern(sessions=2, at_once=True, rounds=3, quick_rounds=1)}

    async def scene() -> tuple[dict[str, PairedResult], list[Figure]]:
        pool = make_host(ScriptedTts(), spec="scripted-tts", threads=1, workers=1)
        await pool.start()
        try:
            return await first_audio.measure(
                0, scripted_server.port, pool, text_input, patterns, quick=False
            )
        finally:
            await pool.close()

    with pytest.MonkeyPatch.context() as patched:
        # The scripted server lives in a thread of this process.
        patched.setattr(paired_rounds.processes, "main_thread_cpu_s", lambda _pid: 0.0)
        found, figures = uvloop.run(scene())
    two = found["two"]
    assert len(two.server_ms) == len(two.pool_ms) == 6
    assert min(two.server_ms + two.pool_ms) > 0
    assert len(two.round_ratios) == 3
    ratio = next(figure for figure in figures if figure.name == "ratio to bare pool")
    assert ratio.value == median(two.round_ratios)


def test_speech_before_its_segment_is_certain_is_not_measured(scripted_server: Server) -> None:
    text_input = TextInput("It is noon. We wait here.", streamed=True)
    text_input.counted_s = 60.0

    async def scene() -> None:
        session = await SynthesisSession.open(scripted_server.port, text_input.mode)
        pacer = Pacer()
        await on_server(session, text_input)(pacer, pacer.now_s)

    with pytest.raises(BenchFailed, match="earlier than its segment"):
        uvloop.run(scene())
