"""Frames of 16 kHz audio with their probabilities of speech, as the cascade gets and keeps them.

Scope: the loop's end of a stream of detection. Decoding, resampling and judging are done where the
detector runs (``runtime.hosts.engine_stream``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dragoman.engines.base import Samples
from dragoman.runtime.hosts.host import EngineHost, HostStream
from dragoman.runtime.hosts.requests import DetectedFrames, DetectionAudio, StartDetection
from dragoman.speech import HEARING_RATE_HZ, Audio

_PER_MS = HEARING_RATE_HZ // 1000


class VadFrame(NamedTuple):
    """A piece of audio, the time of the session it begins at, and whether it is speech."""

    at_ms: int
    samples: Samples
    probability: float


class VadFramer:
    """One session's input, judged by the detector behind ``host``, whose frames have
    ``frame_samples``. ``rate_hz`` is what the client sends.
    """

    def __init__(self, host: EngineHost, frame_samples: int, rate_hz: int) -> None:
        self.frame_ms = frame_samples // _PER_MS
        self._size = frame_samples
        self._host = host
        self._rate_hz = rate_hz
        self._stream: HostStream | None = None
        self._drop_rest = False
        self.rest: Samples = np.zeros(0, np.float32)
        """Less than a frame."""

    def set_rate(self, rate_hz: int) -> None:
        """What comes from now on has this rate."""
        self._rate_hz = rate_hz

    def forget(self) -> int:
        """Drop the rest; returns how many samples it had."""
        size, self.rest = len(self.rest), self.rest[:0]
        self._drop_rest = True
        return size

    def abort(self) -> None:
        """The session ends."""
        if self._stream is not None:
            self._stream.abort()

    async def feed(self, audio: Sequence[Audio]) -> list[tuple[Samples, float]]:
        """The frames that are complete now, each with its probability of speech."""
        if self._stream is None:
            self._stream = await self._host.open(StartDetection())
        item = DetectionAudio(tuple(audio), self._rate_hz, self._drop_rest)
        self._drop_rest = False
        found = await self._stream.feed(item)
        assert isinstance(found, DetectedFrames)
        self.rest = np.frombuffer(found.rest, np.float32)
        frames = np.frombuffer(found.samples, np.float32).reshape(-1, self._size)
        return list(zip(frames, found.probabilities, strict=True))
