"""The append benchmark: its free interpreter, its sound, and the arithmetic of its ratios."""

from __future__ import annotations

import random

import pytest

from dragoman.engines.base import Interpreter
from dragoman.speech import Audio, Interpret, Result, TurnDone, Voiced
from dragoman_bench.free_interpreter import FreeInterpreter
from dragoman_bench.harness.microphones import FRAME_BYTES, speechlike
from dragoman_bench.parts.append import AppendCost, figures


def interpreted(seconds: float, sizes: list[int], *, speak: bool = True) -> list[Result]:
    """The facts for so much silence, cut into pieces of these sizes in turn."""
    session = FreeInterpreter().start(Interpret("es", speak=speak))
    pcm, facts, number = bytes(int(seconds * 32_000)), list[Result](), 0
    while pcm:
        size = sizes[number % len(sizes)]
        facts += session.feed(Audio(pcm[:size]))
        pcm, number = pcm[size:], number + 1
    return facts + session.finish()


def test_the_free_interpreter_speaks_as_long_as_the_speaker() -> None:
    assert isinstance(FreeInterpreter(), Interpreter)
    facts = interpreted(8, [3_200])
    assert [fact.turn for fact in facts if isinstance(fact, TurnDone)] == [1, 2]
    spoken = b"".join(fact.pcm for fact in facts if isinstance(fact, Voiced))
    assert len(spoken) == 2 * 2.4 * 48_000


def test_facts_do_not_depend_on_the_chunking_of_the_audio() -> None:
    sizes = [2 * random.Random(4).randint(1, 6_000) for _ in range(20)]
    assert interpreted(6, sizes) == interpreted(6, [3_200])
    assert not any(isinstance(fact, Voiced) for fact in interpreted(6, sizes, speak=False))


def test_an_open_turn_ends_when_the_session_finishes() -> None:
    last = interpreted(5, [3_200])[-1]
    assert last == TurnDone(2, 2_400)


def cost(main_us: float) -> AppendCost:
    return AppendCost(
        main_us=main_us,
        all_us=main_us * 2,
        appends=1,
        received=1,
        loop_lag_p99_ms=None,
        load_late_p99_ms=0.0,
    )


def test_ratios_are_taken_within_a_round() -> None:
    """Each round ran on a faster or slower core; the servers cost the same in all of them."""
    speeds = [1.0, 3.0, 0.5]
    rounds = {"cascade": 30.0, "gateway": 15.0, "echo": 10.0}
    found = figures({name: [cost(us * speed) for speed in speeds] for name, us in rounds.items()})
    ratios = {figure.name: figure.value for figure in found if figure.unit == "x"}
    assert ratios == {
        "ratio to the bare echo, gateway": pytest.approx(1.5),
        "ratio to the bare echo, gateway, all threads": pytest.approx(1.5),
        "ratio to the bare echo, cascade": pytest.approx(3.0),
        "ratio to the bare echo, cascade, all threads": pytest.approx(3.0),
    }


def test_the_append_frames_are_the_agreed_size() -> None:
    frames = speechlike()
    assert len(frames) == 120
    # Head of a frame this size: two bytes, two of length, four of mask.
    assert {len(frame) for frame in frames} == {FRAME_BYTES + 8}
