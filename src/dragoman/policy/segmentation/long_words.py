"""Words that nobody would read aloud to the end.

Scope: pure; state only for the word that the border of a segment cuts in two. A "word" of 5,000
letters or digits (base64, a key that is held down) would be read for half an hour. Of a word
``LONGEST_WORD`` letters and digits are spoken and the rest is dropped, in whatever segments it
comes. Scripts without spaces between words have no such words, and their punctuation ends one;
other marks belong to the word and are not counted, so a row of dots does not drop what follows.
"""

from __future__ import annotations

import re

from dragoman.text import scripts
from dragoman.text.spoken import LONGEST_WORD

_BREAKS = rf"\s{scripts.UNSPACED}{scripts.EAST_ASIAN_MARKS}"
_WORD = re.compile(f"[^{_BREAKS}]+")
_BREAK = re.compile(f"[{_BREAKS}]")
_LETTER = re.compile(r"[^\W_]")
_FIRST = re.compile(f"[^{_BREAKS}]")
_LAST = re.compile(f"[^{_BREAKS}]\\Z")


class LongWords:
    """One text, segment by segment. ``dropped`` counts the characters dropped so far."""

    def __init__(self, longest: int = LONGEST_WORD) -> None:
        self._longest = longest
        self._length = 0  # of the word that the last segment ended in
        self._open = False  # whether it did
        self._unbroken = False  # whether the last piece was long and all one word
        self.dropped = 0

    def cut(self, segment: str, spoken: str) -> str:
        """The part of ``spoken`` that is spoken; it was made from the client's ``segment``."""
        if not (self._open and _FIRST.match(segment)):
            self._length = 0
        self._open = _LAST.search(segment, max(0, len(segment) - 1)) is not None
        if not self._open and self._length + len(spoken) <= self._longest:
            return spoken  # nearly all segments
        return self._shortened(spoken)

    def drops(self, text: str) -> bool:
        """Whether this piece of the client's text can be dropped before it is read: a long one in
        the middle of a word that is long already. To be asked for every piece, in order.
        """
        unbroken = len(text) > 4 * self._longest and _BREAK.search(text) is None
        dropped = unbroken and self._unbroken
        self._unbroken = unbroken
        if dropped:
            self.dropped += len(text)
        return dropped

    def reset(self) -> None:
        """A new text begins."""
        self._open, self._length, self._unbroken = False, 0, False

    def _shortened(self, spoken: str) -> str:
        parts: list[str] = []
        at, before = 0, self._length
        for word in _WORD.finditer(spoken):
            if word.start():
                before = 0
            kept, count = self._beginning(word[0], self._longest - before)
            parts += (spoken[at : word.start()], kept)
            at, before = word.end(), before + count
        self._length = before if at == len(spoken) else 0
        return "".join([*parts, spoken[at:]])

    def _beginning(self, word: str, left: int) -> tuple[str, int]:
        """The part of a word that is kept if it may have ``left`` more letters, and its letters."""
        if left < 0:  # it was cut before
            self.dropped += len(word)
            return "", 0
        count = 0
        for count, letter in enumerate(_LETTER.finditer(word), 1):
            if count > left:
                self.dropped += len(word) - letter.start()
                return word[: letter.start()], count
        return word, count
