"""The client's glossary: where its terms are in a text.

Scope: finding terms. Pure. What is done about them is decided beside it (``asr_spelling``: in
recognised words, ``mt_placeholders``: in translations).

* A term is found on whole words, without regard to case, hyphens and spaces between words. Of terms
  that overlap the longest wins, from left to right.
* The plural in -s or -es and a word behind an elision ("l'") count as the term in languages that
  have them; endings like Korean particles do too. An exact match is preferred to such a form.
* A term that reads like a small word of the language ("US", "IT", "May") is found only in its own
  spelling: else every "us" would be a country.
* A term with an empty translation is recognised, but not translated.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import msgspec

from dragoman.policy.glossary.tokens import TextToken, tokenize
from dragoman.speech import Word, joined_text
from dragoman.text.language_tags import primary_tag
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
_CACHED = 64


class Term(msgspec.Struct, frozen=True):
    """An entry of the glossary and the pieces its key consists of."""

    key: str
    value: str
    parts: tuple[TextToken, ...]
    exact: bool
    """Whether it is found only as it is written."""


class Match(msgspec.Struct, frozen=True):
    """A term in a text: ``text[begin:end]``; ``inflected``: in another form than the glossary's."""

    term: Term
    begin: int
    end: int
    inflected: bool = False


class Glossary:
    """The terms of one session for one source language; with ``exact`` they are found only in
    their own spelling.
    """

    def __init__(
        self, phrases: Mapping[str, str], language: str | None = None, *, exact: bool = False
    ) -> None:
        self._plural = primary_tag(language) in _WITH_PLURALS
        terms: list[Term] = []
        for key, value in phrases.items():
            parts = tuple(tokenize(key))
            if any(part.kind != "mark" for part in parts):
                small = len(parts) == 1 and key != key.lower() and is_small(parts[0].key, language)
                terms.append(Term(key.strip(), value.strip(), parts, exact or small))
        self.terms: Sequence[Term] = terms
        self.longest = max((len(term.parts) for term in terms), default=0)
        self._by_first: dict[str, list[Term]] = {}
        for term in sorted(terms, key=lambda term: -len(term.parts)):
            self._by_first.setdefault(term.parts[0].key, []).append(term)

    def __bool__(self) -> bool:
        return bool(self.terms)

    def matches(self, text: str) -> list[Match]:
        """The terms in the text, from left to right, without overlaps."""
        if not self.terms:
            return []
        pieces, found, at = tokenize(text), [], 0
        while at < len(pieces):
            match = self._match(text, pieces, at)
            found += [match] if match is not None else []
            at = at + 1 if match is None else at + len(match.term.parts)
        return found

    def is_inside(self, words: Sequence[Word], end: int) -> bool:
        """Whether a cut behind the first ``end`` words would go through a term, or through one that
        is not complete at the end of the words.
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
        pieces = tokenize(text)
        size = self._open_size(pieces)
        return size > 0 and pieces[-size].begin < cut

    def _open_size(self, pieces: Sequence[TextToken]) -> int:
        """How many pieces at the end may be the beginning of a longer term."""
        for size in range(min(self.longest - 1, len(pieces)), 0, -1):
            tail = pieces[-size:]
            for term in self._by_first.get(tail[0].key, ()):
                if len(term.parts) > size and _are_same(term.parts[:size], tail):
                    return size
        return 0

    def _match(self, text: str, pieces: Sequence[TextToken], at: int) -> Match | None:
        form: Match | None = None
        candidates = self._by_first.get(pieces[at].key, [])
        if self._plural or is_hangul(pieces[at].key):
            candidates = [*candidates, *self._by_stem(pieces[at].key)]
        fitting: list[Match] = []
        for term in candidates:
            run = pieces[at : at + len(term.parts)]
            if len(run) < len(term.parts) or not _are_same(term.parts[:-1], run[:-1]):
                continue
            if not _is_whole(text, pieces, at, at + len(run)):
                continue
            begin, end = run[0].begin, run[-1].end
            if _are_same(term.parts, run):
                if not term.exact or text[begin:end] == term.key:
                    fitting.append(Match(term, begin, end))
            elif form is None and not term.exact and self._is_form(term.parts[-1], run[-1]):
                form = Match(term, begin, end, inflected=True)
        if not fitting:
            return form
        most = len(fitting[0].term.parts)
        if form is not None and len(form.term.parts) > most:
            return form
        same = [match for match in fitting if len(match.term.parts) == most]
        return next((m for m in same if text[m.begin : m.end] == m.term.key), same[0])

    def _by_stem(self, key: str) -> list[Term]:
        """Terms of one piece of which this may be a form. Only the last piece of a term is
        inflected, so longer terms are not looked up by a stem.
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


@functools.lru_cache(maxsize=_CACHED)
def _cached(phrases: tuple[tuple[str, str], ...], language: str | None) -> Glossary:
    return Glossary(dict(phrases), language)


def glossary(phrases: Mapping[str, str], language: str | None = None) -> Glossary:
    """The glossary of these phrases, cached for all turns and calls that use the same."""
    return _cached(tuple(phrases.items()), language)


def _are_same(parts: Sequence[TextToken], run: Sequence[TextToken]) -> bool:
    """Whether these pieces of a text are these pieces of a key. Where the key has no space, only
    characters of a script without spaces may stand apart.
    """
    for place, (part, seen) in enumerate(zip(parts, run, strict=True)):
        if part.key != seen.key:
            return False
        if place and seen.apart and not part.apart and part.kind != "dense":
            return False
    return True


def _is_whole(text: str, pieces: Sequence[TextToken], begin: int, end: int) -> bool:
    """Whether these pieces are no part of something longer: "node" of "node.js", "don" of "don't",
    "C" of "C++".
    """
    after = pieces[end] if end < len(pieces) else None
    if after is not None and after.kind == "mark" and not after.apart:
        if after.key in _TAILS:
            return False
        beyond = pieces[end + 1] if end + 1 < len(pieces) else None
        goes_on = beyond is not None and beyond.kind == "word" and not beyond.apart
        if goes_on and after.key in _JOINERS:
            return False
        if goes_on and beyond is not None and after.key == "'" and beyond.key != "s":
            return pieces[end - 1].key in _ELISIONS
    before = pieces[begin - 1] if begin else None
    if before is not None and before.kind == "mark" and not pieces[begin].apart:
        ahead = pieces[begin - 2] if begin > 1 else None
        joined = ahead is not None and ahead.kind == "word" and not before.apart
        if joined and before.key in _JOINERS:
            return False
        if joined and ahead is not None and before.key == "'":
            return ahead.key in _ELISIONS
    return True
