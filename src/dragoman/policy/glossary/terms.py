"""The client's glossary: where its terms stand in a text.

Law of this file: finding terms, and nothing else. Pure; what is done about them is for the files
beside it (``glossary_hearing``: in what was heard, ``glossary_slots``: in translations).

* A term is found on whole words, without regard to case, hyphens and spaces between words.
  Of terms that overlap the longest wins, from left to right.
* The plural in -s or -es and what stands before an apostrophe count as the term where languages
  form them so; endings like Korean particles do too. An exact term comes before such a form.
* A term that reads like a small word of the language ("US", "IT", "May") is found only in its own
  spelling: else every "us" would be a country.
* An empty translation is none: such a term is listened for, but not translated.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import msgspec

from dragoman.policy.glossary.tokens import TextToken, tokenize
from dragoman.speech import Word, joined_text
from dragoman.text.ordinary_words import is_small
from dragoman.text.scripts import is_hangul

_PLURALS = ("s", "es")
_WITH_PLURALS = ("en", "es", "fr", "pt", "ca", "gl", "oc", "nl")
_LEAST_FOR_PLURAL = 4
_KOREAN = (
    "은 는 이 가 을 를 의 에 도 로 와 과 만 나 랑 께 요 에서 으로 에게 한테 까지 부터 처럼 보다 "
    "이나 이랑 하고 이며 입니다 이다 라고 에는 에도 로서 로써"
)
_PARTICLES = frozenset(_KOREAN.split())
_ROMANCE = (
    "l d j m t s n c qu jusqu lorsqu puisqu quoiqu un all dall dell nell sull coll quell quest "
    "dov com cos sant bell gl"
)
_ELISIONS = frozenset(_ROMANCE.split())
_JOINERS = ".&@_+,:"
_TAILS = "+#"
_KNOWN = 64


class Term(msgspec.Struct, frozen=True):
    """An entry of the glossary and the pieces its key consists of."""

    key: str
    value: str
    parts: tuple[TextToken, ...]
    exact: bool
    """Found only as it is written."""


class Match(msgspec.Struct, frozen=True):
    """A term in a text: ``text[begin:end]``; ``inflected``: in another form than its own."""

    term: Term
    begin: int
    end: int
    inflected: bool = False


class Glossary:
    """The terms of one session for one source language."""

    def __init__(self, phrases: Mapping[str, str], language: str | None = None) -> None:
        self._plural = (language or "").split("-")[0].lower() in _WITH_PLURALS
        terms: list[Term] = []
        for key, value in phrases.items():
            parts = tuple(tokenize(key))
            if any(part.kind != "mark" for part in parts):
                exact = len(parts) == 1 and key != key.lower() and is_small(parts[0].key, language)
                terms.append(Term(key.strip(), value.strip(), parts, exact))
        self.terms: Sequence[Term] = terms
        self.longest = max((len(term.parts) for term in terms), default=0)
        self._by_first: dict[str, list[Term]] = {}
        for term in sorted(terms, key=lambda term: -len(term.parts)):
            self._by_first.setdefault(term.parts[0].key, []).append(term)

    def __bool__(self) -> bool:
        return bool(self.terms)

    def matches(self, text: str) -> list[Match]:
        """The terms in the text, from left to right, none over another."""
        if not self.terms:
            return []
        stand, found, at = tokenize(text), [], 0
        while at < len(stand):
            match = self._match(text, stand, at)
            found += [match] if match is not None else []
            at = at + 1 if match is None else at + len(match.term.parts)
        return found

    def is_inside(self, words: Sequence[Word], end: int) -> bool:
        """Whether a cut behind the first ``end`` words would go through a term, or through one that
        has only begun at the end of the words.
        """
        if not self.terms:
            return False
        begin = max(0, end - self.longest)
        near = words[begin : end + self.longest]
        cut = len(joined_text(near[: end - begin]).rstrip())
        text = joined_text(near)
        if any(match.begin < cut < match.end for match in self.matches(text)):
            return True
        if begin + len(near) < len(words):
            return False
        stand = tokenize(text)
        begun = self._begun(stand)
        return begun > 0 and stand[-begun].begin < cut

    def _begun(self, stand: Sequence[TextToken]) -> int:
        """How many pieces at the end may be the beginning of a longer term."""
        for size in range(min(self.longest - 1, len(stand)), 0, -1):
            tail = stand[-size:]
            for term in self._by_first.get(tail[0].key, ()):
                if len(term.parts) > size and _alike(term.parts[:size], tail):
                    return size
        return 0

    def _match(self, text: str, stand: Sequence[TextToken], at: int) -> Match | None:
        loose: Match | None = None
        candidates = self._by_first.get(stand[at].key, [])
        if self._plural or is_hangul(stand[at].key):
            candidates = [*candidates, *self._by_stem(stand[at].key)]
        fitting: list[Match] = []
        for term in candidates:
            run = stand[at : at + len(term.parts)]
            if len(run) < len(term.parts) or not _alike(term.parts[:-1], run[:-1]):
                continue
            if not _is_whole(text, stand, at, at + len(run)):
                continue
            begin, end = run[0].begin, run[-1].end
            if _alike(term.parts, run):
                if not term.exact or text[begin:end] == term.key:
                    fitting.append(Match(term, begin, end))
            elif loose is None and not term.exact and self._is_form(term.parts[-1], run[-1]):
                loose = Match(term, begin, end, inflected=True)
        if not fitting:
            return loose
        most = len(fitting[0].term.parts)
        if loose is not None and len(loose.term.parts) > most:
            return loose
        same = [match for match in fitting if len(match.term.parts) == most]
        return next((m for m in same if text[m.begin : m.end] == m.term.key), same[0])

    def _by_stem(self, key: str) -> list[Term]:
        """Terms of one piece of which this may be a form, and longer ones never: their first
        piece is not their last.
        """
        stems = [key[: -len(end)] for end in _PLURALS if self._plural and key.endswith(end)]
        stems += [key[: -len(end)] for end in _PARTICLES if key.endswith(end)]
        return [t for stem in stems for t in self._by_first.get(stem, ()) if len(t.parts) == 1]

    def _is_form(self, part: TextToken, seen: TextToken) -> bool:
        if not seen.key.startswith(part.key):
            return False
        ending = seen.key[len(part.key) :]
        if is_hangul(part.key[-1]):
            return ending in _PARTICLES
        long_enough = len(part.key) >= _LEAST_FOR_PLURAL and part.key.isalpha()
        return self._plural and long_enough and ending in _PLURALS


@functools.lru_cache(maxsize=_KNOWN)
def _made(phrases: tuple[tuple[str, str], ...], language: str | None) -> Glossary:
    return Glossary(dict(phrases), language)


def glossary(phrases: Mapping[str, str], language: str | None = None) -> Glossary:
    """The glossary of these phrases, made once for all turns and calls that use the same."""
    return _made(tuple(phrases.items()), language)


def _alike(parts: Sequence[TextToken], run: Sequence[TextToken]) -> bool:
    """Whether these pieces of a text spell these pieces of a key. Where the key has no space, only
    characters of a script without spaces may stand apart.
    """
    for place, (part, seen) in enumerate(zip(parts, run, strict=True)):
        if part.key != seen.key:
            return False
        if place and seen.apart and not part.apart and part.kind != "dense":
            return False
    return True


def _is_whole(text: str, stand: Sequence[TextToken], begin: int, end: int) -> bool:
    """Whether these pieces are not part of something longer: "node" in "node.js", "don" in
    "don't", "C" in "C++".
    """
    after = stand[end] if end < len(stand) else None
    if after is not None and after.kind == "mark" and not after.apart:
        if after.key in _TAILS:
            return False
        beyond = stand[end + 1] if end + 1 < len(stand) else None
        goes_on = beyond is not None and beyond.kind == "word" and not beyond.apart
        if goes_on and after.key in _JOINERS:
            return False
        if goes_on and beyond is not None and after.key == "'" and beyond.key != "s":
            return stand[end - 1].key in _ELISIONS
    before = stand[begin - 1] if begin else None
    if before is not None and before.kind == "mark" and not stand[begin].apart:
        ahead = stand[begin - 2] if begin > 1 else None
        joined = ahead is not None and ahead.kind == "word" and not before.apart
        if joined and before.key in _JOINERS:
            return False
        if joined and ahead is not None and before.key == "'":
            return ahead.key in _ELISIONS
    return True
