"""Stateless calls, answered one batch at a time; runs where the engine runs.

Law of this file: blocking, no asyncio. A batch that fails is tried again one by one, so that one
session's poisonous window does not fail its neighbours'. What an engine can do is seen by its
method: checking a whole Protocol costs more than a scripted engine's answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import msgspec

from dragoman.engines.base import Engine, Translation, Translator, Window, WindowTranscriber
from dragoman.speech import Hypothesis


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one call: exactly one of the three is there."""

    hypothesis: Hypothesis | None = None
    text: str | None = None
    failure: str | None = None


def answer_windows(engine: Engine, windows: Sequence[Window]) -> list[Outcome]:
    """One outcome for each window, in order."""
    if not hasattr(engine, "transcribe"):
        return [_wrong(engine, "window") for _ in windows]
    try:
        hypotheses = cast("WindowTranscriber", engine).transcribe(windows)
        if len(hypotheses) != len(windows):
            raise ValueError(f"{len(hypotheses)} hypotheses for {len(windows)} windows")
    except Exception as error:  # noqa: BLE001 - an engine may raise anything; it fails its call
        if len(windows) == 1:
            return [Outcome(failure=repr(error))]
        return [answer_windows(engine, [window])[0] for window in windows]
    return [Outcome(hypothesis=hypothesis) for hypothesis in hypotheses]


def answer_translations(engine: Engine, requests: Sequence[Translation]) -> list[Outcome]:
    """One outcome for each translation, in order."""
    return [_translated(engine, request) for request in requests]


def _translated(engine: Engine, request: Translation) -> Outcome:
    if not hasattr(engine, "translate"):
        return _wrong(engine, "translation")
    try:
        return Outcome(text=cast("Translator", engine).translate(request))
    except Exception as error:  # noqa: BLE001 - an engine may raise anything; it fails its call
        return Outcome(failure=repr(error))


def _wrong(engine: Engine, request: str) -> Outcome:
    return Outcome(failure=f"engine {engine.info.name} ({engine.info.role}) takes no {request}")
