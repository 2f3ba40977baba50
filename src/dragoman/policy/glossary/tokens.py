"""A text in the pieces that the glossary compares: words, single characters and marks.

Scope: reading text, no decisions about terms. Pure. A piece is a run of letters and digits; one
character of Chinese, hiragana, Thai, Lao, Khmer or Burmese, which are written without spaces; a run
of katakana; or a single mark. Pieces are compared by ``key``, without case. A hyphen between two
letters reads like a space: "machine-learning" and "machine learning" are the same. A term consists
of whole pieces, so it is never found inside a word.
"""

from __future__ import annotations

import functools
import unicodedata
from typing import Literal

import msgspec

from dragoman.text.scripts import is_katakana, is_unspaced

Kind = Literal["word", "dense", "mark"]

_HYPHENS = "-\u2010\u2011"
_APOSTROPHES = "'\u2019\u02bc"


class TextToken(msgspec.Struct, frozen=True):
    """``text[begin:end]``; ``apart``: a space or hyphen separates it from the piece before."""

    key: str
    begin: int
    end: int
    kind: Kind
    apart: bool


def tokenize(text: str) -> list[TextToken]:
    """The pieces of a text, in order."""
    found: list[TextToken] = []
    at, apart = 0, True
    while at < len(text):
        kind = _kind(text[at])
        if kind == " " or _joins(text, at):
            at, apart = at + 1, True
            continue
        end = at + 1
        while end < len(text) and kind in "wk" and _kind(text[end]) in (kind, "m"):
            end += 1
        while end < len(text) and kind == "d" and _kind(text[end]) == "m":
            end += 1
        found.append(TextToken(folded(text[at:end]), at, end, _KINDS[kind], apart))
        at, apart = end, False
    return found


@functools.lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """Text for comparing: without differences of width, case and kind of apostrophe."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join("'" if char in _APOSTROPHES else char for char in plain) or text


_KINDS: dict[str, Kind] = {"w": "word", "k": "word", "m": "word", "d": "dense", "s": "mark"}


@functools.lru_cache(maxsize=8192)
def _kind(char: str) -> str:
    """``w`` letter or digit, ``k`` katakana, ``d`` dense, ``m`` combining, ``s`` mark, or space."""
    if char.isspace():
        return " "
    category = unicodedata.category(char)[0]
    if category not in "LN":
        return "m" if category == "M" else "s"
    if is_katakana(char):
        return "k"
    return "d" if is_unspaced(char) else "w"


def _joins(text: str, at: int) -> bool:
    """Whether here is a hyphen between two letters or digits."""
    if text[at] not in _HYPHENS or not 0 < at < len(text) - 1:
        return False
    return text[at - 1].isalnum() and text[at + 1].isalnum()
