"""Numbers in a text: those in digits, and English ones in words.

Scope: finding and comparing, for whoever has to know that none got lost or changed. Digits are
compared without separators, because languages write them differently ("3,500", "3.500", "3 500").
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_DIGITS = re.compile(r"\d+(?:[.,'\u2019\u00a0\u202f]\d+)*")
_SPACES = re.compile(r"(?<=\d)[ \u00a0\u202f](?=\d{3}(?!\d))")
_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL = {word: value for value, word in enumerate(_ONES.split())} | {
    word: 10 * value for value, word in enumerate(_TENS.split(), 2)
}
_LARGE = {"thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_GROWING = {"hundred", *_LARGE, *_TENS.split()}
_WORD = re.compile(r"[^\W\d_]+")
_GAP = re.compile(r"[ -]")


def numbers_in(text: str) -> list[str]:
    """The numbers in digits, as they are written."""
    return _DIGITS.findall(_SPACES.sub("", text))


def lost_numbers(source: str, translation: str) -> list[str]:
    """The numbers in digits of the source, as written there, that the translation has not (or not
    as often). One of a single digit may be a word in the translation and is not missed.
    """
    there = Counter(map(_plain, numbers_in(translation)))
    lost = []
    for number in numbers_in(source):
        plain = _plain(number)
        if there[plain]:
            there[plain] -= 1
        elif len(plain) > 1:
            lost.append(number)
    return lost


def _plain(number: str) -> str:
    return "".join(char for char in number if char.isdecimal())


# ---------------------------------------------------------------- English number words
def is_number_word(word: str) -> bool:
    """Whether an English word, in small letters and without marks, is (a part of) a number."""
    return all(part in _SMALL or part == "hundred" or part in _LARGE for part in word.split("-"))


def cuts_number(before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether a cut between these English words goes through a number in words, or through one that
    may go on ("four hundred" of "four hundred and eight") when nothing is known of what comes.
    """
    first, last = (before[-2:-1] or ("",))[0].lower(), (before[-1:] or ("",))[0].lower()
    following = [word.lower() for word in after]
    if last == "and":
        return first in _GROWING and (not following or _begins_number(following[0]))
    if not is_number_word(last):
        return False
    if not following:
        return last in _GROWING
    if following[0] == "and":
        return last in _GROWING and (len(following) < 2 or _begins_number(following[1]))
    return _begins_number(following[0])


def _begins_number(word: str) -> bool:
    return is_number_word(word.rstrip(".,;:!?…"))


def with_digits(text: str) -> str:
    """English text in which numbers of three words or more are written in digits: "four hundred
    and eight" is 408. Shorter ones and what is no single number ("fourteen fifty-five") stay.
    """
    words = list(_WORD.finditer(text))
    parts, at, place = [], 0, 0
    while place < len(words):
        size = _run(text, words, place)
        run = [word.group().lower() for word in words[place : place + size]]
        value = _value(run) if sum(word != "and" for word in run) > 2 else None
        if value is not None:
            parts += [text[at : words[place].start()], str(value)]
            at = words[place + size - 1].end()
        place += max(size, 1)
    return "".join(parts) + text[at:]


def _run(text: str, words: Sequence[re.Match[str]], place: int) -> int:
    """How many words from here on belong to one number; "and" only inside."""
    size = 0
    for at in range(place, len(words)):
        joined = at == place or _GAP.fullmatch(text, words[at - 1].end(), words[at].start())
        word = words[at].group().lower()
        if not joined or not (is_number_word(word) or (word == "and" and size)):
            break
        if word != "and":
            size = at - place + 1
    return size


def _value(run: Sequence[str]) -> int | None:
    """The number that these words are; None if they are several or none."""
    total, group, least, largest = 0, 0, 10**12, 10**12
    for word in run:
        if word == "and":
            continue
        if word in _LARGE:
            if not group or _LARGE[word] >= largest:
                return None
            largest = _LARGE[word]
            total, group, least = total + group * largest, 0, 10**12
        elif word == "hundred":
            if not 0 < group < 20:
                return None
            group, least = group * 100, 100
        else:
            value = _SMALL[word]
            if value >= least:
                return None
            group += value
            least = 10 if value >= 20 else 0
    return total + group
