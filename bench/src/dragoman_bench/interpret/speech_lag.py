"""How late the translated speech is, and what is missing of it.

Scope: pure; turns and script in, times in ms out. Within a turn, speech is its text spread evenly
by characters, so each clause of the speaker has a place in the translated speech: where the text of
the clause before it ends. Its lag is the time from the end of the clause until that place plays
(near the ear-voice span of human interpreters). Clauses are the script's, cut to at most eight
words: what counts is the same for every server and setting, and a long clause whose translation
begins before it ends helps nobody. Clauses of which nothing was spoken have no lag; they count as
skipped.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator, Sequence

import msgspec

from dragoman_bench.figures import slope
from dragoman_bench.interpret.log import Piece, Turn, playback
from dragoman_bench.interpret.script import Script, Span, cut, spans, units
from dragoman_bench.interpret.shown_text import Split, arrivals
from dragoman_bench.interpret.source_alignment import SourceAlignment

LONGEST_GAP_MS = 250.0
TOP_RATE = 1.3
"""How much faster than usual speech may be before some of it must have been left out."""

_SLACK = 1.1  # lengths of speech differ that much by content
_JUDGED_LETTERS = 20
_NEAR_LETTERS, _NEAR = 8, 0.1


class ClauseLag(msgspec.Struct, frozen=True, kw_only=True):
    """A clause of the speaker, and when its translation begins to be heard."""

    text: str
    start_ms: float
    end_ms: float
    play_ms: float
    play_end_ms: float
    target_text: str = ""
    """Its share of the translation."""

    @property
    def lag_ms(self) -> float:
        """From the end of the clause to the first of its translation."""
        return self.play_ms - self.end_ms


class Gap(msgspec.Struct, frozen=True):
    """A silence while committed text waited to be spoken."""

    start_ms: float
    length_ms: float


def clause_lags(
    turns: Sequence[Turn], alignment: SourceAlignment, script: Script | None, language: str
) -> list[ClauseLag]:
    """The lag of every clause that was spoken, in order. Without a script turns are the clauses."""
    clauses = spans(script) if script else []
    return [
        lag
        for index, turn in enumerate(turns)
        if turn.speech
        for lag in _turn_lags(
            index, turn, alignment, _within(index, turn, alignment, clauses, language)
        )
    ]


def _within(
    index: int, turn: Turn, alignment: SourceAlignment, clauses: Sequence[Span], language: str
) -> list[Span]:
    """The clauses whose middle lies in this turn; without any, the turn itself, cut evenly."""
    start, end = alignment.span(index)
    found = [c for c in clauses if start <= (c.start_ms + c.end_ms) / 2 < end]
    if found:
        return found
    words, said, whole = [], 0, max(1, len("".join(units(turn.source_text, language))))
    for word in units(turn.source_text, language):
        begin, said = alignment.at(index, said / whole), said + len(word)
        words.append(Span(text=word, start_ms=begin, end_ms=alignment.at(index, said / whole)))
    return cut(Span(text=turn.source_text, start_ms=start, end_ms=end), words, language)


def _turn_lags(
    index: int, turn: Turn, alignment: SourceAlignment, clauses: Sequence[Span]
) -> Iterator[ClauseLag]:
    """The clauses of one turn; together they are all of its speech."""
    length = turn.speech_ms
    borders = [0.0, *(alignment.share(index, clause.start_ms) for clause in clauses[1:]), 1.0]
    text, whole = turn.target_text, len(turn.target_text)
    for clause, (begin, end) in zip(clauses, itertools.pairwise(borders), strict=True):
        heard = turn.play_at(begin * length)
        yield ClauseLag(
            text=clause.text,
            start_ms=clause.start_ms,
            end_ms=clause.end_ms,
            play_ms=heard,
            play_end_ms=max(heard, turn.play_at(max(0.0, end * length - 1e-6))),
            target_text=text[_word_at(text, begin * whole) : _word_at(text, end * whole)].strip(),
        )


def _word_at(text: str, position: float) -> int:
    """The beginning of a word that is nearest to this place in the text, or the end."""
    starts = [0, len(text), *(index for index, char in enumerate(text) if char == " ")]
    return min(starts, key=lambda start: abs(start - position))


def drift(lags: Sequence[ClauseLag]) -> float | None:
    """Least-squares slope of the lag over the source, in seconds per minute."""
    return slope([(lag.end_ms / 60_000, lag.lag_ms / 1000) for lag in lags])


# ---------------------------------------------------------------- silences and losses
def gaps(turns: Sequence[Turn], split: Split) -> list[Gap]:
    """Silences of more than 250 ms while text that was spoken next had long been committed."""
    committed = {id(p): at for turn in turns for p, at in _with_commits(turn, split)}
    found: list[Gap] = []
    for before, piece in itertools.pairwise(p for p in playback(turns) if id(p) in committed):
        start = max(before.end_ms, committed[id(piece)])
        if piece.play_ms - start > LONGEST_GAP_MS:
            found.append(Gap(start, piece.play_ms - start))
    return found


def _with_commits(turn: Turn, split: Split) -> Iterator[tuple[Piece, float]]:
    """Each piece of a turn, and when the text at its beginning was committed."""
    commits = _commits(turn, split)
    if not commits:
        return
    letters, length = commits[-1][0], turn.speech_ms
    near = max(_NEAR_LETTERS, letters * _NEAR)
    spoken_ms = 0.0
    for piece in turn.speech:
        at = spoken_ms / length * letters
        border = min((count for count, _ in commits), key=lambda count: abs(count - at))
        if abs(border - at) <= near:  # speech is cut where text was committed
            at = border
        yield piece, next((time for count, time in commits if count > at), commits[-1][1])
        spoken_ms += piece.length_ms


def _commits(turn: Turn, split: Split) -> list[tuple[int, float]]:
    """(letters so far, time) of each commit of the turn's translation, from (0, 0) on."""
    found: list[tuple[int, float]] = []
    count = 0
    for word, at_ms in zip(split(turn.target_text), arrivals(turn.target, split), strict=True):
        if not found or at_ms > found[-1][1]:
            found.append((count, at_ms))
        count += len(word)
    if not count:
        return []
    times = [at_ms for _, at_ms in found]
    ends = [*(letters for letters, _ in found[1:]), count]
    return [(0, 0.0), *zip(ends, times, strict=True)]


def skipped(turns: Sequence[Turn]) -> float | None:
    """The least share (0..1) of the translation that cannot have been spoken; None without speech.

    The usual pace of the voice is the median of all turns. What would need more than 1.3 times of
    it (and a tenth) in a turn was left out there; a turn without any speech was left out wholly.
    """
    letters = [len(turn.target_text.replace(" ", "")) for turn in turns]
    lengths = [turn.speech_ms for turn in turns]
    paces = [
        count / length
        for count, length in zip(letters, lengths, strict=True)
        if length and count >= _JUDGED_LETTERS
    ]
    if not paces:
        return None
    fastest = statistics.median(paces) * TOP_RATE * _SLACK
    lost = 0.0
    for count, length in zip(letters, lengths, strict=True):
        if not length or count >= _JUDGED_LETTERS:
            lost += max(0.0, count - length * fastest)
    return lost / sum(letters)
