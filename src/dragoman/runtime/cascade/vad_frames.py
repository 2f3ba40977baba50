"""From a client's PCM or Opus to frames of 16 kHz with a probability of speech.

Law of this file: the only place that decodes and resamples input and asks the detector. Chunks of
any size give the same frames: what does not fill one waits. Blocking; it runs where the detector
runs, one call at a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dragoman.audio.opus_decode import OpusDecoder
from dragoman.audio.resample import Resampler
from dragoman.engines.base import Detection, Detector, Samples
from dragoman.speech import HEARING_RATE_HZ, Audio

_PER_MS = HEARING_RATE_HZ // 1000
_FULL_SCALE = np.float32(1 / 32768)


class VadFrame(NamedTuple):
    """A piece of audio, the time of the session it begins at, and whether it is speech."""

    at_ms: int
    samples: Samples
    probability: float


class RecentFrames:
    """The last frames that nobody was given yet."""

    def __init__(self) -> None:
        self._frames: deque[VadFrame] = deque()
        self._length = 0  # samples

    def keep(self, frame: VadFrame, room_ms: int) -> None:
        """Remember this one, and of those before it as many as there is room for."""
        self._frames.append(frame)
        self._length += len(frame.samples)
        while self._length > room_ms * _PER_MS:
            self._length -= len(self._frames.popleft().samples)

    def take(self, since_ms: int) -> list[VadFrame]:
        """Those that begin at this time or later; all are forgotten."""
        frames = [frame for frame in self._frames if frame.at_ms >= since_ms]
        self.clear()
        return frames

    def clear(self) -> None:
        """Forget them."""
        self._frames.clear()
        self._length = 0


class VadFramer:
    """One session's input. ``rate_hz`` is what the client sends."""

    def __init__(self, detector: Detector, rate_hz: int) -> None:
        self.frame_ms = detector.frame_samples // _PER_MS
        self._size = detector.frame_samples
        self._detector = detector
        self._detection: Detection | None = None
        self._resampler = Resampler(rate_hz, HEARING_RATE_HZ)
        self._opus: OpusDecoder | None = None
        self.rest: Samples = np.zeros(0, np.float32)
        """Less than a frame."""

    def set_rate(self, rate_hz: int) -> None:
        """What comes from now on has this rate."""
        if rate_hz != self._resampler.from_hz:
            self._resampler = Resampler(rate_hz, HEARING_RATE_HZ)

    def forget(self) -> int:
        """Drop the rest; returns how many samples it had."""
        size, self.rest = len(self.rest), self.rest[:0]
        return size

    def feed(self, audio: Sequence[Audio]) -> list[tuple[Samples, float]]:
        """The frames that are complete now, each with its probability of speech."""
        if self._detection is None:
            self._detection = self._detector.start()
        return self._frames(b"".join(map(self._pcm, audio)))

    def _pcm(self, audio: Audio) -> bytes:
        if not audio.opus_ms:
            return audio.pcm
        if self._opus is None:
            self._opus = OpusDecoder(self._resampler.from_hz)
        return self._opus.feed(audio.pcm, audio.opus_ms)

    def _frames(self, pcm: bytes) -> list[tuple[Samples, float]]:
        assert self._detection is not None
        whole = np.frombuffer(self._resampler.feed(pcm), "<i2")
        heard = np.multiply(whole, _FULL_SCALE, dtype=np.float32)
        sound = np.concatenate((self.rest, heard)) if len(self.rest) else heard
        size = self._size
        end = len(sound) - len(sound) % size
        self.rest = sound[end:]
        frames = [sound[at : at + size] for at in range(0, end, size)]
        return [(frame, self._detection.feed(frame)) for frame in frames]
