"""How late the translated speech is, and what is missing of it.

Law of this file: pure; log and script in, times in ms out. Speech is played when it arrives, or
when the piece before it is over.

How it works. Within a turn, speech is its text spread evenly by characters, so each clause of the
speaker has a place in the translated speech: where the text of the clause before it ends. Its lag
is the time from the end of the clause to that place being heard (the ear-voice span of human
interpreters). Clauses of which nothing was spoken have no lag; they count as skipped.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import msgspec

from dragoman.bench.interpret.log import Log, Piece, Turn
from dragoman.bench.interpret.places import Places
from dragoman.bench.interpret.script import Script, Span
from dragoman.bench.measures import Heard, Split, arrivals, heard_at
from dragoman.bench.numbers import slope

LONGEST_GAP_MS = 250.0
TOP_RATE = 1.3
"""How much faster than usual speech may be before some of it must have been left out."""

_SLACK = 1.1  # lengths of speech differ that much by content
_JUDGED_LETTERS = 20


class ClauseLag(msgspec.Struct, frozen=True, kw_only=True):
    """A clause of the speaker, and when its translation begins to be heard."""

    text: str
    start_ms: float
    end_ms: float
    heard_ms: float
    heard_end_ms: float

    @property
    def lag_ms(self) -> float:
        """From the end of the clause to the first of its translation."""
        return self.heard_ms - self.end_ms


class Gap(msgspec.Struct, frozen=True):
    """A silence while committed text waited to be spoken."""

    start_ms: float
    length_ms: float


def clause_lags(log: Log, places: Places, script: Script | None) -> list[ClauseLag]:
    """The lag of every clause that was spoken, in order. Without a script turns are the clauses."""
    return [
        _lag(index, turn, clause, places)
        for index, turn in enumerate(log.turns)
        if turn.speech
        for clause in _clauses_of(index, turn, places, script)
    ]


def _clauses_of(index: int, turn: Turn, places: Places, script: Script | None) -> list[Span]:
    """The clauses that end in this turn (the last to begin in it counts, too)."""
    start, end = places.span(index)
    whole = Span(text=turn.source_text, start_ms=start, end_ms=end)
    if script is None:
        return [whole]
    middle = [c for c in script.clauses if start <= (c.start_ms + c.end_ms) / 2 < end]
    return middle or [whole]


def _lag(index: int, turn: Turn, clause: Span, places: Places) -> ClauseLag:
    length = sum(piece.length_ms for piece in turn.speech)
    playing = [Heard(piece.heard_ms, piece.length_ms) for piece in turn.speech]
    first = places.share(index, clause.start_ms) * length
    last = places.share(index, clause.end_ms) * length
    return ClauseLag(
        text=clause.text,
        start_ms=clause.start_ms,
        end_ms=clause.end_ms,
        heard_ms=heard_at(playing, first),
        heard_end_ms=max(heard_at(playing, first), heard_at(playing, max(0.0, last - 1e-6))),
    )


def drift(lags: Sequence[ClauseLag]) -> float | None:
    """Least-squares slope of the lag over the source, in seconds per minute."""
    return slope([(lag.end_ms / 60_000, lag.lag_ms / 1000) for lag in lags])


# ---------------------------------------------------------------- silences and losses
def gaps(log: Log, split: Split) -> list[Gap]:
    """Silences of more than 250 ms while text that was spoken next had long been committed."""
    found: list[Gap] = []
    end_ms: float | None = None
    for piece, known_ms in _with_commits(log, split):
        if end_ms is not None:
            start = max(end_ms, known_ms)
            if piece.heard_ms - start > LONGEST_GAP_MS:
                found.append(Gap(start, piece.heard_ms - start))
        end_ms = piece.end_ms
    return found


def _with_commits(log: Log, split: Split) -> list[tuple[Piece, float]]:
    """Each piece in order of playback, and when the text at its beginning was committed."""
    found = []
    for turn in log.turns:
        words, times = split(turn.target_text), arrivals(turn.target, split)
        if not words:
            continue
        letters = sum(map(len, words))
        length = sum(piece.length_ms for piece in turn.speech)
        spoken_ms, word, before = 0.0, 0, 0
        for piece in turn.speech:
            while (
                word < len(words) - 1 and before + len(words[word]) <= spoken_ms / length * letters
            ):
                before += len(words[word])
                word += 1
            found.append((piece, times[word]))
            spoken_ms += piece.length_ms
    return sorted(found, key=lambda pair: pair[0].heard_ms)


def skipped(turns: Sequence[Turn]) -> float | None:
    """The least share (0..1) of the translation that cannot have been spoken; None without speech.

    The usual pace of the voice is the median of all turns. What would need more than 1.3 times of
    it (and a tenth) in a turn was left out there; a turn without any speech was left out wholly.
    """
    letters = [len(turn.target_text.replace(" ", "")) for turn in turns]
    lengths = [sum(piece.length_ms for piece in turn.speech) for turn in turns]
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
