"""The loaded set of engines that all sessions share.

Law of this file: which engine does what. It makes hosts from the operator's choice, loads and
warms them, says what they cover, and picks the one for a language or a direction: the first in
the operator's order that covers it. Jobs ask here and nowhere else; nothing here knows events.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import msgspec
import numpy as np

from dragoman.engines import registry
from dragoman.engines.base import (
    Detector,
    Engine,
    EngineUnavailable,
    Info,
    OnDemand,
    Recognizer,
    Role,
    Utterance,
    Window,
    WindowTranscriber,
)
from dragoman.policy.glossary.term_spelling import TermSpelling, spoken_language
from dragoman.policy.recognition.local_agreement import LocalAgreement
from dragoman.policy.recognition.speech_evidence import known_hallucination
from dragoman.runtime.cascade.recognition.decode_schedule import DecodeSchedule
from dragoman.runtime.cascade.recognition.decoder import TurnDecoder
from dragoman.runtime.cascade.recognition.stream_decoder import StreamDecoder
from dragoman.runtime.cascade.recognition.window_decoder import WindowDecoder
from dragoman.runtime.hosts.host import EngineFailed, EngineHost
from dragoman.runtime.hosts.load import RecognizerLoad
from dragoman.runtime.hosts.make_host import make_host
from dragoman.runtime.hosts.on_demand_host import OnDemandHost
from dragoman.runtime.hosts.requests import WarmDirection
from dragoman.speech import HEARING_RATE_HZ, Coverage, Hypothesis, Interpret

_ROLES = registry.ROLES

_HISS = 0.003

Progress = Callable[[str], None]


class EngineStatus(msgspec.Struct, frozen=True):
    """One engine as ``/health`` and the start-up lines show it."""

    name: str
    role: Role
    state: str  # "loading" | "ready" | "unavailable"
    quality: str
    detail: str = ""


class LoadedEngine(msgspec.Struct):
    """One chosen engine: the object, where it lives, and how far it is."""

    spec: str
    engine: Engine
    host: EngineHost
    state: str = "loading"
    detail: str = ""
    load: RecognizerLoad = msgspec.field(default_factory=RecognizerLoad)
    phantoms: frozenset[str] = frozenset()
    """What a recogniser says of silence and noise."""

    @property
    def info(self) -> Info:
        """The engine's self-description."""
        return self.engine.info


class EngineSet:
    """See the head of this file. ``asr_step_ms`` fixes the step; None is adaptive."""

    def __init__(
        self,
        choice: registry.EngineChoice,
        *,
        warm: Sequence[tuple[str, str]] = (("en", "es"),),
        threads: int = 2,
        workers: int = 2,
        asr_step_ms: int | None = None,
    ) -> None:
        self._warm = warm
        self._asr_step_ms = asr_step_ms
        self._seats: dict[Role, list[LoadedEngine]] = {role: [] for role in _ROLES}
        self.counts: Counter[str] = Counter()
        self.ready = False
        self._coverage = Coverage()
        for role in _ROLES:
            for spec in choice.specs(role):
                engine = registry.make(spec, role)
                if isinstance(engine, OnDemand):
                    inner = make_host(engine, spec=spec, threads=1, workers=1)
                    host: EngineHost = OnDemandHost(engine, inner)
                else:
                    host = make_host(engine, spec=spec, threads=threads, workers=workers)
                at_once = workers if engine.info.runs_in == "process" else threads
                load = RecognizerLoad(at_once * engine.info.max_batch)
                self._seats[role].append(LoadedEngine(spec, engine, host, load=load))

    # ------------------------------------------------------------ life
    async def load(self, progress: Progress = lambda _line: None) -> None:
        """Load every chosen engine and warm the paths that the first session will take.

        An engine that is second choice for its role may be missing, and optional roles may be
        left without any; raises ``EngineUnavailable`` when another role is.
        """
        seats = [seat for role in _ROLES for seat in self._seats[role]]
        await asyncio.gather(*(self._load(seat, progress) for seat in seats))
        for role in _ROLES:
            if role not in registry.OPTIONAL:
                self._drop_missing(role)
        self._coverage = self._covered()
        await self._warm_up(progress)
        self.ready = True

    async def close(self) -> None:
        """Stop every engine."""
        self.ready = False
        seats = [seat for role in _ROLES for seat in self._seats[role]]
        await asyncio.gather(*(seat.host.close() for seat in seats), return_exceptions=True)

    def status(self) -> list[EngineStatus]:
        """Every chosen engine and how far it is."""
        return [
            EngineStatus(seat.info.name, role, seat.state, seat.info.quality, seat.detail)
            for role in _ROLES
            for seat in self._seats[role]
        ]

    def waiting(self) -> dict[str, int]:
        """Calls queued at each engine."""
        return {
            seat.info.name: seat.host.waiting
            for role in _ROLES
            for seat in self._seats[role]
            if seat.state == "ready"
        }

    # ------------------------------------------------------------ what is covered
    @property
    def coverage(self) -> Coverage:
        """What the loaded engines can do."""
        return self._coverage

    @property
    def only_heard(self) -> str | None:
        """The one language that is heard, when it is one."""
        heard = self._coverage.hears
        return next(iter(heard)) if len(heard) == 1 and "*" not in heard else None

    # ------------------------------------------------------------ who does what
    @property
    def detector(self) -> EngineHost:
        """Where voice detection runs."""
        return self._ready("vad")[0].host

    @property
    def detector_engine(self) -> Detector:
        """The detector's description of its frames."""
        engine = self._ready("vad")[0].engine
        assert isinstance(engine, Detector)
        return engine

    @property
    def interpreter(self) -> EngineHost | None:
        """The end-to-end engine that replaces the cascade, if one was chosen."""
        return next((seat.host for seat in self._ready("interpreter")), None)

    @property
    def reader(self) -> EngineHost | None:
        """Where pictures are read, if anywhere."""
        return next((seat.host for seat in self._ready("ocr")), None)

    @property
    def speakers(self) -> EngineHost | None:
        """Where speakers are told apart; None without such an engine."""
        return next((seat.host for seat in self._ready("speaker")), None)

    async def hear(self, settings: Interpret, *, trusted: bool) -> TurnDecoder:
        """A recogniser for one turn. ``trusted`` when this session's speaker was understood
        before; who declares the source language is trusted from the start. Without a declared
        language it is the operator's first recogniser, whatever others know.
        """
        seat = self._first("asr", lambda info: _covers(info.languages, settings.source))
        hearing = await self._hearing(seat, settings, trusted=trusted)
        language = spoken_language(settings.source, seat.info.languages)
        hearing.agreement = LocalAgreement(
            seat.info.confidence_gate, TermSpelling(settings.hints, language)
        )
        return hearing

    async def _hearing(
        self, seat: LoadedEngine, settings: Interpret, *, trusted: bool
    ) -> TurnDecoder:
        if isinstance(seat.engine, Recognizer):
            return await StreamDecoder.start(seat.host, settings.source, settings.hints, seat.load)
        fixed_ms = settings.conduct.step_ms or self._asr_step_ms or seat.info.step_ms
        return WindowDecoder(
            seat.host,
            settings.source,
            settings.hints,
            DecodeSchedule(fixed_ms, seat.load),
            trusted=trusted or settings.source is not None,
            threshold=settings.endpointing.threshold if settings.endpointing else 0.5,
            phantoms=seat.phantoms,
        )

    def lags_s(self) -> dict[str, list[float]]:
        """Of each recogniser: how far every session with an open turn is behind its audio."""
        return {
            seat.info.name: [lag.total_ms / 1000 for lag in seat.load.lags]
            for seat in self._ready("asr")
        }

    def translator(self, source: str, target: str) -> EngineHost:
        """The translator of a direction."""
        wanted = {(source, target), ("*", "*")}
        return self._first("mt", lambda info: bool(wanted & set(info.pairs))).host

    def voice(self, language: str) -> EngineHost:
        """The synthesizer of a language; a language nobody speaks is read by the first."""
        for seat in self._ready("tts"):
            if _covers(seat.info.languages, language):
                return seat.host
        return self._first("tts", lambda _info: True).host

    def noted(self, name: str) -> None:
        """Count something for the metrics."""
        self.counts[name] += 1

    @staticmethod
    def now_s() -> float:
        """The clock that policies are given."""
        return time.monotonic()

    # ------------------------------------------------------------ inside
    def _ready(self, role: Role) -> list[LoadedEngine]:
        return [seat for seat in self._seats[role] if seat.state == "ready"]

    def _first(self, role: Role, fits: Callable[[Info], bool]) -> LoadedEngine:
        for seat in self._ready(role):
            if fits(seat.info):
                return seat
        raise EngineFailed(f"no loaded {role} engine covers what is asked")

    async def _load(self, seat: LoadedEngine, progress: Progress) -> None:
        try:
            await seat.host.start()
        except EngineUnavailable as missing:
            seat.state, seat.detail = "unavailable", str(missing)
            if seat.info.role not in registry.OPTIONAL:  # those, the doctor tells of
                progress(f"{seat.info.name}: {missing}")
        else:
            seat.state = "ready"
            progress(f"{seat.info.name} ready")

    def _drop_missing(self, role: Role) -> None:
        seats = self._seats[role]
        if seats and not self._ready(role):
            raise EngineUnavailable("; ".join(seat.detail for seat in seats))

    def _covered(self) -> Coverage:
        if self.interpreter is not None:
            info = self._ready("interpreter")[0].info
            hears = frozenset(info.languages)
            speaks = frozenset(target for _, target in info.pairs)
            return Coverage(hears, frozenset(info.pairs), speaks | self._languages("tts"))
        pairs = frozenset(pair for seat in self._ready("mt") for pair in seat.info.pairs)
        return Coverage(self._languages("asr"), pairs, self._languages("tts"))

    def _languages(self, role: Role) -> frozenset[str]:
        return frozenset(tag for seat in self._ready(role) for tag in seat.info.languages)

    async def _warm_up(self, progress: Progress) -> None:
        for source, target in self._warm:
            if self._coverage.can_translate(source, target) and self._ready("mt"):
                await self.translator(source, target).call(WarmDirection(source, target))
                progress(f"translation {source} to {target} ready")
        for seat in self._ready("asr"):
            if isinstance(seat.engine, WindowTranscriber) and seat.info.quality != "scripted":
                seat.phantoms = await _phantoms(seat)
        for seat in self._ready("tts"):
            await self._first_words(seat)

    async def _first_words(self, seat: LoadedEngine) -> None:
        """The first synthesis loads dictionaries; better now than in a session."""
        language = "en" if _covers(seat.info.languages, "en") else seat.info.languages[0]
        utterance = Utterance(text="Ready.", voice="", language=language)
        async for _ in seat.host.speak(utterance, 24_000):
            pass


async def _phantoms(seat: LoadedEngine) -> frozenset[str]:
    """What a recogniser invents when nobody says anything; also its first calls, which are slow."""
    hiss = np.random.default_rng(0).normal(0, _HISS, HEARING_RATE_HZ).astype(np.float32)
    language = next((tag for tag in seat.info.languages if tag != "*"), None)
    found = set()
    for samples in (np.zeros_like(hiss), hiss):
        try:
            answer = await seat.host.call(Window(samples.tobytes(), language))
        except EngineFailed:
            continue  # it may refuse silence, which is as well
        if isinstance(answer, Hypothesis):
            found.add(known_hallucination(answer.words))
    return frozenset(found - {""})


def _covers(languages: Iterable[str], language: str | None) -> bool:
    return language is None or "*" in languages or language in languages
