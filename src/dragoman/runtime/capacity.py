"""How many people can speak at the same time, and who may.

Scope: counters and decisions; no I/O, and the clock is given. A session is an *active speaker* for
a short time after it was admitted, and while input comes or speech is made; idle connections cost
nothing. What a speaker costs is measured (``runtime.hosts.engine_work``): own seconds of every
stage for a second of speech, when everything is shed that can be (``policy.load_shedding``). A
place of an engine and a core do one own second in a second, so the engines of each role and the
cores have a capacity in speakers.

A new session is admitted while all of that stays below ``MOST_BUSY``, and below the operator's
bound; the decision never waits. Sessions that are connected and begin to speak all at once may be
too many: then turns of those who began last are refused, so the lag of the others stays bounded.
All methods belong to the event loop's thread.
"""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from dragoman.policy.load_shedding import (
    FULLY_BUSY,
    GRACE_S,
    LEVELS,
    MOST_BUSY,
    MOST_LAG_S,
    REFUSED_SHARE,
    SETTLE_S,
    SILENT_AFTER_S,
    Shedding,
    level_for,
)

Roles = tuple[str, ...]
"""The roles of the engines that a session uses."""
CASCADE: Roles = ("vad", "asr", "mt", "tts")

CORES = "cores"
_LOOK_EVERY_S = 0.25
_LOOP_COST = 0.01
"""Seconds of the event loop's thread for a second of a speaker, before any was measured."""
_MOST_LOOP_COST = 0.05
_SMOOTHING = 0.2


class StageCost(NamedTuple):
    """Own seconds of work for a second of speech, how many own seconds pass in a second, and how
    much of the work is done on the cores here.
    """

    cost: float
    places: float
    cpu_share: float = 1.0


class Speaker:
    """One session as its capacity sees it. One without a capacity may always speak."""

    def __init__(
        self, capacity: Capacity | None = None, roles: Roles = (), key_id: str | None = None
    ) -> None:
        self.roles = roles
        self.key_id = key_id
        self.since_s = 0.0
        """When it became active."""
        self.is_refused = False
        """Its turns are refused for now."""
        self._capacity = capacity
        self._received_s: Callable[[], float] = lambda: 0.0
        self._lag_s: Callable[[], float] = lambda: 0.0
        self._ahead_s = 0.0
        self._looked = (0.0, 0.0)  # when, and what had been received then

    @property
    def shedding(self) -> Shedding:
        """What is left out at present."""
        return LEVELS[0] if self._capacity is None else self._capacity.shedding

    def works(self) -> None:
        """Input came or speech was made."""
        if self._capacity is not None and not self.is_refused:
            self._capacity.works(self)

    def may_speak(self) -> bool:
        """Whether a turn that begins now will be recognised."""
        if self._capacity is not None and self.is_refused:
            self._capacity.reconsider(self)
        return not self.is_refused

    def hears(self, received_s: Callable[[], float], lag_s: Callable[[], float]) -> None:
        """A job begins to recognise it; these tell how much audio has come in so far, and how much
        of it waits for the engines.
        """
        self._received_s, self._lag_s = received_s, lag_s
        self._looked = (self._looked[0], received_s())

    def behind_s(self, now_s: float) -> float:
        """How late it is recognised through our fault: a client that sends faster than real time
        has to wait for what it sent ahead.
        """
        (looked_s, received_s), self._looked = self._looked, (now_s, self._received_s())
        came_s, passed_s = self._looked[1] - received_s, now_s - looked_s
        self._ahead_s = max(0.0, self._ahead_s + came_s - passed_s)
        return self._lag_s() - self._ahead_s


class Capacity:
    """The speakers of one process. ``stages`` gives the costs by role; ``most`` is the operator's
    bound (None: what was measured alone decides); ``loop_cpu_s`` is the CPU time of the event loop.
    Where several processes share the engines, ``elsewhere`` says how many speakers the others have.
    """

    def __init__(
        self,
        cores: float,
        stages: Callable[[], Mapping[str, StageCost]],
        *,
        most: int | None = None,
        clock_s: Callable[[], float] = time.monotonic,
        loop_cpu_s: Callable[[], float] = time.thread_time,
    ) -> None:
        self.most = most
        self.elsewhere: Callable[[], Mapping[Roles, int]] = dict
        self.on_change: Callable[[Mapping[Roles, int]], None] = lambda _: None
        """Is told how many speakers there are here, by the roles that they use."""
        self._cores = cores
        self._stages = stages
        self._costs: Mapping[str, StageCost] = {}
        self._clock_s = clock_s
        self._loop_cpu_s = loop_cpu_s
        self._until_s: dict[Speaker, float] = {}  # the active ones, and when each will be silent
        self._roles: Counter[Roles] = Counter()
        self._keys: Counter[str | None] = Counter()
        self._expected: dict[tuple[Roles, str | None], deque[Speaker]] = {}
        self._level = 0
        self._looks_s = -math.inf
        self._lag_s = 0.0
        self._refused_s = -math.inf
        self._lag_before_s = 0.0  # when it was last asked whether somebody must be refused
        self._loop_cost = _LOOP_COST
        self._loop_before = (0.0, 0.0)

    # ------------------------------------------------------------ who is there
    def expect(self, roles: Roles, key_id: str | None = None) -> bool:
        """Whether a session that asks now is admitted. Then a place is kept for it until it has
        ``joined``, though not for long.
        """
        self._look()
        if not roles:
            return True
        if not self._has_room(roles, MOST_BUSY):
            return False
        speaker = Speaker(self, roles, key_id)
        self._activate(speaker, GRACE_S)
        if self.most is not None and self._count() > self.most:  # another process was as fast
            self._deactivate(speaker)
            return False
        self._expected.setdefault((roles, key_id), deque()).append(speaker)
        return True

    @contextmanager
    def joined(self, roles: Roles, key_id: str | None = None) -> Iterator[Speaker]:
        """The speaker of a session, while it lasts: the one that was expected, if it still is."""
        expected = self._expected.get((roles, key_id))
        speaker = expected.popleft() if expected else Speaker(self, roles, key_id)
        try:
            yield speaker
        finally:
            self._deactivate(speaker)
            speaker.hears(float, float)  # nothing: its job refers to it, and would keep it

    def works(self, speaker: Speaker) -> None:
        """The speaker has work. One that was silent becomes active again, or is refused."""
        now_s = self._clock_s()
        if self._until_s.pop(speaker, None) is not None:
            self._until_s[speaker] = now_s + SILENT_AFTER_S
        elif _hears(speaker.roles) and not self._has_room(speaker.roles, FULLY_BUSY):
            speaker.is_refused = True
        else:  # synthesis is never refused: it waits
            self._activate(speaker, SILENT_AFTER_S)
        if now_s >= self._looks_s:
            self._look()

    def reconsider(self, speaker: Speaker) -> None:
        """A turn of a refused speaker begins: there may be room now."""
        self._look()
        settled = self._clock_s() - self._refused_s >= SETTLE_S
        if settled and self._has_room(speaker.roles, MOST_BUSY):
            speaker.is_refused = False
            self._activate(speaker, SILENT_AFTER_S)

    def _activate(self, speaker: Speaker, for_s: float) -> None:
        now_s = self._clock_s()
        speaker.since_s = now_s
        speaker.behind_s(now_s)
        self._until_s[speaker] = now_s + for_s
        self._roles[speaker.roles] += 1
        self._keys[speaker.key_id] += 1
        self.on_change(self._roles)

    def _deactivate(self, speaker: Speaker) -> None:
        if self._until_s.pop(speaker, None) is not None:
            self._roles[speaker.roles] -= 1
            self._keys[speaker.key_id] -= 1
            self.on_change(self._roles)

    # ------------------------------------------------------------ how many there can be
    @property
    def active(self) -> int:
        """How many speakers are active."""
        self._look()
        return self._count()

    def _count(self) -> int:
        return len(self._until_s) + sum(self.elsewhere().values())

    def active_of(self, key_id: str | None) -> int:
        """How many of them came with this key."""
        self._look()
        return self._keys[key_id]

    @property
    def shedding(self) -> Shedding:
        """What is left out at present."""
        return LEVELS[self._level]

    @property
    def interpretations(self) -> int | None:
        """How many interpretations the engines carry together; None while nothing limits them."""
        self._look()
        least = min(self.carried().values())
        return None if least == math.inf else max(1, int(least))

    def carried(self, roles: Roles = CASCADE) -> dict[str, float]:
        """For each stage and the cores: how many speakers who use these roles it carries;
        infinity for what costs nothing.
        """
        return {
            name: MOST_BUSY * stage.places / stage.cost if stage.cost else math.inf
            for name, stage in self._needs(roles).items()
        }

    def _needs(self, roles: Roles) -> dict[str, StageCost]:
        needs = {role: self._costs[role] for role in roles if role in self._costs}
        total = sum(stage.cost * stage.cpu_share for stage in needs.values())
        return {**needs, CORES: StageCost(total + self._loop_cost if total else 0.0, self._cores)}

    def _busy(self) -> dict[str, float]:
        """How much of each stage and of the cores the active speakers take."""
        busy: dict[str, float] = {}
        for roles, count in (Counter(self._roles) + Counter(self.elsewhere())).items():
            for name, stage in self._needs(roles).items():
                busy[name] = busy.get(name, 0.0) + count * stage.cost / stage.places
        return busy

    def _has_room(self, roles: Roles, limit: float) -> bool:
        """Whether one more speaker fits; the first one always does."""
        count = self._count()
        if not count:
            return True
        if self.most is not None and count >= self.most:
            return False
        if _hears(roles) and self._lag_s > MOST_LAG_S / 2:
            return False
        busy = self._busy()
        return all(
            not stage.cost or busy.get(name, 0.0) + stage.cost / stage.places <= limit
            for name, stage in self._needs(roles).items()
        )

    # ------------------------------------------------------------ keeping lag bounded
    def _look(self) -> None:
        """See who is silent now and how late the others are, but not too often."""
        now_s = self._clock_s()
        if now_s < self._looks_s:
            return
        self._looks_s = now_s + _LOOK_EVERY_S
        self._costs = self._stages()
        self._forget_silent(now_s)
        self._measure_loop(now_s)
        self._lag_s = max((one.behind_s(now_s) for one in self._until_s), default=0.0)
        if self._lag_s <= MOST_LAG_S:
            self._lag_before_s = 0.0
        elif now_s - self._refused_s >= SETTLE_S:
            if self._lag_s >= self._lag_before_s:  # else the last refusal was enough
                self._refuse_newest()
            self._refused_s, self._lag_before_s = now_s, self._lag_s
        self._level = level_for(max(self._busy().values(), default=0.0), self._lag_s, self._level)

    def _forget_silent(self, now_s: float) -> None:
        for speaker, until_s in list(self._until_s.items()):
            if until_s <= now_s:
                self._deactivate(speaker)
        for key, waiting in list(self._expected.items()):
            while waiting and waiting[0] not in self._until_s:
                waiting.popleft()
            if not waiting:
                del self._expected[key]

    def _measure_loop(self, now_s: float) -> None:
        before_s, cpu_before_s = self._loop_before
        cpu_s = self._loop_cpu_s()
        self._loop_before = now_s, cpu_s
        if self._until_s and now_s > before_s > 0:
            cost = (cpu_s - cpu_before_s) / (now_s - before_s) / len(self._until_s)
            self._loop_cost += _SMOOTHING * (min(cost, _MOST_LOOP_COST) - self._loop_cost)

    def _refuse_newest(self) -> None:
        """Somebody is heard too late: refuse turns of those who began last, never of the first."""
        hearing = [one for one in self._until_s if _hears(one.roles)]
        newest_first = sorted(hearing, key=lambda one: one.since_s, reverse=True)[:-1]
        least = math.ceil(len(hearing) * REFUSED_SHARE)
        for count, speaker in enumerate(newest_first):
            if count >= least and max(self._busy().values()) <= MOST_BUSY:
                break
            speaker.is_refused = True
            self._deactivate(speaker)


def _hears(roles: Roles) -> bool:
    return "asr" in roles
