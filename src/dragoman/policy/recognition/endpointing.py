"""From a detector's probabilities to turns: onset, soft pause, resumption, offset.

Scope: the only place that decides when speech begins and ends. Pure; time is media time, counted in
frames that were fed. Two thresholds (hysteresis) keep a breath from ending a word. A turn opens
after three frames of speech in a row, so that a click opens none.
"""

from __future__ import annotations

from enum import Enum

import msgspec

from dragoman.policy.pauses import SOFT_PAUSE_MS
from dragoman.speech import Endpointing

_HYSTERESIS = 0.15
_ONSET_FRAMES = 3


class EndpointKind(Enum):
    """A change in the stream."""

    ONSET = "onset"
    PAUSE = "pause"
    RESUME = "resume"
    OFFSET = "offset"


class EndpointEvent(msgspec.Struct, frozen=True):
    """A change and its media time: for ONSET where the turn's audio begins (padding included),
    for PAUSE and OFFSET where the speech ended, for RESUME where it went on.
    """

    kind: EndpointKind
    at_ms: int


class Endpointer:
    """The state of one stream. ``settings=None`` is manual mode: pauses only, no turns."""

    def __init__(self, settings: Endpointing | None, frame_ms: int) -> None:
        self._settings = settings or Endpointing()
        self._manual = settings is None
        self._frame_ms = frame_ms
        self._now_ms = 0
        self._speech_frames = 0  # in a row
        self._speech_end_ms = 0
        self._open = False
        self._paused = False

    @property
    def speaking(self) -> bool:
        """A turn is open and no soft pause is on."""
        return self._open and not self._paused

    @property
    def silent_ms(self) -> int:
        """How long the pause in the open turn has lasted; 0 during speech."""
        return self._now_ms - self._speech_end_ms if self._open and self._paused else 0

    def skip(self, duration_ms: int) -> None:
        """Time passes without frames: this audio was cleared."""
        self._now_ms += duration_ms

    def reset(self) -> None:
        """The turn was closed from outside (a cut, a commit, a clear)."""
        self._open = self._paused = False
        self._speech_frames = 0

    def configure(self, settings: Endpointing | None) -> None:
        """New settings, from the next frame on."""
        self._settings = settings or Endpointing()
        self._manual = settings is None

    def feed(self, probability: float) -> EndpointEvent | None:
        """Take the speech probability of the next frame; the change that it makes, if any."""
        self._now_ms += self._frame_ms
        is_inside = self._speech_frames >= _ONSET_FRAMES
        threshold = self._settings.threshold - (_HYSTERESIS if is_inside else 0.0)
        if probability >= threshold:
            return self._speech()
        return self._silence()

    def _speech(self) -> EndpointEvent | None:
        self._speech_frames += 1
        if self._speech_frames < _ONSET_FRAMES:
            return None
        begin_ms = self._now_ms - self._speech_frames * self._frame_ms
        self._speech_end_ms = self._now_ms
        if not self._open:
            self._open, self._paused = True, False
            return EndpointEvent(EndpointKind.ONSET, max(0, begin_ms - self._settings.prefix_ms))
        if self._paused:
            self._paused = False
            return EndpointEvent(EndpointKind.RESUME, begin_ms)
        return None

    def _silence(self) -> EndpointEvent | None:
        self._speech_frames = 0
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
