"""The script of a stream: what is said in it and when, as people wrote it down.

Scope: values and their file; nothing is measured, and nothing comes from the server. Times are ms
on the stream's own clock, which is the log's clock, too: a microphone delivers a moment when it
happens. A script is saved beside a log, so that a log can be scored without the recording.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Self

import msgspec

BY_CHARACTER = frozenset({"zh", "yue", "ja", "th", "lo", "km", "my"})
"""Languages written without spaces: their unit is the character."""

CLAUSE_WORDS = 8
"""A longer clause is cut: one would not wait for its end (16 where characters count)."""


def by_character(language: str) -> bool:
    """Whether texts of this language (``zh``, ``zh-CN``) are counted in characters."""
    return language.split("-", maxsplit=1)[0].lower() in BY_CHARACTER


def units(text: str, language: str) -> list[str]:
    """A text as its units: words, or all characters that are not white space."""
    return list("".join(text.split())) if by_character(language) else text.split()


def joined(texts: list[str], language: str) -> str:
    """Several texts as one."""
    return ("" if by_character(language) else " ").join(text.strip() for text in texts if text)


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A word or a clause, and from when to when it is spoken."""

    text: str
    start_ms: float
    end_ms: float

    def moved(self, by_ms: float, speed: float) -> Span:
        """The same after ``by_ms``, spoken ``speed`` times as fast."""
        start, end = self.start_ms / speed + by_ms, self.end_ms / speed + by_ms
        return Span(text=self.text, start_ms=start, end_ms=end)


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """One recording within a stream. ``offline_*``: the texts of the same engines offline."""

    id: str
    start_ms: float
    """Where the recording begins; its speech begins at ``speech_start_ms``."""
    length_ms: float
    speech_start_ms: float
    speech_end_ms: float
    transcript: str
    clauses: list[Span] = []
    words: list[Span] = []
    translations: dict[str, str] = {}
    offline_source: str | None = None
    offline_target: str | None = None

    def moved(self, by_ms: float, speed: float) -> Segment:
        """The same after ``by_ms``, spoken ``speed`` times as fast."""
        return msgspec.structs.replace(
            self,
            start_ms=self.start_ms / speed + by_ms,
            length_ms=self.length_ms / speed,
            speech_start_ms=self.speech_start_ms / speed + by_ms,
            speech_end_ms=self.speech_end_ms / speed + by_ms,
            clauses=[clause.moved(by_ms, speed) for clause in self.clauses],
            words=[word.moved(by_ms, speed) for word in self.words],
        )


class Script(msgspec.Struct, kw_only=True):
    """A stream. ``loudness``: RMS (0..1) of each ``LOUDNESS_MS``, for the picture.

    ``terms`` are source terms and the translations wanted for them.
    """

    name: str
    language: str
    target: str
    segments: list[Segment]
    length_ms: float = 0.0
    speed: float = 1.0
    loudness: list[float] = []
    terms: dict[str, str] = {}

    @property
    def speech_start_ms(self) -> float:
        """When the first word begins."""
        return self.segments[0].speech_start_ms

    @property
    def speech_end_ms(self) -> float:
        """When the last word ends."""
        return self.segments[-1].speech_end_ms

    @property
    def transcript(self) -> str:
        """All that is said."""
        return joined([segment.transcript for segment in self.segments], self.language)

    @property
    def reference(self) -> str | None:
        """The human translation of all of it; None where one is missing."""
        found = [segment.translations.get(self.target) for segment in self.segments]
        known = [text for text in found if text is not None]
        return joined(known, self.target) if len(known) == len(found) else None

    @property
    def clauses(self) -> list[Span]:
        """All clauses in order; a recording without any counts as one."""
        return [clause for segment in self.segments for clause in _clauses(segment)]

    def save(self, path: Path) -> None:
        """Write it as JSON. Raises ``OSError``."""
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read it. Raises ``OSError``, ``msgspec.DecodeError``."""
        return msgspec.json.decode(path.read_bytes(), type=cls)


LOUDNESS_MS = 50.0


def _clauses(segment: Segment) -> list[Span]:
    if segment.clauses:
        return segment.clauses
    start, end = segment.speech_start_ms, segment.speech_end_ms
    return [Span(text=segment.transcript, start_ms=start, end_ms=end)]


def spoken_words(script: Script) -> list[Span]:
    """Every unit of the transcript with its time, in order.

    Where a recording's word times are not known, its clauses are spread evenly over their time,
    by characters.
    """
    found: list[Span] = []
    for segment in script.segments:
        if segment.words and not by_character(script.language):
            found += segment.words
        else:
            for clause in _clauses(segment):
                found += _spread(clause, script.language)
    return found


def _spread(clause: Span, language: str) -> list[Span]:
    parts = units(clause.text, language)
    whole = sum(len(part) for part in parts)
    length = clause.end_ms - clause.start_ms
    found, before = [], 0
    for part in parts:
        after = before + len(part)
        start, end = (clause.start_ms + length * at / whole for at in (before, after))
        found.append(Span(text=part, start_ms=start, end_ms=end))
        before = after
    return found


def most_units(language: str) -> int:
    """How many units a clause may have before it is cut."""
    return CLAUSE_WORDS * (2 if by_character(language) else 1)


def spans(script: Script) -> list[Span]:
    """The clauses of a stream, those of more than eight words cut evenly: what lags count by."""
    words = spoken_words(script)
    found: list[Span] = []
    first = 0
    for clause in script.clauses:
        end = first
        while end < len(words) and words[end].start_ms < clause.end_ms - 1.0:
            end += 1
        found += cut(clause, words[first:end], script.language)
        first = end
    return found


def cut(clause: Span, words: list[Span], language: str) -> list[Span]:
    """A clause in pieces of at most eight of its words (given with their times), about alike."""
    count = -(-len(words) // most_units(language))
    if count < 2:
        return [clause]
    written = units(clause.text, language)
    named = written if len(written) == len(words) else [word.text for word in words]
    borders = [round(len(words) * number / count) for number in range(count + 1)]
    return [
        Span(
            text=("" if by_character(language) else " ").join(named[begin:end]),
            start_ms=words[begin].start_ms if begin else clause.start_ms,
            end_ms=words[end - 1].end_ms if end < len(words) else clause.end_ms,
        )
        for begin, end in itertools.pairwise(borders)
    ]


def first_clause_end_ms(script: Script) -> float:
    """When the first clause ends, or its eighth word if that is earlier."""
    clause = script.clauses[0]
    most = most_units(script.language)
    words = [w for w in spoken_words(script) if w.start_ms < clause.end_ms][:most]
    return min(clause.end_ms, words[-1].end_ms) if len(words) == most else clause.end_ms
