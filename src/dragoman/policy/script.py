"""A first guess at the language of a text from its script.

Law of this file: scripts only, no statistics; it decides which voice reads a segment whose
language the client left open (``Auto``). Latin text without a better clue is English.
"""

from __future__ import annotations

import unicodedata

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
)
_LOOK_AT = 400


def language_of(text: str, default: str = "en") -> str:
    """BCP-47 tag of the script that most letters of the text's beginning are in."""
    counts: dict[str, int] = {}
    for char in text[:_LOOK_AT]:
        if char.isalpha():
            name = unicodedata.name(char, "")
            tag = next((tag for script, tag in _SCRIPTS if name.startswith(script)), default)
            counts[tag] = counts.get(tag, 0) + 1
    if counts.get("ja") and counts.get("zh"):
        return "ja"  # kana among the Han characters: Japanese
    return max(counts, key=lambda tag: counts[tag], default=default)
