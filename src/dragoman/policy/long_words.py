"""Words that nobody would read out to the end.

Law of this file: pure; state only for the word that a segment's border cuts in two. A "word" of
5,000 letters or digits (a blob of base64, a held-down key) would be read for half an hour. Of a
word ``LONGEST_WORD`` characters are spoken and the rest is left out, whatever segments it is cut
into. Scripts that write without spaces have no such words, and their punctuation ends one.
"""

from __future__ import annotations

import re

LONGEST_WORD = 200

_BREAKS = (
    "\\s\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff"
    "\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\U00020000-\U0003ffff"
)
_WORD = re.compile(f"[^{_BREAKS}]+")
_FIRST = re.compile(f"[^{_BREAKS}]")
_LAST = re.compile(f"[^{_BREAKS}]\\Z")


class LongWords:
    """One text, segment by segment. ``dropped`` counts the characters left out so far."""

    def __init__(self, longest: int = LONGEST_WORD) -> None:
        self._longest = longest
        self._length = 0  # of the word that the last segment ended in
        self._open = False  # whether it did
        self.dropped = 0

    def cut(self, segment: str, spoken: str) -> str:
        """What is left of ``spoken``, which was read from the client's ``segment``."""
        if not (self._open and _FIRST.match(segment)):
            self._length = 0
        self._open = _LAST.search(segment, max(0, len(segment) - 1)) is not None
        if not self._open and self._length + len(spoken) <= self._longest:
            return spoken  # nearly all segments
        return self._shortened(spoken)

    def reset(self) -> None:
        """A new text begins."""
        self._open, self._length = False, 0

    def _shortened(self, spoken: str) -> str:
        parts: list[str] = []
        at, before = 0, self._length
        for word in _WORD.finditer(spoken):
            if word.start():
                before = 0
            left = max(0, self._longest - before)
            parts += (spoken[at : word.start()], word[0][:left])
            self.dropped += max(0, len(word[0]) - left)
            at, before = word.end(), before + len(word[0])
        self._length = before if at == len(spoken) else 0
        return "".join([*parts, spoken[at:]])
