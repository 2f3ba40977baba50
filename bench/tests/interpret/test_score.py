"""One session's measures, computed by hand."""

from __future__ import annotations

import pytest

from bench.tests.interpret.sessions import ROWS, SCRIPT, heard, log, said, script, voice
from dragoman_bench.interpret.log import Log
from dragoman_bench.interpret.score import score
from dragoman_bench.interpret.script import Segment, first_clause_end_ms, spans, units
from dragoman_bench.interpret.speech_lag import drift, gaps, skipped


def test_first_times_count_from_the_first_word() -> None:
    item = score("made", log(*ROWS), SCRIPT)
    assert (item.first_text_ms, item.first_translation_ms, item.first_voice_ms) == (800, 2400, 2700)
    assert item.voice_after_clause_ms == 700
    assert item.finish_ms == pytest.approx(95)


def test_ends_of_the_voice() -> None:
    item = score("made", log(*ROWS), SCRIPT)
    assert item.end_offset_ms == 6300 - 5000
    assert item.end_delivery_ms == 5300 - 5000


def test_delays_in_real_time_and_in_speech_sent() -> None:
    item = score("made", log(*ROWS), SCRIPT)
    assert item.arrived_ms == [3500, 3500, 5200, 5200]
    assert item.sent_ms == [3400, 3400, 5100, 5100]
    assert item.ca is not None
    assert item.cu is not None
    # X 4000, R 4: 2500, 2500 - 1000, 4200 - 2000 (the first that is not before the end).
    assert item.ca.laal == pytest.approx((2500 + 1500 + 2200) / 3)
    assert item.cu.laal == pytest.approx((2400 + 1400 + 2100) / 3)
    assert item.ca.yaal == 2000
    assert item.ca.early == 2


def test_laal_of_each_turn_counts_from_where_the_server_says() -> None:
    item = score("made", log(*ROWS), SCRIPT)
    # Turn of 4 s from 1000 on, four words: 2500, 2500 - 1000, 4200 - 2000.
    assert item.turn_laal_ms == [pytest.approx((2500 + 1500 + 2200) / 3)]


def test_lag_of_the_voice_by_clause() -> None:
    item = score("made", log(*ROWS), SCRIPT)
    first, second = item.clauses
    assert (first.text, first.target_text) == ("one two,", "uno dos,")
    assert first.lag_ms == 3700 - 3000
    # Its text begins behind 7 of 16 letters of 2 s of speech: 875 ms, in the second piece.
    assert second.lag_ms == pytest.approx(4575 - 5000, abs=2)
    assert second.play_end_ms == pytest.approx(6300)


def test_stability() -> None:
    item = score("made", log(*ROWS), SCRIPT)
    # "un dos" becomes "uno dos,": two words; "one two, tree" becomes "… three": one, of four.
    assert (item.target_stability.erased, item.target_stability.shown) == (2, 4)
    assert (item.source_stability.erased, item.source_stability.flicker) == (1, 0.25)
    assert item.target_stability.violations == item.source_stability.violations == 0


def test_changed_commitments_count() -> None:
    item = score("made", log(*ROWS, said(5250, "otra cosa")), SCRIPT)
    assert item.target_stability.violations == 1


def test_characters_are_the_units_of_chinese() -> None:
    chinese = script([("one two", 1000, 5000)], reference="一二三四五六", target="zh")
    found = log(heard(2000, "one two"), said(3000, "一二"), said(5200, "一二三 四。"))
    item = score("zh", found, chinese)
    assert item.target_text == "一二三 四。"
    assert item.arrived_ms == [3000, 3000, 5200, 5200, 5200]
    assert item.reference_units == 6
    assert units("一二 三", "zh-CN") == ["一", "二", "三"]


def test_terms_in_the_transcript_and_in_what_was_heard() -> None:
    known = script([("one two,", 1000, 3000), ("three four", 3000, 5000)])
    known.terms = {"two": "dos", "four": "vier", "six": "seis"}
    item = score("made", log(*ROWS, heard(5300, "one two, three fear")), known)
    assert item.transcript_terms == (1, 2)
    assert item.recognised_terms == (1, 1)


def test_a_log_alone_is_scored_without_a_script() -> None:
    item = score("alone", log(*ROWS), None)
    assert item.first_voice_ms == 2700
    assert item.transcript is item.reference is None
    assert item.clauses[0].lag_ms == pytest.approx(3700 - 5000)  # the turn is the clause
    assert item.target_stability.erased == 2


def test_a_session_that_heard_nothing_has_no_figures() -> None:
    item = score("silence", log(), SCRIPT)
    assert item.first_text_ms is item.first_voice_ms is item.skipped is None
    assert item.ca is not None
    assert item.ca.laal is item.ca.yaal is item.ca.atd is None
    assert item.clauses == item.gaps == item.arrived_ms == []


# ---------------------------------------------------------------- clauses
def test_long_clauses_are_cut_to_at_most_eight_words() -> None:
    long = script([("a b c d e f g h i j", 0, 10_000), ("k l", 10_000, 12_000)])
    found = spans(long)
    assert [span.text for span in found] == ["a b c d e", "f g h i j", "k l"]
    assert [(span.start_ms, span.end_ms) for span in found] == [
        (0, 5000),
        (5000, 10_000),
        (10_000, 12_000),
    ]
    assert first_clause_end_ms(long) == 8000
    assert first_clause_end_ms(SCRIPT) == 3000


def test_a_faster_speaker_has_an_earlier_script() -> None:
    segment: Segment = SCRIPT.segments[0].moved(100.0, 2.0)
    assert (segment.speech_start_ms, segment.speech_end_ms) == (600, 2600)
    assert segment.clauses[1].end_ms == 2600


# ---------------------------------------------------------------- silences and losses
def test_a_silence_counts_once_its_text_was_known() -> None:
    rows = [
        heard(3000, "one two three four"),
        said(3000, "uno dos"),
        voice(3100, 500),
        said(3200, "uno dos tres cuatro"),
        voice(4400, 700),  # known since 3200, silent from 3600
    ]
    (gap,) = gaps(log(*rows).turns, str.split)
    assert (gap.start_ms, gap.length_ms) == (3600, 800)
    late = [rows[0], rows[1], rows[2], said(4300, "uno dos tres cuatro"), rows[4]]
    assert gaps(log(*late).turns, str.split) == []


def spoken(*turns: tuple[int, float]) -> Log:
    """Turns of so many letters, with so much speech in ms."""
    made = []
    for number, (letters, ms) in enumerate(turns):
        turn = log(said(1, "x" * letters), *([voice(2, ms)] if ms else [])).turns[0]
        turn.start_ms = number
        made.append(turn)
    return Log(turns=made, sent=[])


def test_what_cannot_have_been_spoken_was_skipped() -> None:
    assert skipped(spoken((100, 6000), (100, 6000), (100, 4700)).turns) == 0.0  # 1.28 as fast
    assert skipped(spoken((100, 6000), (100, 6000), (100, 0)).turns) == pytest.approx(1 / 3)
    half = skipped(spoken((100, 6000), (100, 6000), (100, 2000)).turns)
    assert half == pytest.approx((100 - 2000 * 100 / 6000 * 1.3 * 1.1) / 300)
    assert skipped(spoken((100, 0)).turns) is None


def test_drift_is_seconds_per_minute() -> None:
    item = score("made", log(*ROWS), SCRIPT)
    # Each clause a minute later and half a second more behind than the one before.
    template = item.clauses[0]
    lags = [
        type(template)(
            text="",
            start_ms=0,
            end_ms=60_000.0 * n,
            play_ms=60_000.0 * n + 1000 + 500 * n,
            play_end_ms=0,
        )
        for n in range(4)
    ]
    assert drift(lags) == pytest.approx(0.5)
    assert drift(lags[:2]) is None
