"""A first guess at the language of a text from its script.

Law of this file: it decides which voice reads a segment, mostly by script. A client that left
the language open (``Auto``) gets the language of the letters, and for Latin ones the guess of
``latin``, else the language of the segment before. A declared language holds, but for a segment
in a script it is not written in: an English voice is silent over Chinese, and others spell out
every letter, for minutes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from dragoman.policy.latin import latin_language

_SCRIPTS = (
    ("HIRAGANA", "ja"),
    ("KATAKANA", "ja"),
    ("HANGUL", "ko"),
    ("CJK", "zh"),
    ("CYRILLIC", "ru"),
    ("GREEK", "el"),
    ("ARABIC", "ar"),
    ("HEBREW", "he"),
    ("DEVANAGARI", "hi"),
    ("THAI", "th"),
    ("BENGALI", "bn"),
    ("GURMUKHI", "pa"),
    ("GUJARATI", "gu"),
    ("TAMIL", "ta"),
    ("TELUGU", "te"),
    ("KANNADA", "kn"),
    ("MALAYALAM", "ml"),
    ("GEORGIAN", "ka"),
    ("ARMENIAN", "hy"),
)
_HAN_TOO = frozenset({"ja", "ko", "yue"})  # declared languages that may be all Han for a while
_LOOK_AT = 400


def language_of(text: str, default: str = "en") -> str:
    """BCP-47 tag of the script that most letters of the text's beginning are in."""
    beginning = text[:_LOOK_AT]
    if beginning.isascii():
        return default  # no letter of another script; and most text is this
    counts: dict[str, int] = {}
    for char in beginning:
        if char.isalpha():
            name = unicodedata.name(char, "")
            tag = next((tag for script, tag in _SCRIPTS if name.startswith(script)), default)
            counts[tag] = counts.get(tag, 0) + 1
    if counts.get("ja") and counts.get("zh"):
        return "ja"  # kana among the Han characters: Japanese
    return max(counts, key=lambda tag: counts[tag], default=default)


class Tongue:
    """Decides the language of one segment of a text after the other.

    ``declared`` is the client's BCP-47 tag or None; ``speaks`` says whether a voice has a tag.
    """

    def __init__(self, declared: str | None, speaks: Callable[[str], bool]) -> None:
        self._declared = declared
        self._speaks = speaks
        self._latest = "en"

    def of(self, segment: str) -> str:
        """BCP-47 tag of the language to read the segment in."""
        if self._declared is not None:
            return self._unless_unreadable(segment, self._declared)
        found = language_of(segment, default="")
        if not found:
            guess = latin_language(segment)
            if guess is not None and self._speaks(guess):
                self._latest = guess
            return self._latest
        return found

    def _unless_unreadable(self, segment: str, declared: str) -> str:
        found = language_of(segment, default=declared)
        if (found == "zh" and declared in _HAN_TOO) or not self._speaks(found):
            return declared
        return found
