"""Terms of the glossary in what a recogniser wrote: how they are spelled, when they are complete.

Scope: two judgements about a hypothesis, pure. ``respell`` replaces words that mean a term by the
glossary's spelling. ``committable_count`` keeps a term whose end has not been said from being
committed. Precision comes before recall: a wrong name is worse than a misspelled one.

* The same letters are the same term, whatever spaces and capitals ("comfy UI" is ComfyUI).
* A word that is not ordinary is a term if it differs in at most a fifth of its letters and begins
  with the same sound; so are several words that together sound like it ("Cooper Netties").
* Ordinary words mean themselves, in all their forms, and so does a word of high confidence.
  Languages without a list of ordinary words (``text.ordinary_words``) get only the first rule.
* Words are not joined across a pause or a mark.

A term that may have begun is held back until it is complete or turns out to be something else, and
at most until ``LONGEST_HOLD_MS`` of speech have passed since its first word.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence

import msgspec

from dragoman.policy.recognition.local_agreement import SpelledWord
from dragoman.speech import Word
from dragoman.text.ordinary_words import has_list, is_ordinary, is_small
from dragoman.text.similarity import edits, letters, shared_length, skeleton
from dragoman.text.words import fold

LONGEST_HOLD_MS = 1_000
_PAUSE_MS = 250
_MOST_WORDS = 4
_LEAST_LETTERS = 5
_SHARE = 5  # a fifth of the letters
_SURE = 0.9
_DOUBTFUL = 0.7
_LEAST_SOUNDS = 4
_LEAST_SOUNDS_MIXED = 5
_ALIKE = 0.5
_REMEMBERED = 4096


class _Key(msgspec.Struct, frozen=True):
    """A term as written, its words without case, and the forms that are compared."""

    text: str
    words: tuple[str, ...]
    letters: str
    sound: str
    has_case: bool


class TermSpeller:
    """The terms of one session, indexed by the ways in which a recogniser may misrecognise them."""

    def __init__(self, phrases: Iterable[str], language: str | None) -> None:
        self._language = language
        keys = [_key(phrase) for phrase in phrases if letters(phrase)]
        self._keys = keys
        self._by_letters: dict[str, _Key] = {}
        self._by_sound: dict[str, list[_Key]] = {}
        self._by_length: dict[tuple[int, str], list[_Key]] = {}  # and by first sound
        self._longer: dict[str, list[_Key]] = {}  # terms of several words by their first
        self._starts: dict[str, list[_Key]] = {}  # by the first three letters of their skeleton
        is_fuzzy = has_list(language)
        for key in keys:
            self._by_letters.setdefault(key.letters, key)
            if len(key.words) > 1:
                self._longer.setdefault(key.words[0], []).append(key)
            if is_fuzzy and len(key.letters) >= _LEAST_LETTERS:
                self._by_length.setdefault((len(key.letters), key.sound[:1]), []).append(key)
                self._by_sound.setdefault(key.sound, []).append(key)
                self._starts.setdefault(key.sound[:3], []).append(key)
        self._known: dict[tuple[tuple[str, ...], bool, bool], _Key | None] = {}

    def __bool__(self) -> bool:
        return bool(self._keys)

    def respell(self, words: Sequence[Word]) -> list[SpelledWord]:
        """The words of a hypothesis, with terms spelled as the glossary has them."""
        result: list[SpelledWord] = []
        at = 0
        while at < len(words):
            count, key = self._term_at(words, at)
            if key is None:
                result.append(SpelledWord(words[at], (words[at].text,)))
            else:
                result += _respelled(words[at : at + count], key)
            at += count
        return result

    def committable_count(self, words: Sequence[Word], count: int) -> int:
        """How many of the first ``count`` words may be committed without cutting a term. ``words``
        are all that is not committed yet; the last may be cut short.
        """
        now_ms = words[-1].end_ms if words else None
        for start in range(max(0, count - _MOST_WORDS * 2), count):
            begin_ms = words[start].end_ms
            if now_ms is not None and begin_ms is not None and now_ms - begin_ms > LONGEST_HOLD_MS:
                continue
            if self._may_continue(words, start, count):
                return start
        return count

    # ------------------------------------------------------------ terms that have begun
    def _may_continue(self, words: Sequence[Word], start: int, count: int) -> bool:
        """Whether a term may begin at ``start`` and end behind ``count``."""
        rest = [fold(word.text) for word in words[start:]]
        inside = count - start
        for key in self._longer.get(rest[0], ()):
            seen = rest[: len(key.words)]
            expected = key.words[: len(seen)]
            is_cut = len(seen) == len(rest)  # the last word may be only the beginning of one
            same = seen[:-1] == list(expected[:-1]) and (
                expected[-1].startswith(seen[-1]) if is_cut else expected[-1] == seen[-1]
            )
            if len(key.words) > inside and same:
                return True
        if inside > _MOST_WORDS or all(is_ordinary(word, self._language) for word in rest[:inside]):
            return False
        sound = skeleton("".join(rest[: inside + 1]))
        if len(skeleton("".join(rest[:inside]))) < 3:
            return False
        for key in self._starts.get(sound[:3], ()):
            if len(key.sound) > len(sound) and key.sound.startswith(sound[:-1]):
                return True
        return False

    # ------------------------------------------------------------ terms that are complete
    def _term_at(self, words: Sequence[Word], at: int) -> tuple[int, _Key | None]:
        """How many words from here on are a term, and which term."""
        most = 1
        while most < _MOST_WORDS and at + most < len(words) and _is_adjacent(words, at + most):
            most += 1
        for count in range(most, 0, -1):
            run = words[at : at + count]
            texts = tuple(_plain(word.text) for word in run)
            sure = all((word.confidence or 0.0) >= _SURE for word in run)
            doubtful = any(
                word.confidence is not None and word.confidence < _DOUBTFUL for word in run
            )
            question = (texts, sure, doubtful)
            if question not in self._known:
                if len(self._known) >= _REMEMBERED:
                    self._known.clear()
                self._known[question] = self._key_of(*question)
            key = self._known[question]
            if key is not None:
                return count, key
        return 1, None

    def _key_of(self, texts: tuple[str, ...], sure: bool, doubtful: bool) -> _Key | None:
        joined = letters("".join(texts))
        key = self._by_letters.get(joined)
        if key is not None:
            return key if self._is_same(texts, key) else None
        if sure or not self._by_length:
            return None
        return self._near(texts, joined) or self._with_sound(texts, joined, doubtful=doubtful)

    def _is_same(self, texts: tuple[str, ...], key: _Key) -> bool:
        """Whether words with the letters of a term are the term: "it" is not "IT", "a nun" not
        "Anun".
        """
        folds = [fold(text) for text in texts]
        if tuple(folds) == key.words:
            return not (len(folds) == 1 and is_small(folds[0], self._language))
        if len(folds) == 1 or len(key.letters) >= _LEAST_LETTERS:
            return not any(is_small(word, self._language) for word in folds)
        return False

    def _near(self, texts: tuple[str, ...], joined: str) -> _Key | None:
        """The term that is spelled almost like this, if there is only one."""
        if len(joined) < _LEAST_LETTERS or self._is_ordinary_text(texts):
            return None
        best: list[tuple[int, _Key]] = []
        width = len(joined) // (_SHARE - 1) + 1
        first = skeleton(joined)[:1]
        for length in range(len(joined) - width, len(joined) + width + 1):
            most = max(length, len(joined)) // _SHARE
            for key in self._by_length.get((length, first), ()):
                distance = edits(joined, key.letters, most)
                if distance <= most and not _is_form(joined, key, texts):
                    best.append((distance, key))
        best.sort(key=lambda found: found[0])
        if len(best) > 1 and best[0][0] == best[1][0]:
            return None
        return best[0][1] if best else None

    def _with_sound(self, texts: tuple[str, ...], joined: str, *, doubtful: bool) -> _Key | None:
        """The term that sounds like this, if there is only one."""
        sound = skeleton(joined)
        found = self._by_sound.get(sound, [])
        if len(found) != 1 or any(is_small(fold(text), self._language) for text in texts):
            return None
        key, plain = found[0], [is_ordinary(fold(text), self._language) for text in texts]
        if len(texts) == 1 and plain[0]:
            return None
        if all(plain) and not doubtful:
            return None
        mixed = any(plain) and not all(plain)
        if len(sound) < (_LEAST_SOUNDS_MIXED if mixed else _LEAST_SOUNDS):
            return None
        most = int(max(len(joined), len(key.letters)) * _ALIKE)
        is_like = edits(joined, key.letters, most) <= most
        return key if is_like and not _is_form(joined, key, texts) else None

    def _is_ordinary_text(self, texts: tuple[str, ...]) -> bool:
        """Whether the words mean themselves."""
        folds = [fold(text) for text in texts]
        if any(is_small(word, self._language) for word in folds):
            return True
        return all(is_ordinary(word, self._language) for word in folds)


@functools.lru_cache(maxsize=64)
def _cached(phrases: tuple[str, ...], language: str | None) -> TermSpeller:
    return TermSpeller(phrases, language)


def term_speller(phrases: Iterable[str], language: str | None) -> TermSpeller:
    """The speller of these terms, cached for all turns that use the same."""
    return _cached(tuple(phrases), language)


def _key(phrase: str) -> _Key:
    plain = letters(phrase)
    words = tuple(fold(word) for word in phrase.replace("-", " ").split())
    return _Key(
        " ".join(phrase.split()), words, plain, skeleton(phrase),
        has_case=phrase != phrase.lower() or not phrase.replace(" ", "").isalpha(),
    )  # fmt: skip


def _plain(text: str) -> str:
    """The word without its marks and the genitive's ending."""
    return _parts(text)[1]


def _parts(text: str) -> tuple[str, str, str]:
    """The marks before a word, the word, and the marks (and genitive) behind it."""
    begin, end = 0, len(text)
    while begin < end and not text[begin].isalnum():
        begin += 1
    while end > begin and not text[end - 1].isalnum():
        end -= 1
    if end - begin > 2 and text[end - 2 : end] in ("'s", "\u2019s"):
        end -= 2
    return text[:begin], text[begin:end], text[end:]


def _is_adjacent(words: Sequence[Word], at: int) -> bool:
    """Whether a word follows the one before it without a pause or a mark."""
    before, word = words[at - 1], words[at]
    if _parts(before.text)[2] or _parts(word.text)[0]:
        return False
    if before.end_ms is None or word.start_ms is None:
        return True
    return word.start_ms - before.end_ms < _PAUSE_MS


def _is_form(joined: str, key: _Key, texts: Sequence[str]) -> bool:
    """Whether the text is another form of the same word: "transformed" is no misrecognised
    "transformer". Names have no forms; recognisers write them with a capital letter.
    """
    if key.has_case and texts[0][:1].isupper():
        return False
    shared = shared_length(joined, key.letters)
    return len(joined) - shared <= 3 and len(key.letters) - shared <= 3 and shared >= 4


def _with_text(word: Word, text: str, confidence: float | None) -> Word:
    return Word(text, confidence, word.start_ms, word.end_ms, word.joined)


def _respelled(run: Sequence[Word], key: _Key) -> list[SpelledWord]:
    """These words as the term, with the marks around them."""
    recognised = tuple(word.text for word in run)
    lead, _, _ = _parts(run[0].text)
    _, _, trail = _parts(run[-1].text)
    plain = " ".join(_plain(word.text) for word in run)
    text = key.text
    if not key.has_case and plain.lower() == text:
        text = plain  # it differs only in the capital of a sentence
    elif not key.has_case and plain[:1].isupper():
        text = text[:1].upper() + text[1:]
    if not text[-1:].isalnum() and trail[: len(text)] and text.endswith(trail[:1]):
        trail = trail[1:]  # "Yahoo!" was recognised with its mark
    parts = f"{lead}{text}{trail}".split()
    # The confidence in other letters does not hold for these.
    sure = [word.confidence for word in run if word.confidence is not None]
    same = sure and letters(plain) == letters(text)
    if len(parts) == len(run):
        return [
            SpelledWord(_with_text(word, part, word.confidence if same else None), (word.text,))
            for word, part in zip(run, parts, strict=True)
        ]
    result = []
    for place, part in enumerate(parts):
        word = Word(
            part, min(sure) if same else None, run[0].start_ms, run[-1].end_ms,
            joined=run[0].joined if not place else False,
        )  # fmt: skip
        result.append(SpelledWord(word, recognised if not place else ()))
    return result
