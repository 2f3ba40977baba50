"""Text made safe to hand to a speech library, and the pause that belongs behind it.

Scope: pure functions on strings, for every engine that speaks. Nothing that a user writes may steer
the library (control characters are espeak's embedded commands, NUL ends a C string), and nothing
may cost more than it is worth: one "word" of 3000 letters keeps flite busy for 41 seconds.
Characters without a sound are dropped, styled letters (𝗮, ①) become plain ones, and a word that is
too long for a library is given to it in parts, so that its end is spoken as well.
"""

from __future__ import annotations

import functools
import re
import unicodedata

from dragoman.text.characters import COMBINING
from dragoman.text.clause_data import CLOSERS, COMMAS, FULL_STOPS, HALF_STOPS
from dragoman.text.scripts import UNSPACED

MOST_CHARACTERS = 4000
"""Longest segment that is spoken; callers segment far below that."""

LONGEST_WORD = 200
"""Letters and digits that are spoken of one word; people write none as long."""

_SPEAKABLE = re.compile(r"[^\W_]")  # the same as ``str.isalnum``, in a hundredth of the time

_SAME_IN_A_ROW = 3
_MARKS_IN_A_ROW = 3  # breathing, accent and iota of Greek
_ACCENTS = "\u0300\u0301"
_COMBINING = re.compile(f"[{COMBINING}]+")
_JOINERS = "\u200c\u200d"  # they shape words in Persian and the Indic scripts
# Without a sound though their category says letter or mark: fillers, variation selectors.
_SILENT = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\ufffc\ufffd"
    "\U000e0100-\U000e01ef]"
)
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-Z\\^-~])")
_STYLES = ("<font>", "<wide>", "<narrow>", "<circle>", "<square>")
# Scripts without spaces between words: their runs are sentences, not tokens.
_RUN = re.compile(rf"[^\s{UNSPACED}]+")
_SAME_MARK = re.compile(rf"([^\w\s]|_)\1{{{_SAME_IN_A_ROW},}}")
_HALF_STOPS = (*HALF_STOPS, *COMMAS, "—", "–")
FULL_PAUSE_MS, HALF_PAUSE_MS, NO_PAUSE_MS = 220, 120, 40


def is_speakable(text: str) -> bool:
    """Whether there is anything to say: a letter or a digit."""
    return _SPEAKABLE.search(text) is not None


def sanitized(text: str, *, longest_token: int = 64) -> str:
    """What a library is to speak of ``text``: printable, in words of at most ``longest_token``
    characters. Of a longer word the first ``LONGEST_WORD`` come in parts; the rest is left out.
    """
    cut = text[:MOST_CHARACTERS]
    if not (cut.isascii() and cut.isprintable()):
        cut = _with_few_marks("".join(map(_spoken, _SILENT.sub("", _ESCAPE.sub(" ", cut)))))
    cut = _SAME_MARK.sub(lambda run: run[1] * _SAME_IN_A_ROW, cut)
    return _RUN.sub(lambda run: _in_parts(run[0], longest_token), cut).strip()


@functools.lru_cache(maxsize=4096)
def _spoken(character: str) -> str:
    """The character as a library should see it; cached."""
    category = unicodedata.category(character)
    if category in ("Cc", "Cs", "Co", "Cn"):
        return " "
    if category == "Cf":
        return character if character in _JOINERS else ""
    if character.isalnum() and unicodedata.decomposition(character).startswith(_STYLES):
        return unicodedata.normalize("NFKC", character)
    return character


def _with_few_marks(text: str) -> str:
    """The text composed (NFC), without the combining marks that are left then: espeak spells a word
    with such marks out. One accent stays, because Russian marks the stress with it. Rows of more
    than ``_MARKS_IN_A_ROW`` marks are dropped first.
    """
    few = _COMBINING.sub(lambda row: row[0] if len(row[0]) <= _MARKS_IN_A_ROW else "", text)
    return _COMBINING.sub(_accent, unicodedata.normalize("NFC", few))


def _accent(row: re.Match[str]) -> str:
    on_letter = row.start() > 0 and row.string[row.start() - 1].isalpha()
    return row[0][0] if on_letter and row[0][0] in _ACCENTS else ""


def _in_parts(word: str, longest: int) -> str:
    if len(word) <= longest:
        return word
    spoken = word[:LONGEST_WORD]
    return " ".join(spoken[at : at + longest] for at in range(0, len(spoken), longest))


def pause_ms(text: str) -> int:
    """How long to be silent behind a segment, by its last punctuation mark."""
    end = text.rstrip().rstrip(CLOSERS)
    if end.endswith(FULL_STOPS):
        return FULL_PAUSE_MS
    return HALF_PAUSE_MS if end.endswith(_HALF_STOPS) else NO_PAUSE_MS
