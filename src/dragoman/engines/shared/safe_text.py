"""Text made safe to hand to a speech library, and the pause that belongs behind it.

Law of this file: pure functions on strings. Nothing a user writes may steer the library
(control characters are espeak's embedded commands, NUL ends a C string) and nothing may cost
more than it is worth: one "word" of 3000 letters keeps flite busy for 41 seconds. What cannot be
heard goes, what is a letter in fancy dress becomes that letter, and a word too long for a library
is given to it in parts, so that its end is heard as well.
"""

from __future__ import annotations

import functools
import re
import unicodedata

from dragoman.text.scripts import UNSPACED

MOST_CHARACTERS = 4000
"""Longest segment that is spoken; callers segment far below that."""

LONGEST_WORD = 200
"""What is spoken of one word; people write none as long."""

_SAME_IN_A_ROW = 3
_MARKS_IN_A_ROW = 3  # breathing, accent and iota of Greek
_ACCENTS = "\u0300\u0301"
_MARKS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")
_JOINERS = "\u200c\u200d"  # they shape words in Persian and the Indic scripts
# Letters and marks by their category, and nothing to be heard: fillers, variation selectors.
_UNHEARD = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\ufffc\ufffd"
    "\U000e0100-\U000e01ef]"
)
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-Z\\^-~])")
_DRESSES = ("<font>", "<wide>", "<narrow>", "<circle>", "<square>")
# Scripts without spaces between words: their runs are sentences, not tokens.
_RUN = re.compile(rf"[^\s{UNSPACED}]+")
_SAME_MARK = re.compile(rf"([^\w\s]|_)\1{{{_SAME_IN_A_ROW},}}")
_CLOSERS = "\"'”’»›)]}）】」』》〉"
_FULL_STOPS = ".!?。！？…؟।॥۔"
_HALF_STOPS = ",;:，；：、،؛—–"
FULL_PAUSE_MS, HALF_PAUSE_MS, NO_PAUSE_MS = 220, 120, 40


def has_words(text: str) -> bool:
    """Whether there is anything to say: a letter or a digit."""
    return any(character.isalnum() for character in text)


def plain(text: str, *, longest_token: int = 64) -> str:
    """What a library is to speak of ``text``: printable, in words of at most ``longest_token``
    characters. Of a longer word the first ``LONGEST_WORD`` come in parts; the rest is left out.
    """
    cut = text[:MOST_CHARACTERS]
    if not (cut.isascii() and cut.isprintable()):
        cut = _with_few_marks("".join(map(_heard, _UNHEARD.sub("", _ESCAPE.sub(" ", cut)))))
    cut = _SAME_MARK.sub(lambda run: run[1] * _SAME_IN_A_ROW, cut)
    return _RUN.sub(lambda run: _in_parts(run[0], longest_token), cut).strip()


@functools.lru_cache(maxsize=4096)
def _heard(character: str) -> str:
    """The character as a library should see it; looked up once for each."""
    category = unicodedata.category(character)
    if category in ("Cc", "Cs", "Co", "Cn"):
        return " "
    if category == "Cf":
        return character if character in _JOINERS else ""
    if character.isalnum() and unicodedata.decomposition(character).startswith(_DRESSES):
        return unicodedata.normalize("NFKC", character)
    return character


def _with_few_marks(text: str) -> str:
    """Composed, and without the marks for which no composed letter exists: espeak spells a word
    out, mark by mark, that has some. One accent stays, Russian marks the stress with it. Marks
    that heap up make no letter at all.
    """
    bare = _MARKS.sub(lambda row: row[0] if len(row[0]) <= _MARKS_IN_A_ROW else "", text)
    return _MARKS.sub(_accent, unicodedata.normalize("NFC", bare))


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
    bare = text.rstrip().rstrip(_CLOSERS)
    if bare.endswith(tuple(_FULL_STOPS)):
        return FULL_PAUSE_MS
    return HALF_PAUSE_MS if bare.endswith(tuple(_HALF_STOPS)) else NO_PAUSE_MS
