"""Cutting and reading, measured on the case sets: the same code for the tests and the script.

Where a text is cut is counted in characters that are not white space, so that a library that
strips its sentences has no disadvantage. A segmenter here is a callable that takes a text and its
language and returns the segments. The other libraries get the language; ours does not, because a
session with ``Auto`` does not know it.
"""

from __future__ import annotations

import random
import re
import time
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path

import sentencex
from stream2sentence import generate_sentences

from dragoman.policy.reading.markup import MarkupReader
from dragoman.policy.segmentation.segmenter import Segmenter

Cut = Callable[[str, str], list[str]]
HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Case:
    """A text and the segments it is to be cut into."""

    id: str
    language: str
    text: str
    segments: tuple[str, ...]


@dataclass(frozen=True)
class Spoken:
    """A text with markup and what a person would say."""

    id: str
    text: str
    spoken: str


@dataclass(frozen=True)
class CaseSet:
    """One file of cases."""

    sentences: tuple[Case, ...]
    long: dict[str, str]
    aloud: tuple[Spoken, ...]


@cache
def load(name: str) -> CaseSet:
    """The cases of ``development``, ``held_out`` or ``afterwards`` (which has no sentences)."""
    data = tomllib.loads((HERE / f"{name}.toml").read_text(encoding="utf-8"))
    return CaseSet(
        tuple(
            Case(c["id"], c["language"], c["text"], tuple(c["segments"]))
            for c in data.get("sentences", ())
        ),
        {c["id"]: c["text"] for c in data.get("long", ())},
        tuple(Spoken(**c) for c in data["aloud"]),
    )


# ---------------------------------------------------------------- segmenters


def in_pieces(pieces: Iterable[str], *, eager: bool = False) -> list[str]:
    """The segments of our segmenter for a text in pieces."""
    segmenter = Segmenter(eager=eager)
    out = [segment for piece in pieces for segment in segmenter.feed(piece)]
    return out + list(segmenter.flush())


def ours(text: str, language: str = "") -> list[str]:
    """Ours, one character at a time."""
    return in_pieces(text)


def by_sentencex(text: str, language: str = "en") -> list[str]:
    """sentencex: the whole text at once, by its language's rules."""
    return list(sentencex.segment(language, text))


def by_stream2sentence(text: str, language: str = "en") -> list[str]:
    """stream2sentence: one character at a time, its minimum lengths and word cap off.

    With them (its defaults) short sentences are put together, which it does on purpose and which
    would count against it here.
    """
    return list(
        generate_sentences(
            iter(text),
            minimum_sentence_length=1,
            minimum_first_fragment_length=1,
            force_first_fragment_after_words=10**6,
            language=language,
        )
    )


def without_language(cut: Cut) -> Cut:
    """The same segmenter with "en" for every text: its result when the language is unknown."""
    return lambda text, _language: cut(text, "en")


CUTTERS: dict[str, Cut] = {
    "Dragoman": ours,
    "sentencex": by_sentencex,
    "stream2sentence": by_stream2sentence,
    "sentencex, not told the language": without_language(by_sentencex),
    "stream2sentence, not told the language": without_language(by_stream2sentence),
}


# ---------------------------------------------------------------- sentences


@dataclass
class Score:
    """Cases that were cut exactly right, and boundaries found, missed and wrong."""

    cases: int = 0
    exact: int = 0
    found: int = 0
    wrong: int = 0
    missed: int = 0

    def add(self, other: Score) -> None:
        """Add another score."""
        self.cases += other.cases
        self.exact += other.exact
        self.found += other.found
        self.wrong += other.wrong
        self.missed += other.missed

    @property
    def precision(self) -> float:
        """Share of the cuts made that are right; 1 when none was made."""
        made = self.found + self.wrong
        return self.found / made if made else 1.0

    @property
    def recall(self) -> float:
        """Share of the right cuts that were made; 1 when there are none."""
        due = self.found + self.missed
        return self.found / due if due else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of the two."""
        total = 2 * self.found + self.wrong + self.missed
        return 2 * self.found / total if total else 1.0


def squash(text: str) -> str:
    """The text without white space."""
    return "".join(text.split())


def boundaries(segments: Iterable[str]) -> set[int]:
    """After how many characters that are no white space there is a cut, the end left out."""
    lengths = [len(squash(segment)) for segment in segments]
    ends = set(accumulate(lengths))
    return ends - {0, sum(lengths)}


def judge(case: Case, segments: list[str]) -> Score:
    """One case: exact when text and cuts are as they should be."""
    due, made = boundaries(case.segments), boundaries(segments)
    whole = squash("".join(segments)) == squash(case.text)
    exact = whole and due == made
    return Score(1, int(exact), len(due & made), len(made - due), len(due - made))


def score(cases: Iterable[Case], cut: Cut) -> Score:
    """All cases together."""
    total = Score()
    for case in cases:
        total.add(judge(case, cut(case.text, case.language)))
    return total


def inexact(cases: Iterable[Case], cut: Cut) -> Iterator[tuple[Case, list[str]]]:
    """The cases that are not exact, with the segments that were made."""
    for case in cases:
        segments = cut(case.text, case.language)
        if not judge(case, segments).exact:
            yield case, segments


# ---------------------------------------------------------------- reading aloud

GAP = re.compile(r"\s+")
BEFORE_MARK = re.compile(r" +(?=[,.!?;:)])")


def folded(text: str) -> str:
    """The text for comparing: equal gaps, none before a mark or beside a wide letter."""
    text = BEFORE_MARK.sub("", GAP.sub(" ", text).strip())
    wide = [unicodedata.east_asian_width(c) in "WF" for c in text]
    return "".join(
        c
        for i, c in enumerate(text)
        if c != " " or not (wide[i - 1] or wide[min(i + 1, len(text) - 1)])
    )


def read(text: str) -> str:
    """The text cut and read as a session does it: one reader for all segments in turn."""
    reader = MarkupReader()
    return folded(" ".join(reader.read(segment) for segment in ours(text)))


def misread(cases: Iterable[Spoken]) -> Iterator[tuple[Spoken, str]]:
    """The cases that are not read as they should be, with how they were read."""
    for case in cases:
        result = read(case.text)
        if result != folded(case.spoken):
            yield case, result


# ---------------------------------------------------------------- pieces and speed


def random_pieces(text: str, seed: int, longest: int = 9) -> list[str]:
    """The text in pieces of 1 to ``longest`` characters, the same for the same seed."""
    rng = random.Random(seed)
    pieces, at = [], 0
    while at < len(text):
        step = rng.randint(1, longest)
        pieces.append(text[at : at + step])
        at += step
    return pieces


PROSE = (
    "All human beings are born free and equal in dignity and rights. They are endowed with reason "
    "and conscience and should act towards one another in a spirit of brotherhood. "
)
KINDS: dict[str, str] = {
    "English prose": PROSE,
    "no terminators": PROSE.replace(".", ""),
    "one endless word": "x",
    "Chinese prose": "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心。",
    "full stops only": ".",
    "opening quotes only": "“",
}
"""What is repeated up to the length that is timed."""


def microseconds_per_character(kind: str, length: int, piece: int = 1) -> float:
    """CPU time of our segmenter for each character, in pieces of ``piece`` characters."""
    unit = KINDS[kind]
    text = (unit * (length // len(unit) + 1))[:length]
    pieces = [text[i : i + piece] for i in range(0, length, piece)]
    segmenter = Segmenter()
    feed = segmenter.feed
    start = time.process_time()
    for part in pieces:
        feed(part)
    segmenter.flush()
    return (time.process_time() - start) / length * 1e6
