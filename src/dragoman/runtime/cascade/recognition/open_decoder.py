"""A decoder for a new turn: which recognisers, in which of the two shapes, with which settings.

Where no language is declared, the recogniser of the most languages begins. As soon as the language
of the turn is decided (``policy.recognition.source_language``), the operator's first engine that
covers it goes on with the window.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from dragoman.engines.base import Recognizer
from dragoman.policy.glossary.term_spelling import TermSpelling, spoken_language
from dragoman.policy.recognition.local_agreement import LocalAgreement
from dragoman.runtime.capacity import Speaker
from dragoman.runtime.cascade.recognition.decode_schedule import DecodeSchedule
from dragoman.runtime.cascade.recognition.decoder import TurnDecoder
from dragoman.runtime.cascade.recognition.fallback_decoder import FallbackDecoder
from dragoman.runtime.cascade.recognition.stream_decoder import StreamDecoder
from dragoman.runtime.cascade.recognition.window_decoder import Successor, WindowDecoder
from dragoman.runtime.engine_set import EngineSet
from dragoman.runtime.loaded_engine import LoadedEngine
from dragoman.runtime.routing.fallback_host import FallbackHost
from dragoman.speech import Interpret


def open_decoder(
    engines: EngineSet,
    settings: Interpret,
    speaker: Speaker,
    *,
    trusted: bool = False,
    onscreen: Callable[[], tuple[str, ...]] = tuple,
    avoid: Collection[str] = (),
    failed: set[str] | None = None,
    usual: str | None = None,
) -> TurnDecoder:
    """A decoder for one turn. ``trusted``: this session's speaker was understood before; a
    declared source language is trusted from the start. ``onscreen`` gives the names and terms that
    are shown at the moment of a decode. The recognisers in ``avoid`` are used only if there is no
    other one, and those that fail are added to ``failed``. ``usual`` is the language of the session
    so far. Raises ``EngineFailed``.
    """
    recognizers = engines.recognizers(settings.source, avoid)
    windows = _transcribers(recognizers)

    def successor(language: str) -> Successor | None:
        preferred = engines.recognizers(language, avoid)
        if preferred[0].host is windows[0].host or isinstance(preferred[0].engine, Recognizer):
            return None  # a stream cannot take a window over
        return _successor(_transcribers(preferred), settings, speaker)

    def decoder_on(recognizer: LoadedEngine) -> TurnDecoder:
        info = recognizer.info
        spelling = TermSpelling(settings.hints, spoken_language(settings.source, info.languages))
        agreement = LocalAgreement(info.confidence_gate, spelling)
        if isinstance(recognizer.engine, Recognizer):
            return StreamDecoder(recognizer, settings, agreement)
        host, schedule, hallucinations = _successor(windows, settings, speaker)
        return WindowDecoder(
            host,
            settings,
            agreement,
            schedule,
            hallucinations=hallucinations,
            trusted=trusted or settings.source is not None,
            onscreen=onscreen,
            successor=successor,
            likely=usual or engines.first_language,
        )

    one_for_all_windows = [one for one in recognizers if one not in windows[1:]]
    if len(one_for_all_windows) == 1:
        return decoder_on(recognizers[0])
    return FallbackDecoder(one_for_all_windows, decoder_on, set() if failed is None else failed)


def _transcribers(recognizers: Sequence[LoadedEngine]) -> list[LoadedEngine]:
    return [one for one in recognizers if not isinstance(one.engine, Recognizer)]


def _successor(windows: Sequence[LoadedEngine], settings: Interpret, speaker: Speaker) -> Successor:
    first, hosts = windows[0], [one.host for one in windows]
    host = hosts[0] if len(hosts) == 1 else FallbackHost(hosts)
    step_ms = settings.conduct.step_ms or first.info.step_ms
    schedule = DecodeSchedule(step_ms, first.load, speaker, lambda: first.host.work.cpu_share)
    return Successor(host, schedule, first.hallucinations)
