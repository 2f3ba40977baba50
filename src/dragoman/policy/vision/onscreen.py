"""What is shown while someone speaks: from lines read in pictures to names and terms.

Scope: pure, time is an input. Lines of low confidence and small print are dropped. A *term* is what
a listener could not spell from the sound alone: names (capitalised words, joined where they stand
together), acronyms, and words with a capital or a digit inside; not numbers, addresses and the
small words of a language. A capital at the beginning of a line proves little, so such words come
last, and a recogniser drops what its own vocabulary has.

What is shown may never be said: lines and terms are context, and whoever uses them has to check.
They are fresh while their picture is the last one, for at most ``SHOWN_S`` after it came (a client
may send slides only when they change), and for ``FRESH_S`` after it was replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Protocol

from dragoman.text.scripts import DENSE

FRESH_S = 30.0
SHOWN_S = 300.0
SURE_CONFIDENCE = 0.8
SMALLEST = 0.018
"""Lines with less than this share of the picture's height are small print."""
MOST_TERMS = 40
MOST_LINES = 24
_MOST_KEPT = 120
_LONGEST_LINE = 120
_LONGEST_PHRASE = 4
_LONGEST_DENSE = 10
_NOISE = 6
"""Grey levels by which a cell may differ in the same picture: camera and JPEG noise."""

_EDGES = "\"'`´‘’“”«»„()[]{}<>.,;:!?¡¿…*•·–—-_|/\\=+~#^"
_BREAKS = ".,;:!?…)]}»”|/"
_POSSESSIVE = re.compile(r"['’]s$")
_ADDRESS = re.compile(r"[@\\_]|://|^www\.|\w\.\w+/|^\d+(?:[.,:]\d+)*\w{0,2}$")
_DENSE = re.compile(f"[{DENSE}]")
# Words that begin lines or join names in the languages of slides, and titles before names.
_SMALL_WORDS = """
    a an the and or but nor of in on at to for from by with without as is are was were be been
    it its this that these those we our you your they their he his she her i my not no yes if so
    do does did can may will shall has have had all any each more most new old how what when where
    which who whom whose why than then there here into over under about after before between per
    via versus vs et al etc dr mr mrs ms miss mister missus sir prof professor doctor st
    el la los las un una de del y en por para con sin se al lo su que como le les des du une et au
    aux pour avec sur der die das ein eine und oder von zu im mit für den dem il di e gli per che
    o os um uma da dos das
"""
_SMALL = frozenset(_SMALL_WORDS.split())


class LineLike(Protocol):
    """A line as it was read; ``confidence`` in 0..1, ``height`` as a share of the picture's."""

    @property
    def text(self) -> str: ...  # noqa: D102
    @property
    def confidence(self) -> float: ...  # noqa: D102
    @property
    def height(self) -> float: ...  # noqa: D102


def looks_the_same(fingerprint: bytes, before: bytes) -> bool:
    """Whether two fingerprints (grey means of the cells of one grid) are of the same picture, but
    for noise. A word that changed on a slide changes some cell by far more; a perceptual hash of
    64 bits would miss it.
    """
    if len(fingerprint) != len(before) or not fingerprint:
        return False
    return all(-_NOISE <= a - b <= _NOISE for a, b in zip(fingerprint, before, strict=True))


def terms_of(text: str) -> list[tuple[bool, str]]:
    """The names and terms of a line, each with whether it is certain. Else the only evidence is a
    capital at the beginning of the line, or a line in capitals.
    """
    if _DENSE.search(text):  # no capitals: a short line is one title or name
        plain = text.strip(_EDGES + " ")
        return [(False, plain)] if 2 <= len(plain) <= _LONGEST_DENSE else []
    found: list[tuple[bool, str]] = []
    phrase: list[str] = []
    sure = False
    is_upper = text.isupper() and len(text.split()) > 1
    words = text.split()
    for place, raw in enumerate([*words, ""]):
        word = _POSSESSIVE.sub("", raw.strip(_EDGES))
        if is_upper:
            word = word.capitalize() if not any(c.isdigit() for c in word) else word
        name_like = _is_name_like(word)
        if phrase and (not name_like or len(phrase) == _LONGEST_PHRASE):
            found.append((sure, " ".join(phrase)))
            phrase, sure = [], False
        if name_like:
            phrase.append(word)
            sure = sure or ((place > 0 or _is_special(word)) and not is_upper)
            ends = raw[-1] in _BREAKS or _POSSESSIVE.search(raw) is not None
            if ends and phrase:
                found.append((sure, " ".join(phrase)))
                phrase, sure = [], False
    return found


def _is_special(word: str) -> bool:
    """A capital or a digit inside: no ordinary word at the beginning of a line."""
    return any(c.isupper() or c.isdigit() for c in word[1:])


def _is_name_like(word: str) -> bool:
    if len(word) < 2 or word.lower() in _SMALL or _ADDRESS.search(word):
        return False
    if not any(c.isalpha() for c in word):
        return False
    return _is_special(word) or (word[0].isupper() and len(word) > 2)


class OnscreenTerms:
    """The lines and terms that were read in the pictures of one session."""

    def __init__(self) -> None:
        self._seen_s: dict[str, float] = {}  # line: when last seen; newest last
        self._terms: dict[str, list[tuple[bool, str]]] = {}
        self._shown: frozenset[str] = frozenset()
        self._since_s = 0.0

    def read(self, lines: Iterable[LineLike], now_s: float) -> None:
        """A new picture with these lines came."""
        for text in self._shown:
            self._seen_s[text] = now_s
        usable = [
            " ".join(line.text.split())[:_LONGEST_LINE]
            for line in lines
            if line.confidence >= SURE_CONFIDENCE and line.height >= SMALLEST and line.text.strip()
        ][:MOST_LINES]
        self._shown, self._since_s = frozenset(usable), now_s
        for text in usable:
            self._seen_s.pop(text, None)
            self._seen_s[text] = now_s
            self._terms[text] = terms_of(text)
        fresh = list(self._fresh(now_s))[-_MOST_KEPT:]
        self._seen_s = {text: self._seen_s[text] for text in fresh}
        self._terms = {text: self._terms[text] for text in fresh}

    def repeat(self, now_s: float) -> None:
        """A picture came that looks the same as the last one."""
        self._since_s = now_s

    def lines(self, now_s: float) -> tuple[str, ...]:
        """The fresh lines: those shown now in their order, then what was shown before."""
        fresh = list(self._fresh(now_s))
        now = [text for text in fresh if text in self._shown]
        return tuple([*now, *(text for text in fresh if text not in self._shown)][:MOST_LINES])

    def terms(self, now_s: float) -> tuple[str, ...]:
        """The fresh names and terms, the certain ones first."""
        found = [term for text in self._fresh(now_s) for term in reversed(self._terms[text])]
        return _distinct([t for sure, t in found if sure] + [t for sure, t in found if not sure])

    def _fresh(self, now_s: float) -> Iterable[str]:
        """Oldest first."""
        shown = now_s - self._since_s <= SHOWN_S
        for text, seen_s in self._seen_s.items():
            if now_s - seen_s <= FRESH_S or (shown and text in self._shown):
                yield text


def _distinct(terms: Sequence[str]) -> tuple[str, ...]:
    kept: dict[str, str] = {}
    for term in terms:
        kept.setdefault(term.casefold(), term)
    return tuple(kept.values())[:MOST_TERMS]
