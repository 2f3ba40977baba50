"""Calls and steps of streams, answered by the engine: runs where the engine runs.

Scope: blocking, no asyncio. A batch that fails is tried again one by one, so that one session's
bad window does not fail the others'. What an engine can do is seen by its method: checking a whole
Protocol costs more than the answer of a scripted engine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from dragoman.engines.base import Engine, Picture, Reading, Translation, Window
from dragoman.engines.cancellation import Cancellation
from dragoman.policy.vision.onscreen import looks_the_same
from dragoman.runtime.hosts.engine_stream import EngineStream
from dragoman.runtime.hosts.image_fingerprint import image_fingerprint
from dragoman.runtime.hosts.job_queue import Batching
from dragoman.runtime.hosts.requests import (
    Answer,
    AnyRequest,
    EncodeVoice,
    OpenStream,
    Outcome,
    StepStream,
    StreamAnswer,
    VoiceVector,
    WarmDirection,
)

BATCH_METHOD: dict[type, str] = {Window: "transcribe", Translation: "translate_batch"}
"""The method that takes several requests of a kind, in engines that have it."""


def batching_of(engine: Engine, max_batch: int | None = None, max_wait_ms: float = 0.0) -> Batching:
    """How the calls of this engine are batched: by ``max_batch`` or the engine's own limit."""
    kinds = frozenset(kind for kind, method in BATCH_METHOD.items() if hasattr(engine, method))
    return Batching(max_batch or engine.info.max_batch, max_wait_ms / 1000, kinds)


class RequestServer:
    """An engine and its open streams, by their numbers; for any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._streams: dict[int, EngineStream] = {}

    def answer(
        self, requests: Sequence[AnyRequest], cancellation: Cancellation | None = None
    ) -> list[Outcome]:
        """One outcome for each request, in order: calls of one kind, or one step of a stream. None
        for none, by which a host probes a worker. ``cancellation`` is that of a single call to an
        engine that takes it.
        """
        if not requests:
            return []
        first = requests[0]
        if not isinstance(first, OpenStream | StepStream):
            if cancellation and isinstance(first, Translation) and len(requests) == 1:
                return [_cancellable(self._engine, first, cancellation)]
            return answer_batch(self._engine, requests)
        try:
            return [Outcome(self._step(first))]
        except Exception as error:  # noqa: BLE001 - an engine may raise anything; it fails its step
            return [Outcome(failure=repr(error))]

    def _step(self, request: OpenStream | StepStream) -> StreamAnswer:
        if isinstance(request, OpenStream):
            stream = self._streams[request.stream] = EngineStream(self._engine, request.request)
            stream.start()
            return None
        if request.item is not None:
            return self._streams[request.stream].step(request.item)
        return self._streams.pop(request.stream).step(None)

    def abort(self, number: int) -> None:
        """Nobody wants the rest of this stream, if it is still open; raises nothing."""
        stream = self._streams.pop(number, None)
        if stream is not None:
            with suppress(Exception):
                stream.abort()


def answer_batch(engine: Engine, requests: Sequence[AnyRequest]) -> list[Outcome]:
    """One outcome for each request, in order; all are of one kind."""
    method = BATCH_METHOD.get(type(requests[0]), "")
    if hasattr(engine, method):
        return _batch(getattr(engine, method), requests)
    return [_outcome(engine, request) for request in requests]


def _batch(method: Callable[[Any], Sequence[Any]], requests: Sequence[AnyRequest]) -> list[Outcome]:
    try:
        answers = method(requests)
        if len(answers) != len(requests):
            raise ValueError(f"{len(answers)} answers for {len(requests)} requests")
    except Exception as error:  # noqa: BLE001 - an engine may raise anything; it fails its call
        if len(requests) == 1:
            return [Outcome(failure=repr(error))]
        return [_batch(method, [request])[0] for request in requests]
    return [Outcome(answer) for answer in answers]


def _outcome(engine: Engine, request: AnyRequest) -> Outcome:
    answer = _ANSWERS.get(type(request))
    if answer is None or not hasattr(engine, answer[0]):
        kind = type(request).__name__
        return Outcome(failure=f"engine {engine.info.name} ({engine.info.role}) takes no {kind}")
    try:
        return Outcome(answer[1](engine, request))
    except Exception as error:  # noqa: BLE001 - an engine may raise anything; it fails its call
        return Outcome(failure=repr(error))


def _cancellable(engine: Any, request: Translation, cancellation: Cancellation) -> Outcome:
    try:
        return Outcome(engine.translate_cancellable(request, cancellation))
    except Exception as error:  # noqa: BLE001 - an engine may raise anything; it fails its call
        return Outcome(failure=repr(error))


def _read(engine: Any, picture: Picture) -> Reading:
    fingerprint = image_fingerprint(picture.data)
    if looks_the_same(fingerprint, picture.like):
        return Reading(fingerprint)
    return Reading(fingerprint, tuple(engine.read(picture.data)))


def _encode(engine: Any, request: EncodeVoice) -> VoiceVector:
    vector = engine.encode(np.frombuffer(request.samples, np.float32))
    return VoiceVector(np.asarray(vector, np.float32).tobytes())


_ANSWERS: dict[type, tuple[str, Callable[[Any, Any], Answer]]] = {
    Translation: ("translate", lambda engine, request: engine.translate(request)),
    Picture: ("read", _read),
    EncodeVoice: ("encode", _encode),
    WarmDirection: ("warm", lambda engine, request: engine.warm(request.source, request.target)),
}
