"""The loaded engines that all sessions share, and which of them does what.

Scope: it makes hosts from the operator's choice, loads them, says what they cover and finds those
for a language or a direction: all that cover it, in the operator's order. ``routing`` asks the
first that works. Jobs ask here and nowhere else. It opens no decoder and reads no clock.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from math import inf

from dragoman.engines import registry
from dragoman.engines.base import (
    Detector,
    EngineUnavailable,
    Info,
    OnDemand,
    Role,
)
from dragoman.policy.load_shedding import UNITS_PER_SPEECH_S
from dragoman.runtime import warm_up
from dragoman.runtime.capacity import CASCADE, Capacity, StageCost
from dragoman.runtime.hosts.engine_work import RoleWork, SharedCores
from dragoman.runtime.hosts.host import EngineFailed, EngineHost, Vitals
from dragoman.runtime.hosts.load import RecognizerLoad
from dragoman.runtime.hosts.loop_host import LoopHost
from dragoman.runtime.hosts.make_host import make_host
from dragoman.runtime.hosts.on_demand_host import OnDemandHost
from dragoman.runtime.hosts.shared.engine_link import EngineLink
from dragoman.runtime.hosts.shared.host import SharedHost
from dragoman.runtime.late_servers import load_late_servers
from dragoman.runtime.loaded_engine import (
    EngineStatus,
    EngineUse,
    LoadedEngine,
    covers,
)
from dragoman.runtime.memory import MemoryNeed, memory_need
from dragoman.runtime.routing.candidates import TranslatorRoutes, covered_pairs
from dragoman.runtime.routing.circuit_host import CircuitHost, call_limits
from dragoman.runtime.routing.fallback_host import FallbackHost
from dragoman.runtime.warm_up import Progress
from dragoman.speech import Coverage

LOG = logging.getLogger("dragoman.runtime")

_ROLES = registry.ROLES
_FALLS_BACK: tuple[Role, ...] = ("asr", "mt", "tts", "interpreter")
"""The roles in which another engine may do the work of one that fails."""


class EngineSet:
    """The engines of ``choice``; ``warm`` lists the directions to get ready at the start.

    With a ``link``, engines live in the engine process that it leads to, except those of the event
    loop, whose calls cost less than the way there. ``speakers`` is the operator's bound of speakers
    at the same time.
    """

    def __init__(
        self,
        choice: registry.EngineChoice,
        *,
        warm: Sequence[tuple[str, str]] = (("en", "es"),),
        threads: int = 2,
        workers: int = 2,
        link: EngineLink | None = None,
        speakers: int | None = None,
    ) -> None:
        self._warm = warm
        self._chosen: dict[Role, list[LoadedEngine]] = {role: [] for role in _ROLES}
        self._coverage = Coverage()
        self._routes: dict[tuple[Role, str, str], FallbackHost] = {}
        self._translators = TranslatorRoutes()
        self._late: asyncio.Task[None] | None = None
        cores = SharedCores()
        self._work = {role: RoleWork(UNITS_PER_SPEECH_S.get(role, 1.0)) for role in _ROLES}
        self.capacity = Capacity(cores.count, self._stage_costs, most=speakers)
        usual_calls = {"threads": threads, "workers": workers}
        for number, (role, spec) in enumerate(choice.all()):
            engine, placement = registry.make(spec, role), registry.parse_spec(spec).placement
            name = self._unique_name(engine.info)
            is_rare = isinstance(engine, OnDemand)
            calls = {"threads": 1, "workers": 1} if is_rare else usual_calls
            host = make_host(engine, spec=spec, **calls)
            if is_rare or placement.unload_s is not None:
                host = OnDemandHost(engine, host, idle_s=placement.unload_s)
            if link is not None and not isinstance(host, LoopHost):
                host = SharedHost(host, link, number)
            elif role in _FALLS_BACK:
                is_alone = len(choice.specs(role)) == 1
                host = CircuitHost(host, name, call_limits(placement.call_s, is_alone=is_alone))
            host.work.cores, host.work.role = cores, self._work[role]
            self._chosen[role].append(
                LoadedEngine(
                    spec, engine, host, name, _only(role, placement), RecognizerLoad(host.capacity)
                )
            )

    # ------------------------------------------------------------ life
    async def load(self, progress: Progress = lambda _line: None) -> None:
        """Load every chosen engine and make the first calls.

        An engine that is second choice for its role may be missing, and optional roles may be
        left without any; raises ``EngineUnavailable`` when another role is. Model servers that
        are not there yet are waited for in the background.
        """
        if warning := self.memory.warning:
            LOG.warning("%s", warning)
        await asyncio.gather(*(self._load(chosen, progress) for chosen in self._all()))
        for role in _ROLES:
            if role not in registry.OPTIONAL:
                self._check_any(role)
        self._cover()
        for source, target in self._warm:
            if self._coverage.can_translate(source, target) and self._ready("mt"):
                hosts = self.translator(source, target).hosts
                await warm_up.warm_direction(hosts, source, target, progress)
        await warm_up.warm_voices(self._ready("tts"), progress)
        for recognizer in self._ready("asr"):
            await warm_up.warm_recognizer(recognizer, self._ready("tts"))
        self._late = asyncio.create_task(load_late_servers(self._all(), self._cover))

    async def close(self) -> None:
        """Stop every engine."""
        if self._late is not None:
            self._late.cancel()
            await asyncio.gather(self._late, return_exceptions=True)
        closing = (chosen.host.close() for chosen in self._all())
        await asyncio.gather(*closing, return_exceptions=True)

    @property
    def hosts(self) -> list[EngineHost]:
        """Where the engines live, in the order of ``status``."""
        return [chosen.host for chosen in self._all()]

    @property
    def memory(self) -> MemoryNeed:
        """What the engines that live in this process, or below it, want."""
        return memory_need(one for one in self._all() if not isinstance(one.host, SharedHost))

    def status(self) -> list[EngineStatus]:
        """Every chosen engine and how far it is."""
        return [chosen.status(role) for role in _ROLES for chosen in self._chosen[role]]

    def waiting(self) -> dict[str, int]:
        """Calls queued at each engine."""
        return {one.name: one.host.waiting for one in self._all() if one.state == "ready"}

    def uses(self) -> dict[str, EngineUse]:
        """How much each engine has to do."""
        return {one.name: one.use for one in self._all() if one.state == "ready"}

    def vitals(self) -> dict[str, Vitals]:
        """How the workers of each engine are that lives in this process or below it."""
        here = (one for one in self._all() if not isinstance(one.host, SharedHost))
        return {one.name: one.host.vitals for one in here if one.state == "ready"}

    def lacking(self, roles: Sequence[str] | None = None) -> list[str]:
        """The roles, of these or of all that are not optional, whose engines have no live worker at
        present. An interpreter does the work of the roles of a cascade.
        """
        if roles is None:
            roles = [role for role in _ROLES if role not in registry.OPTIONAL]
        elif "mt" in roles and self._chosen["interpreter"]:
            roles = ("interpreter",)
        return [
            role
            for role in _ROLES
            if role in roles and (ready := self._ready(role)) and all(one.is_down for one in ready)
        ]

    def lags_s(self) -> dict[str, list[float]]:
        """For each recogniser: how far every session with an open turn is behind its audio."""
        return {
            recognizer.name: [lag.total_ms / 1000 for lag in recognizer.load.lags]
            for recognizer in self._ready("asr")
        }

    @property
    def recognizer_loads(self) -> dict[str, RecognizerLoad]:
        """What is asked of each recogniser, by name."""
        return {chosen.name: chosen.load for chosen in self._chosen["asr"]}

    def _stage_costs(self) -> dict[str, StageCost]:
        """For each role of the cascade: what its engines cost together. Where they live in another
        process, that of the engine that did most of its work lately, of those that are not left
        alone.
        """
        costs: dict[str, StageCost] = {}
        for role in _ROLES:
            if role not in CASCADE:
                continue
            # An end-to-end engine does all of an interpretation; what it replaces has no work.
            does: Role = "interpreter" if role == "mt" and self._ready("interpreter") else role
            if engines := self._ready(does):
                working = [one for one in engines if one.host.vitals.circuit == "closed"]
                work = max((one.host.work for one in working or engines), key=lambda w: w.recent)
                together = self._work[does]
                units = UNITS_PER_SPEECH_S[role] if work.unit == "call" else 1.0
                cost_s, share = work.cost_s * units, work.cpu_share
                if together.cost_s:
                    cost_s, share = together.cost_s, together.cpu_share
                costs[role] = StageCost(cost_s, work.places, share)
        return costs

    # ------------------------------------------------------------ what is covered
    @property
    def coverage(self) -> Coverage:
        """What the loaded engines can do."""
        return self._coverage

    @property
    def only_source(self) -> str | None:
        """The source language, where the recognisers know only one."""
        known = self._coverage.hears
        return next(iter(known)) if len(known) == 1 and "*" not in known else None

    @property
    def first_language(self) -> str | None:
        """The language of the operator's first recogniser, if that knows only one."""
        known = [tag for one in self._ready("asr")[:1] for tag in one.info.languages]
        return known[0] if len(known) == 1 and "*" not in known else None

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
    def interpreter(self) -> FallbackHost | None:
        """The end-to-end engines that replace the cascade, if any were chosen."""
        hosts = [one.host for one in self._ready("interpreter")]
        return self._route(("interpreter", "", ""), lambda: hosts) if hosts else None

    @property
    def text_reader(self) -> EngineHost | None:
        """Where text in pictures is read; None without such an engine."""
        return self._optional("ocr")

    @property
    def speaker_encoder(self) -> EngineHost | None:
        """Where speakers are told apart; None without such an engine."""
        return self._optional("speaker")

    def recognizers(self, language: str | None, avoid: Collection[str] = ()) -> list[LoadedEngine]:
        """The recognisers of a language in the order in which they are to be asked now: those that
        are left alone behind the others, and those whose names are in ``avoid``. Without a declared
        language all of them, the one of the most languages first: it can tell which of them is
        spoken. Raises ``EngineFailed`` when there is none.
        """
        found = [one for one in self._ready("asr") if covers(one.info.languages, language)]
        if not found:
            raise EngineFailed(f"no loaded asr engine covers {language or 'what is asked'}")
        if language is None:
            found.sort(key=lambda one: -_breadth(one.info))
        if len(found) > 1:
            found.sort(key=lambda one: one.host.vitals.circuit == "open" or one.name in avoid)
        return found

    def recognizer(self, language: str | None) -> LoadedEngine:
        """The first of them."""
        return self.recognizers(language)[0]

    def translator(self, source: str, target: str) -> FallbackHost:
        """The translators of a direction. Raises ``EngineFailed`` when there is none."""
        return self._route(
            ("mt", source, target),
            lambda: self._translators.candidates(self._ready("mt"), source, target),
        )

    def translates_speech(self, source: str | None, target: str) -> bool:
        """Whether a translator of the direction, or of any into ``target``, wants to hear."""
        return any(
            one.info.takes_speech
            and any(
                to in {target, "*"} and (source is None or language in {source, "*"})
                for language, to in one.info.pairs
            )
            for one in self._ready("mt")
        )

    def synthesizer(self, language: str) -> FallbackHost:
        """The synthesizers of a language; the first one for a language that none speaks. Raises
        ``EngineFailed`` when there is none at all.
        """

        def hosts() -> list[EngineHost]:
            ready = self._ready("tts")
            able = [one for one in ready if covers(one.info.languages, language)]
            return [one.host for one in able or ready[:1]]

        return self._route(("tts", "", language), hosts)

    # ------------------------------------------------------------ inside
    def _all(self) -> list[LoadedEngine]:
        return [chosen for role in _ROLES for chosen in self._chosen[role]]

    def _ready(self, role: Role) -> list[LoadedEngine]:
        return [chosen for chosen in self._chosen[role] if chosen.state == "ready"]

    def _optional(self, role: Role) -> EngineHost | None:
        return next((chosen.host for chosen in self._ready(role)), None)

    def _route(
        self, key: tuple[Role, str, str], hosts: Callable[[], Sequence[EngineHost]]
    ) -> FallbackHost:
        """The hosts as one, which is kept. Raises ``EngineFailed`` when there are none."""
        if key not in self._routes:
            found = hosts()
            if not found:
                asked = " to ".join(filter(None, key[1:]))
                raise EngineFailed(f"no loaded {key[0]} engine covers {asked or 'what is asked'}")
            self._routes[key] = FallbackHost(found)
        return self._routes[key]

    def _unique_name(self, info: Info) -> str:
        count = sum(one.engine.info.name == info.name for one in self._all())
        return f"{info.name}-{count + 1}" if count else info.name

    async def _load(self, chosen: LoadedEngine, progress: Progress) -> None:
        try:
            await chosen.host.start()
        except (EngineUnavailable, EngineFailed) as error:
            chosen.state, chosen.detail = "unavailable", str(error)
            if isinstance(error, EngineFailed):  # such as too little memory
                chosen.detail = f"{chosen.name} failed while loading; the log says how."
                LOG.exception("%s failed while loading", chosen.name)
            if chosen.info.role not in registry.OPTIONAL:  # `dragoman doctor` shows those
                progress(f"{chosen.name}: {chosen.detail}")
        else:
            chosen.state = "ready"
            progress(f"{chosen.name} ready")
            covered = chosen.info.pairs if chosen.info.role == "mt" else chosen.info.languages
            if len(covered) < len(chosen.only):
                progress(f"{chosen.name} does not cover all of {'; '.join(chosen.only)}")

    def _check_any(self, role: Role) -> None:
        chosen = self._chosen[role]
        if chosen and not self._ready(role):
            raise EngineUnavailable("; ".join(one.detail for one in chosen))

    def _cover(self) -> None:
        """Find out anew what the loaded engines can do, and who does what."""
        self._routes.clear()
        self._coverage = self._covered()

    def _covered(self) -> Coverage:
        interpreters = self._ready("interpreter")
        if interpreters:
            info = interpreters[0].info
            speaks = frozenset(target for _, target in info.pairs) | self._languages("tts")
            return Coverage(frozenset(info.languages), frozenset(info.pairs), speaks)
        pairs = covered_pairs(self._ready("mt"))
        return Coverage(self._languages("asr"), pairs, self._languages("tts"))

    def _languages(self, role: Role) -> frozenset[str]:
        return frozenset(tag for chosen in self._ready(role) for tag in chosen.info.languages)


def _only(role: Role, placement: registry.Placement) -> tuple[str, ...]:
    """What the operator wants an engine for. Raises ``RegistryError``."""
    only = tuple(tag for tag in placement.only.split(";") if tag)
    if role == "mt" and not all("-" in tag for tag in only):
        raise registry.RegistryError(
            f"'@for={placement.only}' names no pairs: write them as en-es;es-en."
        )
    return only


def _breadth(info: Info) -> float:
    """How many languages an engine knows."""
    return inf if "*" in info.languages else len(info.languages)
