"""Where in a session's audio speech begins, pauses and ends.

Scope: the media clock, the endpointer and the frames that no turn has yet: the lead-in of the next
onset, or the end of the present pause. Synchronous; it knows no turn and no decoder.
"""

from __future__ import annotations

from collections import deque

from dragoman.engines.base import Samples
from dragoman.policy.recognition.endpointing import Endpointer, EndpointEvent, EndpointKind
from dragoman.runtime.cascade.vad_frames import VadFrame
from dragoman.speech import HEARING_RATE_HZ, Endpointing

_PER_MS = HEARING_RATE_HZ // 1000
KEPT_PAUSE_MS = 1_500
"""A pause inside a turn up to this long stays part of its audio; of a longer one, the end."""
_ONSET_FRAMES = 4


class TurnFinder:
    """Endpointing of one session. ``endpointing=None`` is manual mode: the client ends turns."""

    def __init__(self, endpointing: Endpointing | None, frame_ms: int) -> None:
        self._frame_ms = frame_ms
        self._endpointing = endpointing
        self._endpointer = Endpointer(endpointing, frame_ms)
        self._kept: deque[VadFrame] = deque()
        self._kept_samples = 0
        self._unclocked = 0  # samples that passed beside the frames: less than a millisecond
        self.now_ms = 0
        """Media time: where the next frame begins."""
        self.paused_ms = 0
        """Where speech ended before the last pause."""

    @property
    def speaking(self) -> bool:
        """Whether speech goes on: a turn is open and does not pause."""
        return self._endpointer.speaking

    @property
    def silent_ms(self) -> int:
        """How long the pause inside the turn has been so far; 0 while somebody speaks."""
        return self._endpointer.silent_ms

    def configure(self, endpointing: Endpointing | None) -> None:
        """New settings, from the next frame on."""
        self._endpointing = endpointing
        self._endpointer.configure(endpointing)

    def feed(
        self, samples: Samples, probability: float
    ) -> tuple[VadFrame | None, EndpointEvent | None]:
        """Take the next frame. Returns it if it belongs to the open turn (else it is kept), and
        what changes with it, if anything.
        """
        frame = VadFrame(self.now_ms, samples, probability)
        self.now_ms += self._frame_ms
        event = self._endpointer.feed(probability)
        if event is None and self._endpointer.speaking:
            return frame, None
        self._keep(frame)
        if event is not None and event.kind is EndpointKind.PAUSE:
            self.paused_ms = event.at_ms
        return None, event

    def end_turn(self) -> None:
        """The turn was ended from outside."""
        self._endpointer.reset()

    def take_kept(self, since_ms: int) -> list[VadFrame]:
        """The kept frames from this time on; all are forgotten."""
        frames = [frame for frame in self._kept if frame.at_ms >= since_ms - self._frame_ms]
        self.forget_kept()
        return frames

    def forget_kept(self) -> None:
        """Keep no frame."""
        self._kept.clear()
        self._kept_samples = 0

    def skip(self, samples: int) -> None:
        """Audio that fills no frame is left out. It has passed as well: without it this clock would
        fall behind the session's, a little with every commit.
        """
        self.forget_kept()
        passed_ms, self._unclocked = divmod(self._unclocked + samples, _PER_MS)
        self.now_ms += passed_ms
        self._endpointer.skip(passed_ms)

    def _keep(self, frame: VadFrame) -> None:
        in_turn = self._endpointer.speaking or self._endpointer.silent_ms > 0
        room_ms = KEPT_PAUSE_MS
        if self._endpointing is not None and not in_turn:
            room_ms = self._endpointing.prefix_ms + _ONSET_FRAMES * self._frame_ms
        self._kept.append(frame)
        self._kept_samples += len(frame.samples)
        while self._kept_samples > room_ms * _PER_MS:
            self._kept_samples -= len(self._kept.popleft().samples)
