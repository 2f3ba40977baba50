"""The text a client appends, on its way into the queue.

Scope: joins characters that a client cut in two, and in commit mode buffers text until its commit;
in server_commit text goes straight into the queue. What text means is the session's.
"""

from __future__ import annotations

from dragoman.protocol.core.client_text import HalfKeeper
from dragoman.protocol.synthesis.family import Mode
from dragoman.protocol.synthesis.text_queue import TextQueue
from dragoman.text.spoken import is_speakable

_PIECE_CHARS = 1024


class TextIntake:
    """``queue`` is where the text goes. ``hold_tail``: in server_commit the last complete segment
    waits for what follows it.
    """

    def __init__(self, mode: Mode, *, hold_tail: bool) -> None:
        self._hold_tail = hold_tail
        self._buffer: list[str] = []
        self._buffered_chars = 0
        self._halves = HalfKeeper()
        self.appended_at: float | None = None
        """Wall clock of the last text in server_commit, as long as it may have to be flushed."""
        self.start_queue(mode)

    def start_queue(self, mode: Mode) -> None:
        """A fresh queue for this mode. In server_commit its first words go early."""
        self._buffers = mode == "commit"
        self.queue = TextQueue(
            eager=not self._buffers, hold_tail=self._hold_tail and not self._buffers
        )

    @property
    def chars(self) -> int:
        """How much is buffered or queued."""
        return self._buffered_chars + self.queue.chars

    @property
    def has_buffered(self) -> bool:
        """Whether text other than white space is here and not in the queue."""
        return self._halves.holds or any(text.strip() for text in self._buffer)

    @property
    def is_speakable(self) -> bool:
        """Whether the buffer has anything to speak."""
        return is_speakable("".join(self._buffer))

    def append(self, text: str, now: float) -> None:
        """Text came at this time, perhaps with half a character at an end."""
        self._add(self._halves.feed(text), now)

    def flush(self, now: float) -> None:
        """Everything appended so far goes into the queue."""
        self._add(self._halves.flush(), now)
        self.queue.feed("".join(self._buffer))
        self.drop_buffer()

    def drop_buffer(self) -> None:
        """Drop what is not in the queue."""
        self._buffer.clear()
        self._buffered_chars = 0
        self._halves = HalfKeeper()
        self.appended_at = None

    def _add(self, text: str, now: float) -> None:
        if not text:
            return
        if not self._buffers:
            self.queue.feed(text)
            self.appended_at = now
        elif self._buffer and len(self._buffer[-1]) < _PIECE_CHARS:
            self._buffer[-1] += text  # a million strings of one character are 60 MB
            self._buffered_chars += len(text)
        else:
            self._buffer.append(text)
            self._buffered_chars += len(text)
