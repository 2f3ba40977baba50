"""A decoder for a new turn: which recogniser, in which of the two shapes, with which settings."""

from __future__ import annotations

from collections.abc import Callable

from dragoman.engines.base import Recognizer
from dragoman.policy.glossary.term_spelling import TermSpelling, spoken_language
from dragoman.policy.recognition.local_agreement import LocalAgreement
from dragoman.runtime.capacity import Speaker
from dragoman.runtime.cascade.recognition.decode_schedule import DecodeSchedule
from dragoman.runtime.cascade.recognition.decoder import TurnDecoder
from dragoman.runtime.cascade.recognition.stream_decoder import StreamDecoder
from dragoman.runtime.cascade.recognition.window_decoder import WindowDecoder
from dragoman.runtime.engine_set import EngineSet
from dragoman.speech import Interpret


def open_decoder(
    engines: EngineSet,
    settings: Interpret,
    speaker: Speaker,
    *,
    trusted: bool = False,
    onscreen: Callable[[], tuple[str, ...]] = tuple,
) -> TurnDecoder:
    """A decoder for one turn. ``trusted``: this session's speaker was understood before; a
    declared source language is trusted from the start. ``onscreen`` gives the names and terms that
    are shown at the moment of a decode. Raises ``EngineFailed``.
    """
    recognizer = engines.recognizer(settings.source)
    info = recognizer.info
    spelling = TermSpelling(settings.hints, spoken_language(settings.source, info.languages))
    agreement = LocalAgreement(info.confidence_gate, spelling)
    if isinstance(recognizer.engine, Recognizer):
        return StreamDecoder(recognizer, settings, agreement)
    return WindowDecoder(
        recognizer.host,
        settings,
        agreement,
        DecodeSchedule(settings.conduct.step_ms or info.step_ms, recognizer.load, speaker),
        trusted=trusted or settings.source is not None,
        hallucinations=recognizer.hallucinations,
        onscreen=onscreen,
    )
