"""Stateless calls, answered one batch at a time; runs where the engine runs.

Law of this file: blocking, no asyncio. A batch that fails is tried again one by one, so that one
session's poisonous window does not fail its neighbours'. What an engine can do is seen by its
method: checking a whole Protocol costs more than a scripted engine's answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import msgspec

from dragoman.engines.base import (
    Engine,
    Picture,
    Reading,
    TextReader,
    Translation,
    Translator,
    Window,
    WindowTranscriber,
)
from dragoman.policy.vision.onscreen import looks_the_same
from dragoman.runtime.hosts.image_fingerprint import image_fingerprint
from dragoman.speech import Hypothesis

Request = Window | Translation | Picture
Answer = Hypothesis | str | Reading


class CallOutcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one call: exactly one of the four is there."""

    hypothesis: Hypothesis | None = None
    text: str | None = None
    reading: Reading | None = None
    failure: str | None = None

    @property
    def answer(self) -> Answer | None:
        """What the engine answered, if it did."""
        if self.hypothesis is not None:
            return self.hypothesis
        return self.reading if self.text is None else self.text


def answer_batch(engine: Engine, requests: Sequence[Request]) -> list[CallOutcome]:
    """One outcome for each request, in order; all are of one kind."""
    windows = [request for request in requests if isinstance(request, Window)]
    if windows:
        return answer_windows(engine, windows)
    return [
        _read(engine, request) if isinstance(request, Picture) else _translated(engine, request)
        for request in requests
        if not isinstance(request, Window)
    ]


def answer_windows(engine: Engine, windows: Sequence[Window]) -> list[CallOutcome]:
    """One outcome for each window, in order."""
    if not hasattr(engine, "transcribe"):
        return [_wrong(engine, "window") for _ in windows]
    try:
        hypotheses = cast("WindowTranscriber", engine).transcribe(windows)
        if len(hypotheses) != len(windows):
            raise ValueError(f"{len(hypotheses)} hypotheses for {len(windows)} windows")
    except Exception as error:  # noqa: BLE001 - an engine may raise anything; it fails its call
        if len(windows) == 1:
            return [CallOutcome(failure=repr(error))]
        return [answer_windows(engine, [window])[0] for window in windows]
    return [CallOutcome(hypothesis=hypothesis) for hypothesis in hypotheses]


def _read(engine: Engine, picture: Picture) -> CallOutcome:
    if not hasattr(engine, "read"):
        return _wrong(engine, "picture")
    try:
        drawn = image_fingerprint(picture.data)
        if looks_the_same(drawn, picture.like):
            return CallOutcome(reading=Reading(drawn))
        lines = cast("TextReader", engine).read(picture.data)
    except Exception as error:  # noqa: BLE001 - an engine may raise anything; it fails its call
        return CallOutcome(failure=repr(error))
    return CallOutcome(reading=Reading(drawn, tuple(lines)))


def _translated(engine: Engine, request: Translation) -> CallOutcome:
    if not hasattr(engine, "translate"):
        return _wrong(engine, "translation")
    try:
        return CallOutcome(text=cast("Translator", engine).translate(request))
    except Exception as error:  # noqa: BLE001 - an engine may raise anything; it fails its call
        return CallOutcome(failure=repr(error))


def _wrong(engine: Engine, request: str) -> CallOutcome:
    return CallOutcome(failure=f"engine {engine.info.name} ({engine.info.role}) takes no {request}")
