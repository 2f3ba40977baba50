"""From a detector's probabilities to turns: onset, soft pause, resumption, offset.

Law of this file: the only place that decides when speech begins and ends. Pure; time is media
time, counted in frames that were fed. Two thresholds (hysteresis) keep a breath from ending a
word; three frames in a row must be speech before a turn opens, so that a click opens none.
"""

from __future__ import annotations

from enum import Enum

import msgspec

from dragoman.policy.pauses import SOFT_PAUSE_MS
from dragoman.speech import Endpointing

_HYSTERESIS = 0.15
_ONSET_FRAMES = 3


class EndpointKind(Enum):
    """What happened in the stream."""

    ONSET = "onset"
    PAUSE = "pause"
    RESUME = "resume"
    OFFSET = "offset"


class EndpointEvent(msgspec.Struct, frozen=True):
    """A mark and its media time: for ONSET where the turn's audio begins (padding included),
    for PAUSE and OFFSET where the speech ended, for RESUME where it went on.
    """

    mark: EndpointKind
    at_ms: int


class Endpointer:
    """The state of one stream. ``settings=None`` is manual mode: pauses only, no turns."""

    def __init__(self, settings: Endpointing | None, frame_ms: int) -> None:
        self._settings = settings or Endpointing()
        self._manual = settings is None
        self._frame_ms = frame_ms
        self._now_ms = 0
        self._loud = 0  # frames of speech in a row
        self._speech_end_ms = 0
        self._open = False
        self._paused = False

    @property
    def speaking(self) -> bool:
        """A turn is open and no soft pause is on."""
        return self._open and not self._paused

    @property
    def silent_ms(self) -> int:
        """How long the pause in the open turn has been so far; 0 while somebody speaks."""
        return self._now_ms - self._speech_end_ms if self._open and self._paused else 0

    def skip(self, duration_ms: int) -> None:
        """Audio passed that was not examined (it was cleared)."""
        self._now_ms += duration_ms

    def reset(self) -> None:
        """The turn was closed from outside (a cut, a commit, a clear)."""
        self._open = self._paused = False
        self._loud = 0

    def configure(self, settings: Endpointing | None) -> None:
        """New settings, from the next frame on."""
        self._settings = settings or Endpointing()
        self._manual = settings is None

    def feed(self, probability: float) -> EndpointEvent | None:
        """Take the probability of the next frame; what it changes, if anything."""
        self._now_ms += self._frame_ms
        inside = self._loud >= _ONSET_FRAMES
        level = self._settings.threshold - (_HYSTERESIS if inside else 0.0)
        if probability >= level:
            return self._speech()
        return self._silence()

    def _speech(self) -> EndpointEvent | None:
        self._loud += 1
        if self._loud < _ONSET_FRAMES:
            return None
        began_ms = self._now_ms - self._loud * self._frame_ms
        self._speech_end_ms = self._now_ms
        if not self._open:
            self._open, self._paused = True, False
            return EndpointEvent(EndpointKind.ONSET, max(0, began_ms - self._settings.prefix_ms))
        if self._paused:
            self._paused = False
            return EndpointEvent(EndpointKind.RESUME, began_ms)
        return None

    def _silence(self) -> EndpointEvent | None:
        self._loud = 0
        if not self._open:
            return None
        silent_ms = self._now_ms - self._speech_end_ms
        if silent_ms >= self._settings.silence_ms and not self._manual:
            self.reset()
            return EndpointEvent(EndpointKind.OFFSET, self._speech_end_ms)
        if silent_ms >= SOFT_PAUSE_MS and not self._paused:
            self._paused = True
            return EndpointEvent(EndpointKind.PAUSE, self._speech_end_ms)
        return None
