"""Cuts a stream of text into sentences as it arrives, for ``server_commit``.

Law of this file: pure, and constant work per character. Nothing is lost or changed: the
segments, put together, are the text. How it decides, one character at a time:

* 。！？ and their like cut at once; inside an open quotation they wait one character, because
  the closing quote belongs to its sentence.
* . ! ? … cut when the next character is white space or of a script without spaces. So 3.14,
  ``a.b/c?d=e`` and version numbers stay whole. After an abbreviation, an initial, or the number
  that opens a list item, the full stop does not cut.
* A line break cuts.
* More than ``LONGEST`` characters are cut behind the last clause mark, else the last space,
  else where they stand.

Text without any letter or digit is no segment of its own (unless overlong); it opens the next.
"""

from __future__ import annotations

import re

from dragoman.policy.sentence_data import (
    ABBREVIATIONS,
    CLAUSE,
    CLOSERS,
    OPENERS,
    STRONG,
    WEAK,
)
from dragoman.policy.tokens import is_dense

LONGEST = 200
_LONGEST_ABBREVIATION = 12
_AROUND_WORDS = "".join(OPENERS | CLOSERS)
_SPEAKABLE = re.compile(r"[^\W_]")  # what ``str.isalnum`` says, at a hundredth of the time


def is_speakable(text: str) -> bool:
    """Whether there is anything to say: a letter or a digit."""
    return _SPEAKABLE.search(text) is not None


class Segmenter:
    """One stream of text."""

    def __init__(self, *, eager: bool = False) -> None:
        self._chars: list[str] = []
        self._out: list[str] = []
        self._reset()

    @property
    def has_begun(self) -> bool:
        """Whether the text not yet cut off has a letter or a digit."""
        return self._spoken

    @property
    def pending(self) -> str:
        """The text not yet cut off."""
        return "".join(self._chars)

    def feed(self, text: str) -> list[str]:
        """The segments that ``text`` completes."""
        for char in text:
            self._take(char)
        out, self._out = self._out, []
        return out

    def flush(self) -> list[str]:
        """No more text comes: what is left, as it is."""
        rest = self.pending
        self._chars = []
        self._reset()
        return [rest] if rest else []

    def _reset(self) -> None:
        self._spoken = is_speakable(self.pending)
        self._ended = ""  # the terminator just seen, if only closers and terminators followed
        self._quotes = 0
        self._word_at = 0  # where the word that is being read begins
        self._clause_at = self._space_at = 0  # behind the last clause mark, the last white space

    def _take(self, char: str) -> None:
        if self._ended and char not in CLOSERS and char not in WEAK and char not in STRONG:
            if self._is_end(char):
                self._cut(len(self._chars))
            self._ended = ""
        self._chars.append(char)
        self._spoken = self._spoken or char.isalnum()
        if char in OPENERS:
            self._quotes += 1
        elif char in CLOSERS:
            self._quotes = max(0, self._quotes - 1)
        elif char in STRONG or (char in WEAK and self._ended not in STRONG):
            self._ended = char
        self._mark(char)
        if char == "\n" or (self._ended in STRONG and self._ended and not self._quotes):
            self._cut(len(self._chars))
        elif len(self._chars) > LONGEST:
            self._cut_long()

    def _mark(self, char: str) -> None:
        if char.isspace():
            self._space_at = self._word_at = len(self._chars)
        elif char in CLAUSE:
            self._clause_at = len(self._chars)

    def _is_end(self, following: str) -> bool:
        """Whether the terminator just seen ends a sentence, given the character behind it."""
        if self._ended in STRONG:
            return True
        if not following.isspace() and not is_dense(following):
            return False
        return self._ended != "." or not self._is_abbreviation()

    def _is_abbreviation(self) -> bool:
        if len(self._chars) - self._word_at > _LONGEST_ABBREVIATION:
            return False
        word = "".join(self._chars[self._word_at :])
        if not word.endswith("."):
            return False  # closers follow the full stop
        bare = word.strip(_AROUND_WORDS)[:-1]
        if bare.isdigit():
            return len(bare) <= 2 and not "".join(self._chars[: self._word_at]).strip()
        dotless = bare.replace(".", "")
        single = len(bare) == 1 and bare.isupper() and not is_dense(bare)
        dotted = "." in bare and all(len(part) == 1 for part in bare.split("."))
        return single or dotted or dotless.lower() in ABBREVIATIONS

    def _cut(self, at: int) -> None:
        if not self._spoken:
            self._ended = ""
            return
        self._out.append("".join(self._chars[:at]))
        del self._chars[:at]
        self._reset()

    def _cut_long(self) -> None:
        """Cut an overlong sentence; a cut in its first third would only make crumbs."""
        at = next(
            (at for at in (self._clause_at, self._space_at) if at > LONGEST // 3),
            len(self._chars),
        )
        space_at, word_at = self._space_at - at, self._word_at - at
        self._spoken = True  # a long run of dots and dashes must not grow without bound either
        self._cut(at)
        if self._chars:
            self._space_at, self._word_at = max(0, space_at), max(0, word_at)
