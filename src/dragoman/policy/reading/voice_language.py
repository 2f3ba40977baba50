"""A first guess at the language of a text from its script.

Law of this file: it decides which voice reads a segment, mostly by script. A client that left
the language open (``Auto``) gets the language of the letters, and for Latin ones the guess of
``latin``, else the language of the segment before. A declared language holds, but for a segment
in a script it is not written in: an English voice is silent over Chinese, and others spell out
every letter, for minutes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from dragoman.text.latin_language import latin_language
from dragoman.text.scripts import script_of

_LANGUAGES = {
    "KANA": "ja",
    "HANGUL": "ko",
    "HAN": "zh",
    "CYRILLIC": "ru",
    "GREEK": "el",
    "ARABIC": "ar",
    "HEBREW": "he",
    "DEVANAGARI": "hi",
    "THAI": "th",
    "BENGALI": "bn",
    "GURMUKHI": "pa",
    "GUJARATI": "gu",
    "TAMIL": "ta",
    "TELUGU": "te",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy",
}
_HAN_TOO = frozenset({"ja", "ko", "yue"})  # declared languages that may be all Han for a while
_LOOK_AT = 400
_DENSE = frozenset({"zh", "ja", "ko"})  # a character is as much as a few letters
_DENSITY = 3
_LATIN_SHARE = 3


def language_of(text: str, default: str = "en") -> str:
    """BCP-47 tag of the script that most letters of the text's beginning are in."""
    counts = _counts(text, default)
    return max(counts, key=lambda tag: counts[tag], default=default)


def _counts(text: str, default: str) -> dict[str, int]:
    """How many letters are in the script of which language; other scripts count as ``default``."""
    beginning = text[:_LOOK_AT]
    if beginning.isascii():  # no letter of another script; and most text is this
        return {default: sum(map(str.isalpha, beginning))}
    counts: dict[str, int] = {}
    for char in beginning:
        if char.isalpha():
            tag = _of_char(char) or default
            counts[tag] = counts.get(tag, 0) + 1
    if "zh" in counts and _are_han_of_japan(beginning, counts["zh"], counts.get("ja", 0)):
        counts["ja"] = counts.get("ja", 0) + counts.pop("zh")
    return counts


def _are_han_of_japan(text: str, han: int, kana: int) -> bool:
    """Kana among Han characters make a text Japanese, but for the の that Chinese shops like."""
    if _is_only_chinese(text) and kana * 4 < han:
        return False
    return kana > 0 or _is_japanese_han(text)


def _of_char(char: str) -> str:
    return _LANGUAGES.get(script_of(char), "") if char.isalpha() else ""


def _is_japanese_han(text: str) -> bool:
    """Whether some characters are of Japan alone: its own short forms, as in 駅, 図 and 気."""
    return any(_written_in(char, "shift_jis") and not _is_chinese(char) for char in text)


def _is_chinese(char: str) -> bool:
    return _written_in(char, "gb2312") or _written_in(char, "big5")


def _is_only_chinese(text: str) -> bool:
    """Whether some characters are of China alone, as 们, 这 and 吗."""
    return any(_of_char(c) == "zh" and not _written_in(c, "shift_jis") for c in text[:_LOOK_AT])


@functools.lru_cache(maxsize=16384)
def _written_in(char: str, charset: str) -> bool:
    """Whether a national character set has the character: the sets tell the countries apart."""
    if _of_char(char) != "zh":
        return False
    try:
        char.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def _open_language(text: str) -> str:
    """As ``language_of`` for mixed text: "" only if it is (nearly) all Latin.

    The voices of other scripts read Latin words as well, and voices of Latin scripts no others.
    """
    counts = _counts(text, "")
    latin = counts.pop("", 0)
    weights = {tag: count * (_DENSITY if tag in _DENSE else 1) for tag, count in counts.items()}
    best = max(weights, key=lambda tag: weights[tag], default="")
    return best if best and weights[best] * _LATIN_SHARE >= latin else ""


class VoiceLanguage:
    """Decides the language of one segment of a text after the other.

    ``declared`` is the client's BCP-47 tag or None; ``speaks`` says whether a voice has a tag.
    """

    def __init__(self, declared: str | None, speaks: Callable[[str], bool]) -> None:
        self._declared = declared
        self._speaks = speaks
        self._latest = "en"  # of the segment before
        self._latin = "en"  # of the latest segment in Latin letters

    def of(self, segment: str) -> str:
        """BCP-47 tag of the language to read the segment in."""
        if self._declared is not None:
            return self._unless_unreadable(segment, self._declared)
        if any(map(str.isalpha, segment)):
            self._latest = self._guess(segment)
        return self._latest  # numbers alone belong to what was said before

    def _guess(self, segment: str) -> str:
        found = _open_language(segment)
        if not found:
            guess = latin_language(segment)
            if guess is not None and self._speaks(guess):
                self._latin = guess
            return self._latin
        if found == "zh" and self._latest == "ja" and not _is_only_chinese(segment):
            return "ja"
        return found

    def _unless_unreadable(self, segment: str, declared: str) -> str:
        found = language_of(segment, default=declared)
        if (found == "zh" and declared in _HAN_TOO) or not self._speaks(found):
            return declared
        return found
