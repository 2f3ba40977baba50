"""Writing systems: which characters belong to which, and which are written without spaces.

Scope: the only table of scripts. The names in capitals are the inside of a regular expression set
(``re.compile(f"[{HAN}{KANA}]")``), for whoever searches a text; the functions answer for one
character. They hold letters, and the marks and digits among letters; punctuation that
several scripts share (``・``, full stops) belongs to none.

Three questions that are easily mixed up:

* *unspaced*: is the script written without spaces between words? Han, kana, Thai, Lao, Burmese,
  Khmer: yes. Hangul: no, Korean puts spaces between words, so a word must not be cut.
* *dense*: does each character say a syllable or a word? Han, kana and Hangul: yes. Thai: no.
* *wide*: does it take about twice as long to say as a letter? Dense, full-width and emoji.

Source: the blocks and scripts of the Unicode Standard (Blocks.txt, Scripts.txt).
"""

from __future__ import annotations

import functools
import re
import unicodedata

HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Ideographs (hanzi, kanji, hanja), with the iteration mark 々 and the zero 〇."""

HIRAGANA = "\u3041-\u3096\u309d-\u309f"
KATAKANA = "\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"
"""With the prolonged sound mark ー and the half-width forms."""

KANA = HIRAGANA + KATAKANA + "\U0001aff0-\U0001b16f"
HANGUL = "\u1100-\u11ff\u3131-\u318e\ua960-\ua97c\uac00-\ud7a3\ud7b0-\ud7fb\uffa0-\uffdc"
THAI_LAO = "\u0e00-\u0eff"
BURMESE_KHMER = "\u1000-\u109f\u1780-\u17ff"
HEBREW_ARABIC = "\u0590-\u05ff\u0620-\u06ff"
"""Without case; the letters and marks of the main blocks."""

UNSPACED = HAN + KANA + THAI_LAO + BURMESE_KHMER
"""Scripts without spaces between words."""

DENSE = HAN + KANA + HANGUL
"""Scripts where each character says a syllable or a word."""

EAST_ASIAN_MARKS = (
    "\u3000-\u3004\u3008-\u303f\u3099-\u309c\u30a0\u30fb"
    "\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
)
"""Punctuation and space of the scripts of China and Japan, full-width and half-width."""

WIDE = DENSE + EAST_ASIAN_MARKS + "\u2e80-\u2fdf\uff01-\uff60\uffe0-\uffe6\U0001f300-\U0001faff"
"""Characters that take about twice as long to say as a letter, with the marks among them."""

_HAN, _KANA, _HANGUL = (re.compile(f"[{script}]") for script in (HAN, KANA, HANGUL))
_KATAKANA = re.compile(f"[{KATAKANA}]")
_UNSPACED = re.compile(f"[{UNSPACED}]")
_DENSE = re.compile(f"[{DENSE}]")


def is_hangul(char: str) -> bool:
    """Whether the character is Korean. As all of these: False for the empty string."""
    return _HANGUL.match(char) is not None


def is_katakana(char: str) -> bool:
    """Whether the character is katakana, of either width."""
    return _KATAKANA.match(char) is not None


def is_ideographic(char: str) -> bool:
    """Whether the character is Han or kana: dense, and without spaces between words."""
    return _HAN.match(char) is not None or _KANA.match(char) is not None


def is_unspaced(char: str) -> bool:
    """Whether the character is of a script without spaces between words."""
    return _UNSPACED.match(char) is not None


def is_dense(char: str) -> bool:
    """Whether the character is of a script where each says a syllable or a word."""
    return _DENSE.match(char) is not None


@functools.lru_cache(maxsize=8192)
def script_of(char: str) -> str:
    """``HAN``, ``KANA`` or ``HANGUL``, else the first word of the character's Unicode name, which
    for a letter is its script: ``LATIN``, ``CYRILLIC``, ``THAI``; empty if it has no name.
    """
    if is_dense(char):
        if is_hangul(char):
            return "HANGUL"
        return "HAN" if _HAN.match(char) else "KANA"
    return unicodedata.name(char, "").partition(" ")[0]
