"""How busy a recogniser is, and how far sessions are behind their audio.

Scope: the figures only. ``cascade.recognition.decode_schedule`` decides by them how often a session
decodes, and ``/metrics`` shows the lags. All methods belong to the event loop's thread.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable

_BUSY_SHARE = 0.5
_SMOOTHING = 0.3


class RecognitionLag:
    """Media time of a turn that came in and is not recognised yet."""

    def __init__(self) -> None:
        self.queued_ms = 0
        """Audio in the inbox."""
        self.undecoded_ms = 0
        """Audio in the window, newer than the last answer."""
        self.waiting_ms = 0
        """Audio that came in since a decode was asked for that is not answered yet."""

    @property
    def total_ms(self) -> int:
        """Both together."""
        return self.queued_ms + self.undecoded_ms


class RecognizerLoad:
    """What all sessions together ask of one recogniser, which does ``capacity`` calls at once.

    Where several processes share it, ``elsewhere`` says what the others have: turns with speech,
    and decodes in flight.
    """

    def __init__(self, capacity: int = 1) -> None:
        self._capacity = max(1, capacity)
        self.elsewhere: Callable[[], tuple[int, int]] = lambda: (0, 0)
        self.on_change: Callable[[], None] = lambda: None
        self._decode_ms = 0.0
        self._in_flight = 0
        # Weak: a turn that is dropped without ``closed`` must not count for ever.
        self._speaking: weakref.WeakSet[RecognitionLag] = weakref.WeakSet()
        self._open: weakref.WeakSet[RecognitionLag] = weakref.WeakSet()

    @property
    def lags(self) -> list[RecognitionLag]:
        """Those of all open turns."""
        return list(self._open)

    @property
    def here(self) -> tuple[int, int]:
        """Turns with speech, and decodes in flight."""
        return len(self._speaking), self._in_flight

    @property
    def fair_step_ms(self) -> float:
        """The decode step at which all turns with speech keep half of the recogniser busy."""
        speaking = len(self._speaking) + self.elsewhere()[0]
        return self._decode_ms * speaking / (self._capacity * _BUSY_SHARE)

    @property
    def decode_ms(self) -> float:
        """How long a decode takes that shares the recogniser with no other; 0 before the first."""
        return self._decode_ms

    def speaking(self, turn: RecognitionLag) -> None:
        """A turn takes speech."""
        self._open.add(turn)
        self._speaking.add(turn)
        self.on_change()

    def paused(self, turn: RecognitionLag) -> None:
        """The turn takes none for now."""
        self._speaking.discard(turn)
        self.on_change()

    def closed(self, turn: RecognitionLag) -> None:
        """The turn is over."""
        self._speaking.discard(turn)
        self._open.discard(turn)
        self.on_change()

    def decode_started(self) -> int:
        """A decode is requested; returns how many are in flight, this one included."""
        self._in_flight += 1
        self.on_change()
        return self._in_flight + self.elsewhere()[1]

    def decode_answered(self, wall_ms: float, sharing: int) -> None:
        """A decode took ``wall_ms`` while ``sharing`` decodes shared the recogniser."""
        own_ms = wall_ms * min(1.0, self._capacity / sharing)
        self._decode_ms = smooth(self._decode_ms, own_ms)

    def decode_ended(self) -> None:
        """A decode is no longer in flight, answered or not."""
        self._in_flight -= 1
        self.on_change()


def smooth(before: float, now: float) -> float:
    """Exponential moving average; the first value counts in full."""
    return now if not before else (1 - _SMOOTHING) * before + _SMOOTHING * now
