"""The embedded engines without a server: cascades at microphone pace, from a process of its own.

Scope: no socket, no protocol, no events; the same engines, hosts and stages, so engines are called
as often and when a server would call them. Reads a ``BarePlan`` from standard input, says when all
talk and when the first has ended, and how many turns were heard.
"""

from __future__ import annotations

import asyncio
import sys

import msgspec
import uvloop

from dragoman.client.interpretation import InterpretSettings, session_object
from dragoman.engines.registry import parse_choice
from dragoman.protocol.core.commands import Start
from dragoman.protocol.core.events import Ids
from dragoman.protocol.core.session import Limits
from dragoman.protocol.registry import lookup, make_session
from dragoman.runtime.capacity import Speaker
from dragoman.runtime.driver.driver import INBOX_BYTES, RunJob
from dragoman.runtime.driver.inbox import Inbox
from dragoman.runtime.engine_set import EngineSet
from dragoman.runtime.jobs import job_runner
from dragoman.runtime.observer import FanOut
from dragoman.speech import Audio, Interpret, Result, TurnDone
from dragoman_bench.harness.microphones import CHUNK_BYTES, EVERY_S
from dragoman_bench.harness.ws_client import INTERPRETATION_MODEL, append_audio
from dragoman_bench.interpret.recordings import read, two_cities


class BarePlan(msgspec.Struct, frozen=True):
    """So many cascades of so many frames (10 a second); they begin evenly over ``ramp_s``."""

    sessions: int
    frames: int
    ramp_s: float
    engines: str = "embedded"


def task_of(engines: EngineSet) -> Interpret:
    """The task that a session of a load has: what its settings and the server's defaults make."""
    served = lookup(INTERPRETATION_MODEL)
    session = make_session(served, Ids("n" * 15), Limits(), engines.coverage)
    settings = session_object(InterpretSettings(target="es", source="en"), INTERPRETATION_MODEL)
    events = (
        msgspec.json.encode({"type": "session.update", "session": settings}),
        append_audio(bytes(CHUNK_BYTES)),
    )
    commands = session.open(0.0)
    for event in events:
        commands += session.receive(served.api.codec.decode(event.decode()), 0.0)
    (task,) = (one.task for one in commands if isinstance(one, Start))
    assert isinstance(task, Interpret)
    return task


async def run(plan: BarePlan) -> int:
    """Play everything; how many turns were heard."""
    engines = EngineSet(parse_choice(plan.engines))
    sound = (await read(two_cities().path)).tobytes()
    await engines.load()
    try:
        task, talk = task_of(engines), _Talk(plan, sound)
        tasks = []
        for number in range(plan.sessions):
            run_job = job_runner(engines, FanOut(), Speaker())
            tasks.append(asyncio.create_task(talk.one(number, task, run_job)))
        await asyncio.sleep(plan.ramp_s + 1.0)
        _say("talking")
        await talk.ended.wait()
        _say("ending")
        await asyncio.gather(*tasks)
    finally:
        await engines.close()
    return talk.turns


class _Talk:
    """The microphones, and what was heard of them."""

    def __init__(self, plan: BarePlan, sound: bytes) -> None:
        self.turns = 0
        self.ended = asyncio.Event()
        self._plan = plan
        self._sound = sound
        self._begin_s = asyncio.get_running_loop().time()

    async def one(self, number: int, task: Interpret, run_job: RunJob) -> None:
        """One session's."""
        clock, plan = asyncio.get_running_loop().time, self._plan
        begin_s = self._begin_s + number * plan.ramp_s / plan.sessions
        await asyncio.sleep(max(0.0, begin_s - clock()))
        inbox = Inbox(INBOX_BYTES)
        job = asyncio.ensure_future(run_job(task, inbox, self._take))
        for frame in range(plan.frames):
            await asyncio.sleep(max(0.0, begin_s + frame * EVERY_S - clock()))
            at = frame * CHUNK_BYTES % (len(self._sound) - CHUNK_BYTES)
            inbox.put(Audio(self._sound[at : at + CHUNK_BYTES]))
        self.ended.set()
        inbox.end()
        await job

    async def _take(self, result: Result) -> None:
        self.turns += isinstance(result, TurnDone)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _say(f"{{{uvloop.run(run(msgspec.json.decode(sys.stdin.buffer.readline(), type=BarePlan)))}}}")
