"""Sixty live interpretations on a machine that carries twelve, in virtual time.

The cascade, its decoders and the capacity are the real ones; the recogniser works on one core of a
pretended machine, and all of the time is the machine's.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from dragoman.engines.base import Window
from dragoman.policy.load_shedding import MOST_LAG_S, UNITS_PER_SPEECH_S
from dragoman.runtime.capacity import CASCADE, Capacity, Speaker, StageCost
from dragoman.runtime.cascade.cascade import interpret
from dragoman.runtime.driver.inbox import Inbox
from dragoman.runtime.hosts.engine_work import EngineWork, SharedCores
from dragoman.runtime.hosts.requests import Request
from dragoman.speech import Audio, Heard, Result, SpeechStopped, TurnDone
from tests.runtime.cascade.fake_cascade import TASK, FakeEngines, pcm
from tests.runtime.fake_engines import FakeHost, spoken
from tests.runtime.virtual_time import run_in_virtual_time

CARRIES = 12
DECODE_S = 0.85 / CARRIES / UNITS_PER_SPEECH_S["asr"]
TALK = spoken(200, *(f"w{n}" for n in range(1, 9)), 1000, *(f"w{n}" for n in range(11, 19)), 1000)
CHUNK = 1600  # samples: 100 ms
_TURN_S = 1e-5


class OneCore(FakeHost):
    """A host whose calls take turns on one core, first come, first served."""

    def __init__(self, info: Any) -> None:
        super().__init__(info)
        self._core = asyncio.Lock()
        clock_s = asyncio.get_running_loop().time
        self.work = EngineWork(cores=SharedCores(1, clock_s))

    async def call(self, request: Request) -> Any:
        async with self._core:
            with self.work.stint() as stint:
                await asyncio.sleep(DECODE_S)
            self.work.answered([request], stint.own_s)
        return await super().call(request)


class Crowd:
    """People who connect, and what becomes of each turn."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.now_s = loop.time
        self.engines = FakeEngines(step_ms=None)
        self.engines.asr = OneCore(
            msgspec.structs.replace(self.engines.asr.info, max_window_s=12.0)
        )
        self.capacity = Capacity(1.0, self._costs, clock_s=loop.time, loop_cpu_s=lambda: 0.0)
        self.lags_s: dict[int, list[float]] = {}
        self.refused: dict[int, int] = {}

    def _costs(self) -> dict[str, StageCost]:
        work = self.engines.asr.work
        return {"asr": StageCost(work.cost_s * UNITS_PER_SPEECH_S["asr"], 1)}

    async def speak(self, person: int, speaker: Speaker) -> None:
        """Talk in real time, and note how long after the end of each turn its text is there."""
        inbox, began_s = Inbox(320_000), self.now_s()
        inbox.on_work = speaker.works
        stopped_s = {}
        self.lags_s[person], self.refused[person] = [], 0

        async def emit(fact: Result) -> None:
            match fact:
                case SpeechStopped(turn=turn, at_ms=at_ms, refused=refused):
                    stopped_s[turn] = began_s + at_ms / 1000
                    self.refused[person] += refused
                case Heard(final=True, turn=turn):
                    self.lags_s[person].append(self.now_s() - stopped_s[turn])
                case TurnDone(status=status):
                    assert status in ("completed", "failed")

        job = asyncio.create_task(
            interpret(
                TASK, inbox, emit, self.engines, self.engines.events,
                speaker=speaker, now_s=self.now_s,
            )
        )  # fmt: skip
        for at in range(0, len(TALK), CHUNK):
            await inbox.room()
            inbox.put(Audio(pcm(TALK[at : at + CHUNK])))
            await asyncio.sleep(CHUNK / 16_000)
        inbox.end()
        await job

    async def warm_up(self) -> None:
        """The figure that the server has before anybody comes."""
        await self.engines.asr.call(Window(pcm(TALK[:CHUNK])))

    def worst_s(self) -> float:
        return max(lag for lags in self.lags_s.values() for lag in lags)


def test_sixty_who_connect_to_speak_are_admitted_as_far_as_they_fit() -> None:
    async def main() -> tuple[int, Crowd]:
        crowd = Crowd()
        await crowd.warm_up()
        talks = []
        for person in range(60):
            if crowd.capacity.expect(CASCADE):
                speaker = crowd.capacity.joined(CASCADE).__enter__()
                talks.append(asyncio.create_task(crowd.speak(person, speaker)))
            await asyncio.sleep(0.05)
        await asyncio.gather(*talks)
        return len(talks), crowd

    admitted, crowd = run_in_virtual_time(main(), _TURN_S)
    assert CARRIES - 3 <= admitted <= CARRIES + 1
    assert not sum(crowd.refused.values())
    assert crowd.worst_s() < MOST_LAG_S / 2


def test_sixty_who_were_connected_and_begin_at_once() -> None:
    async def main() -> Crowd:
        crowd = Crowd()
        await crowd.warm_up()
        people = [Speaker(crowd.capacity, CASCADE) for _ in range(60)]
        async with asyncio.TaskGroup() as group:
            for person, speaker in enumerate(people):
                group.create_task(crowd.speak(person, speaker))
                await asyncio.sleep(0.01)
        return crowd

    crowd = run_in_virtual_time(main(), _TURN_S)
    whole = [person for person in range(60) if not crowd.refused[person]]
    assert len(whole) >= CARRIES - 3
    assert whole[: CARRIES - 3] == list(range(CARRIES - 3))
    assert crowd.worst_s() < MOST_LAG_S


def test_without_a_capacity_they_would_all_be_late() -> None:
    async def main() -> Crowd:
        crowd = Crowd()
        async with asyncio.TaskGroup() as group:
            for person in range(60):
                group.create_task(crowd.speak(person, Speaker()))
        return crowd

    crowd = run_in_virtual_time(main(), _TURN_S)
    assert crowd.worst_s() > 2 * MOST_LAG_S
