"""Which language a segment is read in: by its script, then by its words.

Scope: the choice of the voice's language. If the client left the language open (``Auto``), it is
that of the script; for Latin letters the guess of ``text.latin_language``, else the language of the
segment before. A declared language holds, except for a segment in a script that it is not written
in: an English voice is silent over Chinese, and others spell out every letter, for minutes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from dragoman.text.latin_language import latin_language
from dragoman.text.scripts import script_of

_LANGUAGES = {
    "KANA": "ja", "HANGUL": "ko", "HAN": "zh", "CYRILLIC": "ru", "GREEK": "el", "ARABIC": "ar",
    "HEBREW": "he", "DEVANAGARI": "hi", "THAI": "th", "BENGALI": "bn", "GURMUKHI": "pa",
    "GUJARATI": "gu", "TAMIL": "ta", "TELUGU": "te", "KANNADA": "kn", "MALAYALAM": "ml",
    "GEORGIAN": "ka", "ARMENIAN": "hy",
}  # fmt: skip
_ALSO_HAN = frozenset({"ja", "ko", "yue"})  # these may have segments of Han characters only
_LOOK_AT_CHARS = 400
_DENSE = frozenset({"zh", "ja", "ko"})  # a character counts as three letters
_DENSITY = 3
_LATIN_SHARE = 3


def language_of(text: str, default: str = "en") -> str:
    """BCP-47 tag of the script that most letters of the text's beginning are in."""
    counts = _counts(text, default)
    return max(counts, key=lambda tag: counts[tag], default=default)


def _counts(text: str, default: str) -> dict[str, int]:
    """How many letters there are for each language; other scripts count as ``default``."""
    beginning = text[:_LOOK_AT_CHARS]
    if beginning.isascii():  # most text, and no letter of another script
        return {default: sum(map(str.isalpha, beginning))}
    counts: dict[str, int] = {}
    for char in beginning:
        if char.isalpha():
            tag = _of_char(char) or default
            counts[tag] = counts.get(tag, 0) + 1
    if "zh" in counts and _is_japanese(beginning, counts["zh"], counts.get("ja", 0)):
        counts["ja"] = counts.get("ja", 0) + counts.pop("zh")
    return counts


def _is_japanese(text: str, han: int, kana: int) -> bool:
    """Kana among Han characters make a text Japanese, except a few in Chinese names (の)."""
    if _has_chinese_han(text) and kana * 4 < han:
        return False
    return kana > 0 or _has_japanese_han(text)


def _of_char(char: str) -> str:
    return _LANGUAGES.get(script_of(char), "") if char.isalpha() else ""


def _has_japanese_han(text: str) -> bool:
    """Whether some characters are used in Japan only, such as its simplified 駅, 図 and 気."""
    return any(_written_in(char, "shift_jis") and not _is_chinese(char) for char in text)


def _is_chinese(char: str) -> bool:
    return _written_in(char, "gb2312") or _written_in(char, "big5")


def _has_chinese_han(text: str) -> bool:
    """Whether some characters are used in China only, such as 们, 这 and 吗."""
    return any(
        _of_char(c) == "zh" and not _written_in(c, "shift_jis") for c in text[:_LOOK_AT_CHARS]
    )


@functools.lru_cache(maxsize=16384)
def _written_in(char: str, charset: str) -> bool:
    """Whether a national character set has the character; the sets tell the countries apart."""
    if _of_char(char) != "zh":
        return False
    try:
        char.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def _open_language(text: str) -> str:
    """As ``language_of``, but "" for text that is nearly all Latin. Voices of other scripts read
    Latin words as well; voices of Latin scripts read no other script.
    """
    counts = _counts(text, "")
    latin = counts.pop("", 0)
    weights = {tag: count * (_DENSITY if tag in _DENSE else 1) for tag, count in counts.items()}
    best = max(weights, key=lambda tag: weights[tag], default="")
    return best if best and weights[best] * _LATIN_SHARE >= latin else ""


class VoiceLanguage:
    """The language of each segment of a text, in order.

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
            return self._readable(segment, self._declared)
        if any(map(str.isalpha, segment)):
            self._latest = self._guess(segment)
        return self._latest  # numbers alone are read like the segment before

    def _guess(self, segment: str) -> str:
        found = _open_language(segment)
        if not found:
            guess = latin_language(segment)
            if guess is not None and self._speaks(guess):
                self._latin = guess
            return self._latin
        if found == "zh" and self._latest == "ja" and not _has_chinese_han(segment):
            return "ja"
        return found

    def _readable(self, segment: str, declared: str) -> str:
        found = language_of(segment, default=declared)
        if (found == "zh" and declared in _ALSO_HAN) or not self._speaks(found):
            return declared
        return found
