"""A decoder for a new turn: which recogniser, in which of the two shapes, with which settings.

Where no language is declared, the recogniser of the most languages begins. As soon as the language
of the turn is decided (``policy.recognition.source_language``), the operator's first engine that
covers it goes on with the window.
"""

from __future__ import annotations

from collections.abc import Callable

from dragoman.engines.base import Recognizer
from dragoman.policy.glossary.term_spelling import TermSpelling, spoken_language
from dragoman.policy.recognition.local_agreement import LocalAgreement
from dragoman.runtime.capacity import Speaker
from dragoman.runtime.cascade.recognition.decode_schedule import DecodeSchedule
from dragoman.runtime.cascade.recognition.decoder import TurnDecoder
from dragoman.runtime.cascade.recognition.stream_decoder import StreamDecoder
from dragoman.runtime.cascade.recognition.window_decoder import Successor, WindowDecoder
from dragoman.runtime.engine_set import EngineSet
from dragoman.runtime.loaded_engine import LoadedEngine
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

    def successor(language: str) -> Successor | None:
        preferred = engines.recognizer(language)
        if preferred.host is recognizer.host or isinstance(preferred.engine, Recognizer):
            return None  # a stream cannot take a window over
        return _transcriber(preferred, settings, speaker)

    host, schedule, hallucinations = _transcriber(recognizer, settings, speaker)
    return WindowDecoder(
        host,
        settings,
        agreement,
        schedule,
        trusted=trusted or settings.source is not None,
        hallucinations=hallucinations,
        onscreen=onscreen,
        successor=successor,
    )


def _transcriber(recognizer: LoadedEngine, settings: Interpret, speaker: Speaker) -> Successor:
    step_ms = settings.conduct.step_ms or recognizer.info.step_ms
    host = recognizer.host
    schedule = DecodeSchedule(step_ms, recognizer.load, speaker, lambda: host.work.cpu_share)
    return Successor(host, schedule, recognizer.hallucinations)
