"""Text on its way from the client to the job: a line of text and borders.

Law of this file: order and counting, no events. ``feed`` adds text, ``border`` marks where a
response must end (a commit, a finish), ``next`` takes the oldest unit out. Sentences are cut
only when they are asked for, so that a book in one append costs the event loop no more at once
than a line does, and so that what waits is bounded by one number of characters: small pieces
are put together. A whole slice with nothing to say is passed over without a look at each
character, for a client may send a million spaces.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from itertools import chain

from dragoman.policy.sentences import Segmenter, is_speakable

_SLICE_CHARS = 1024


class Mark(Enum):
    """What is in the line besides text."""

    BORDER = "border"


class TextQueue:
    """See the head of this file."""

    def __init__(self) -> None:
        self._segmenter = Segmenter()
        self._raw: deque[str | Mark] = deque()
        self._ready: deque[str | Mark] = deque()
        self.chars = 0
        self.borders = 0

    def feed(self, text: str) -> None:
        """Text arrived."""
        self.chars += len(text)
        last = self._raw[-1] if self._raw else Mark.BORDER
        if isinstance(last, str) and len(last) + len(text) <= _SLICE_CHARS:
            self._raw[-1] = last + text
            return
        for at in range(0, len(text), _SLICE_CHARS):
            self._raw.append(text[at : at + _SLICE_CHARS])

    def border(self) -> None:
        """A response ends here."""
        self.borders += 1
        self._raw.append(Mark.BORDER)

    def next(self) -> str | Mark | None:
        """The next speakable segment or border; None while neither is complete.

        Segments without a letter or digit hold nothing to say and are left out.
        """
        while True:
            unit = self._unit()
            if unit is None or isinstance(unit, Mark) or is_speakable(unit):
                return unit

    def has_tail(self) -> bool:
        """Whether there is text (more than white space) behind the last border."""
        pending = (self._segmenter.pending,)
        for unit in chain(reversed(self._raw), pending, reversed(self._ready)):
            if unit is Mark.BORDER:
                return False
            if str(unit).strip():
                return True
        return False

    def drop_unit(self) -> None:
        """Forget everything up to and with the next border."""
        while (unit := self._unit()) is not None and unit is not Mark.BORDER:
            pass

    def _unit(self) -> str | Mark | None:
        while not self._ready:
            if not self._raw:
                return None
            piece = self._raw.popleft()
            if isinstance(piece, str) and self._says_nothing(piece):
                self.chars -= len(piece)
            elif isinstance(piece, str):
                self._ready.extend(self._segmenter.feed(piece))
            else:
                self._ready.extend(self._segmenter.flush())
                self._ready.append(piece)
        unit = self._ready.popleft()
        if isinstance(unit, str):
            self.chars -= len(unit)
        else:
            self.borders -= 1
        return unit

    def _says_nothing(self, piece: str) -> bool:
        whole = len(piece) == _SLICE_CHARS
        return whole and not self._segmenter.has_begun and not is_speakable(piece)
