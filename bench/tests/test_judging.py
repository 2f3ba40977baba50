"""One session's verdict, from events to figures, computed by hand."""

from __future__ import annotations

from dragoman.client.events import (
    Other,
    SourceSpeechStarted,
    SourceSpeechStopped,
    SourceText,
    SpeechAudio,
    TranslatedText,
)
from dragoman_bench.judging import Row, judge, sort_rows
from dragoman_bench.measures import Timeline

# One second of silence, four of speech, one of silence.
TIMELINE = Timeline([0.0] * 50 + [0.3] * 200 + [0.0] * 50)


def created(response: str) -> Other:
    return Other(type="response.created", raw={"response": {"id": response}})


def heard(text: str, stash: str = "", item: str = "i1") -> SourceText:
    return SourceText(item_id=item, text=text, stash=stash)


def said(text: str, stash: str = "", response: str = "r1") -> TranslatedText:
    return TranslatedText(response_id=response, item_id="o1", text=text, stash=stash)


def voice(ms: int, response: str = "r1") -> SpeechAudio:
    return SpeechAudio(data=bytes(48 * ms), response_id=response)


ROWS: list[Row] = [
    (1500, SourceSpeechStarted(audio_start_ms=1000, item_id="i1")),
    (1600, heard("", "One.")),
    (1601, created("r1")),
    (2500, heard("One two,", " there")),
    (2600, said("", "Un")),
    (2700, said("Uno dos,")),
    (2800, voice(1000)),
    (2801, voice(500)),
    (5000, heard("One two, three four")),
    (5100, said("Uno dos, tres cua")),
    (5200, voice(1500)),
    (5900, SourceSpeechStopped(audio_end_ms=5000, item_id="i1")),
    (5950, said("Uno dos, tres cua")),
]


def test_first_times_count_from_the_first_sound() -> None:
    verdict = judge(ROWS, TIMELINE)
    assert verdict.first_text_ms == 600
    assert verdict.first_translation_ms == 1600
    assert verdict.first_voice_ms == 1800


def test_the_voice_after_the_first_clause() -> None:
    # "One two," is 8 of 19 characters: it ends 8/19 of 4000 ms (1684, in whole steps 1700) in.
    verdict = judge(ROWS, TIMELINE)
    assert verdict.voice_after_clause_ms == 2800 - 2700


def test_lag_of_the_voice() -> None:
    # "Uno dos," is 8 of 17 characters: source 1000 + 8/17 * 4000 = 2882, in whole steps 2900.
    # The rest starts at 8/17 of 3000 ms speech: 1412 ms, in the second piece (1000 + 412).
    verdict = judge(ROWS, TIMELINE)
    (first_at, first), (second_at, second) = verdict.voice_lags
    assert (first_at, first) == (2900, 2800 - 2900)
    assert second_at == 5000
    assert round(second) == 3800 + 412 - 5000


def test_the_end_of_the_voice_counts_from_the_last_sound() -> None:
    # 1500 ms heard from 2800, then 1500 ms from 5200.
    assert judge(ROWS, TIMELINE).voice_end_ms == 6700 - 5000


def test_words_lag_behind_their_place_in_the_source() -> None:
    verdict = judge(ROWS, TIMELINE)
    assert [round(at) for at, _ in verdict.text_lags] == [1900, 3000, 4120, 5000]
    assert [round(lag) for _, lag in verdict.text_lags] == [800, -300, 980, 100]
    # Delays 1700, 1700, 4100, 4100 of 4000 ms, 1000 ms a word: (1700 + 700 + 2100) / 3.
    assert verdict.laal_ms == [1500]


def test_erasure_and_violations() -> None:
    verdict = judge(ROWS, TIMELINE)
    # Target: "Un" becomes "Uno". Source: "One." becomes "One", "there" becomes "three".
    assert (verdict.erased, verdict.shown_words) == (1, 4)
    assert (verdict.source_erased, verdict.source_words) == (2, 4)
    assert verdict.violations == 0
    assert (verdict.source_text, verdict.target_text) == (
        "One two, three four",
        "Uno dos, tres cua",
    )


def test_changed_commitments_are_counted_in_both_texts() -> None:
    rows: list[Row] = [*ROWS, (6000, heard("One too")), (6001, said("Otra cosa"))]
    assert judge(rows, TIMELINE).violations == 2


def test_a_response_belongs_to_the_oldest_turn_that_was_heard() -> None:
    rows: list[Row] = [
        (1, SourceSpeechStarted(audio_start_ms=0, item_id="noise")),
        (2, SourceSpeechStopped(audio_end_ms=50, item_id="noise")),
        (3, SourceSpeechStarted(audio_start_ms=100, item_id="i1")),
        (4, heard("Hello")),
        (5, created("r1")),
        (6, SourceSpeechStarted(audio_start_ms=900, item_id="i2")),
        (7, heard("Again", item="i2")),
        (8, created("r2")),
        (9, said("Otra vez", response="r2")),
        (10, said("Hola")),
        (11, voice(20, "r2")),
        (12, voice(20, "never opened")),
    ]
    found = sort_rows(rows)
    assert [turn.start_ms for turn in found.turns] == [0, 100, 900]
    assert [turn.target[-1].text if turn.target else "" for turn in found.turns] == [
        "",
        "Hola",
        "Otra vez",
    ]
    assert found.turns[2].speech == [0]
    assert len(found.pieces) == 1


def test_a_session_that_heard_nothing_has_no_figures() -> None:
    verdict = judge([], TIMELINE)
    assert verdict.first_text_ms is verdict.first_voice_ms is verdict.voice_end_ms is None
    assert verdict.laal_ms == verdict.text_lags == verdict.voice_lags == []
