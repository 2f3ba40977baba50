"""Text on its way from the client to the job: a queue of text and borders.

Scope: order and counting, no events. ``feed`` adds text, ``border`` marks where a response must end
(a commit, a finish), ``next`` takes the oldest unit out: a segment cut by
``policy.segmentation.segmenter`` and made readable by ``policy.reading.markup``. Segments are cut
lazily, so that a book in one append costs the event loop no more at once than a line does, and what
waits is bounded by its number of characters: small pieces are joined. A whole slice without
anything speakable is skipped without a look at each character, because a client may send a million
spaces; skipped text still counts, as part of the next unit.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum
from itertools import chain

from dragoman.policy.reading.markup import MarkupReader
from dragoman.policy.segmentation.long_words import LongWords
from dragoman.policy.segmentation.segmenter import Segmenter
from dragoman.protocol.core.token_estimate import TextMeter
from dragoman.text.spoken import is_speakable

_SLICE_CHARS = 1024
_MAX_EXAMINED = 8192
_SKIP_DISCOUNT = 16  # how much cheaper it is to skip a whole slice than to read it


class QueueMark(Enum):
    """What is in the queue besides text."""

    BORDER = "border"  # a response ends here
    COMMIT = "commit"  # the same, and the client asked for it: one response up to here
    BREAK = "break"  # a segment ends here and its response stays open


_BORDERS = (QueueMark.BORDER, QueueMark.COMMIT)


@dataclass(frozen=True)
class QueueItem:
    """The next thing to do. ``spoken`` is the segment, None at a border; ``cost`` counts the
    client's text that it accounts for, what was skipped before it included; ``cut`` is how many
    characters of endless words were left out of it; ``commit``: the border is a commit's.
    """

    spoken: str | None
    cost: TextMeter
    cut: int = 0
    commit: bool = False


class TextQueue:
    """A bounded queue between append and job.

    ``eager``: the first segment behind a border may be an early clause. ``hold_tail``: the last
    complete segment is held until more text, a border or a break follows.
    """

    def __init__(self, *, eager: bool = False, hold_tail: bool = False) -> None:
        self._segmenter = Segmenter(eager=eager)
        self._reader = MarkupReader()
        self._words = LongWords()
        self._hold_tail = hold_tail
        self._raw: deque[str | QueueMark] = deque()
        self._ready: deque[str | QueueMark] = deque()
        self._skipped = TextMeter()
        self.chars = 0
        self.borders = 0  # that wait, commits among them
        self.commits = 0
        self.has_more = False
        self._examined = 0

    def feed(self, text: str) -> None:
        """Text arrived."""
        self.chars += len(text)
        last = self._raw[-1] if self._raw else QueueMark.BORDER
        if isinstance(last, str) and len(last) + len(text) <= _SLICE_CHARS:
            self._raw[-1] = last + text
            return
        for at in range(0, len(text), _SLICE_CHARS):
            self._raw.append(text[at : at + _SLICE_CHARS])

    def border(self, *, commit: bool = False) -> None:
        """A response ends here; ``commit``: because the client committed."""
        self.borders += 1
        self.commits += commit
        self._raw.append(QueueMark.COMMIT if commit else QueueMark.BORDER)

    def break_off(self) -> None:
        """What is there is a segment, complete or not; its response stays open."""
        self._raw.append(QueueMark.BREAK)

    def next(self) -> QueueItem | None:
        """The next unit; None while none is complete.

        Segments without a letter or digit are skipped. A megabyte of them (a code block, say) would
        block the event loop for a second: after some thousand characters this returns None with
        ``has_more`` set, and the next call goes on.
        """
        self._examined, self.has_more = 0, False
        while (unit := self._unit()) is not None:
            if isinstance(unit, QueueMark):
                if unit in _BORDERS:
                    self._reset_text()
                    return self._item(None, commit=unit is QueueMark.COMMIT)
                continue
            self._skipped.feed(unit)
            spoken = self._words.cut(unit, self._reader.read(unit))
            if is_speakable(spoken):
                return self._item(spoken)
            self._examined += len(unit)
        return None

    def has_tail(self) -> bool:
        """Whether there is text (more than white space) behind the last border."""
        pending = (self._segmenter.pending,)
        for unit in chain(reversed(self._raw), pending, reversed(self._ready)):
            if unit in _BORDERS:
                return False
            if isinstance(unit, str) and unit.strip():
                return True
        return False

    def has_text(self) -> bool:
        """Whether any text (more than white space) waits, before a border or behind it."""
        waiting = chain(self._ready, (self._segmenter.pending,), self._raw)
        return any(isinstance(unit, str) and unit.strip() for unit in waiting)

    def drop_unit(self) -> None:
        """Drop everything up to and with the next border."""
        self._skipped = TextMeter()
        self._reset_text()
        while self._ready:
            if self._take(self._ready) in _BORDERS:
                return
        self.chars -= len("".join(self._segmenter.flush()))
        while self._raw:
            if self._take(self._raw) in _BORDERS:
                return

    def _reset_text(self) -> None:
        self._reader.reset()
        self._words.reset()

    def _item(self, spoken: str | None, *, commit: bool = False) -> QueueItem:
        cost, self._skipped = self._skipped, TextMeter()
        cut, self._words.dropped = self._words.dropped, 0
        return QueueItem(spoken, cost, cut, commit)

    def _unit(self) -> str | QueueMark | None:
        while not self._ready or self._is_held():
            if not self._raw:
                return None
            if self._examined >= _MAX_EXAMINED:
                self.has_more = True
                return None
            piece = self._raw.popleft()
            if isinstance(piece, str) and self._is_silent_slice(piece):
                self.chars -= len(piece)
                self._skipped.feed(piece)
                self._examined += len(piece) // _SKIP_DISCOUNT
                self._words.reset()
            elif isinstance(piece, str) and self._words.drops(piece):
                self.chars -= len(piece)
                self._skipped.feed(piece)
                self._examined += len(piece) // _SKIP_DISCOUNT
            elif isinstance(piece, str):
                self._ready.extend(self._segmenter.feed(piece))
            else:
                self._ready.extend(self._segmenter.flush())
                self._ready.append(piece)
        return self._take(self._ready)

    def _take(self, queue: deque[str | QueueMark]) -> str | QueueMark:
        unit = queue.popleft()
        if isinstance(unit, str):
            self.chars -= len(unit)
        elif unit in _BORDERS:
            self.borders -= 1
            self.commits -= unit is QueueMark.COMMIT
        return unit

    def _is_held(self) -> bool:
        """Whether the only ready segment has to wait for what follows it."""
        if not self._hold_tail or len(self._ready) > 1 or isinstance(self._ready[0], QueueMark):
            return False
        return not self._segmenter.pending.strip()

    def _is_silent_slice(self, piece: str) -> bool:
        whole = len(piece) == _SLICE_CHARS
        return whole and not self._segmenter.has_begun and not is_speakable(piece)
