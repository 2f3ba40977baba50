"""When parts of a turn were said."""

from __future__ import annotations

import pytest

from bench.tests.interpret.sessions import SCRIPT, heard, log, said
from dragoman_bench.interpret.log import Turn
from dragoman_bench.interpret.script import Script, Segment
from dragoman_bench.interpret.shown_text import Shown
from dragoman_bench.interpret.source_alignment import SourceAlignment, parts


def test_what_was_misheard_lies_between_what_was_not() -> None:
    found = log(heard(5000, "one xxx three four"), said(5001, "a"))
    alignment = SourceAlignment(found.turns, SCRIPT)
    letters = 15
    assert alignment.at(0, 3 / letters) == pytest.approx(2000, abs=150)  # "one" of "one two,"
    assert alignment.at(0, 11 / letters) == pytest.approx(4111, abs=150)
    assert alignment.span(0) == (1000, 5000)
    assert alignment.share(0, 0.0) == 0.0
    assert alignment.share(0, 9000.0) == 1.0


def test_a_long_talk_is_measured_in_parts_that_begin_with_a_recording() -> None:
    segments = [
        Segment(
            id=f"s{n}",
            start_ms=n * 30_000.0,
            length_ms=30_000.0,
            speech_start_ms=n * 30_000.0,
            speech_end_ms=n * 30_000.0 + 29_000,
            transcript="x",
        )
        for n in range(10)
    ]
    turns = [Turn(start_ms=n * 15_000.0 + 200, source=[Shown(0, "x")]) for n in range(20)]
    script = Script(name="talk", language="en", target="es", segments=segments)
    found = list(parts(turns, script))
    assert [len(part) for part, _ in found] == [8, 8, 4]
    assert [[s.id for s in one.segments] for _, one in found] == [
        ["s0", "s1", "s2", "s3"],
        ["s4", "s5", "s6", "s7"],
        ["s8", "s9"],
    ]
    assert list(parts([], script)) == []
