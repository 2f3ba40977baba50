"""Text made safe to hand to a speech library, and the pause that belongs behind it.

Law of this file: pure functions on strings. Nothing a user writes may steer the library
(control characters are espeak's embedded commands, NUL ends a C string) and nothing may cost
more than it is worth: one "word" of 3000 letters keeps flite busy for 41 seconds.
"""

from __future__ import annotations

import re
import unicodedata

MOST_CHARACTERS = 4000
"""Longest segment that is spoken; callers segment far below that."""

_JOINERS = "\u200c\u200d"  # they shape words in Persian and the Indic scripts
# Scripts without spaces between words: their runs are sentences, not tokens.
_SPACELESS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_RUN = re.compile(rf"[^\s{_SPACELESS}]+")
_CLOSERS = "\"'”’»›)]}）】」』》〉"
_FULL_STOPS = ".!?。！？…؟।॥۔"
_HALF_STOPS = ",;:，；：、،؛—–"
FULL_PAUSE_MS, HALF_PAUSE_MS, NO_PAUSE_MS = 220, 120, 40


def has_words(text: str) -> bool:
    """Whether there is anything to say: a letter or a digit."""
    return any(character.isalnum() for character in text)


def plain(text: str, *, longest_token: int = 64) -> str:
    """The text without control characters, with runs and the whole cut to a sane length."""
    cut = text[:MOST_CHARACTERS]
    cleaned = "".join(_visible(character) for character in cut)
    return _RUN.sub(lambda run: run[0][:longest_token], cleaned).strip()


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cc", "Cs", "Co", "Cn"):
        return " "
    if category == "Cf" and character not in _JOINERS:
        return ""
    return character


def pause_ms(text: str) -> int:
    """How long to be silent behind a segment, by its last punctuation mark."""
    bare = text.rstrip().rstrip(_CLOSERS)
    if bare.endswith(tuple(_FULL_STOPS)):
        return FULL_PAUSE_MS
    return HALF_PAUSE_MS if bare.endswith(tuple(_HALF_STOPS)) else NO_PAUSE_MS
