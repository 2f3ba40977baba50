"""One stream inside an engine: runs where the engine runs.

Scope: blocking, no asyncio. It maps the values of ``requests`` to the engine's own stream object.
Steps are done one at a time, on any of the host's threads; one that comes too early waits. An abort
never waits, or a step that hangs would hold a second thread: the running step does it at its end.
The engine's ``abort`` is called at most once and never after ``finish``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numpy as np

from dragoman.audio.opus_decode import OpusDecoder
from dragoman.audio.resample import Resampler
from dragoman.engines.base import (
    Abortable,
    Detection,
    Detector,
    Engine,
    Interpretation,
    Interpreter,
    Recognition,
    Recognizer,
    Role,
    Samples,
)
from dragoman.runtime.hosts.requests import (
    DetectedFrames,
    DetectionAudio,
    StartDetection,
    StartInterpretation,
    StartRecognition,
    StartRequest,
    StreamAnswer,
    StreamItem,
)
from dragoman.speech import HEARING_RATE_HZ, Audio

_FULL_SCALE = np.float32(1 / 32768)
_ROLES: dict[type[StartRequest], Role] = {
    StartDetection: "vad",
    StartRecognition: "asr",
    StartInterpretation: "interpreter",
}


class _Steps(NamedTuple):
    """The engine's stream object, and how its steps become answers."""

    stream: Detection | Recognition | Interpretation
    feed: Callable[[Any], StreamAnswer]
    finish: Callable[[], StreamAnswer]

    def abort(self) -> None:
        """Pass it on to an engine that implements it."""
        if isinstance(self.stream, Abortable):
            self.stream.abort()


class EngineStream:
    """A stream of ``engine``, opened by ``start``."""

    def __init__(self, engine: Engine, request: StartRequest) -> None:
        self._engine = engine
        self._request = request
        self._one_step = threading.Lock()
        self._aborted = False
        self._steps: _Steps | None = None

    def start(self) -> None:
        """Make the engine's stream object. Raises ``TypeError`` for an engine of another role."""
        try:
            with self._one_step:
                self._steps = _started(self._engine, self._request)
        finally:
            self._free_aborted()

    def step(self, item: StreamItem | None) -> StreamAnswer:
        """Feed an item, or finish with None. Raises whatever the engine raises, and
        ``RuntimeError`` when the stream has ended.
        """
        try:
            with self._one_step:
                if self._steps is None or self._aborted:
                    raise RuntimeError("the stream has ended")
                return self._finish(self._steps) if item is None else self._steps.feed(item)
        finally:
            self._free_aborted()

    def abort(self) -> None:
        """Nobody wants the rest: free what the engine holds for it, now or behind the step that
        runs.
        """
        self._aborted = True
        self._free_aborted()

    def _finish(self, steps: _Steps) -> StreamAnswer:
        self._steps = None
        answer = steps.finish()
        if isinstance(self._request, StartDetection):  # a detector has no end of its own
            steps.abort()
        return answer

    def _free_aborted(self) -> None:
        if not self._aborted or not self._one_step.acquire(blocking=False):
            return  # whoever holds the lock looks for the abort after it
        try:
            steps, self._steps = self._steps, None
            if steps is not None:
                steps.abort()
        finally:
            self._one_step.release()


def _started(engine: Engine, request: StartRequest) -> _Steps:
    info = engine.info
    if info.role != _ROLES[type(request)] or not hasattr(engine, "start"):
        raise TypeError(f"{info.name} ({info.role}) cannot serve a {type(request).__name__}")
    match request:
        case StartDetection():
            detector = cast("Detector", engine)
            detection = detector.start()
            cutter = _FrameCutter(detection, detector.frame_samples)
            return _Steps(detection, cutter.feed, DetectedFrames)
        case StartRecognition(language=language, hints=hints):
            recognition = cast("Recognizer", engine).start(language, hints)
            return _Steps(
                recognition,
                lambda item: recognition.feed(np.frombuffer(item.samples, np.float32)),
                recognition.finish,
            )
        case StartInterpretation(task=task):
            session = cast("Interpreter", engine).start(task)
            return _Steps(
                session,
                lambda item: tuple(session.feed(item)),
                lambda: tuple(session.finish()),
            )


class _FrameCutter:
    """A client's PCM or Opus as frames of 16 kHz with a probability of speech. Chunks of any size
    give the same frames.
    """

    def __init__(self, detection: Detection, frame_samples: int) -> None:
        self._detection = detection
        self._size = frame_samples
        self._resampler = Resampler(HEARING_RATE_HZ, HEARING_RATE_HZ)
        self._opus: OpusDecoder | None = None
        self._rest: Samples = np.zeros(0, np.float32)

    def feed(self, item: DetectionAudio) -> DetectedFrames:
        """The frames that are complete now."""
        if item.rate_hz != self._resampler.from_hz:
            self._resampler = Resampler(item.rate_hz, HEARING_RATE_HZ)
        pcm = self._resampler.feed(b"".join(map(self._pcm, item.audio)))
        new = np.multiply(np.frombuffer(pcm, "<i2"), _FULL_SCALE, dtype=np.float32)
        if len(self._rest) and not item.drop_rest:
            new = np.concatenate((self._rest, new))
        end = len(new) - len(new) % self._size
        frames, self._rest = new[:end], new[end:]
        probabilities = tuple(map(self._detection.feed, frames.reshape(-1, self._size)))
        return DetectedFrames(frames.tobytes(), probabilities, self._rest.tobytes())

    def _pcm(self, audio: Audio) -> bytes:
        if not audio.opus_ms:
            return audio.pcm
        if self._opus is None:
            self._opus = OpusDecoder(self._resampler.from_hz)
        return self._opus.feed(audio.pcm, audio.opus_ms)
