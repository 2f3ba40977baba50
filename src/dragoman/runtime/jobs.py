"""One session on loaded engines, and which job runs which task.

Scope: the one place where a task meets its implementation; a session never knows whether the
cascade or an end-to-end engine interprets for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from dragoman.protocol.core.commands import Eviction, Session
from dragoman.runtime.capacity import Speaker
from dragoman.runtime.cascade import cascade, end_to_end
from dragoman.runtime.cascade.recognize import recognize
from dragoman.runtime.driver.driver import ClientConnection, Driver, Emit, Encode, RunJob
from dragoman.runtime.driver.inbox import Inbox
from dragoman.runtime.engine_set import EngineSet
from dragoman.runtime.observer import Observer, session_observer
from dragoman.runtime.synthesis.job import speak
from dragoman.speech import Speak, Task


async def run_session(
    session: Session,
    connection: ClientConnection,
    encode: Encode,
    engines: EngineSet,
    observer: Observer,
    *,
    evicted: asyncio.Future[Eviction] | None = None,
    speaker: Speaker | None = None,
    now_s: Callable[[], float] = time.monotonic,
) -> None:
    """Serve one connection until its session closed or the client went away. ``evicted``: see
    ``Driver``. ``speaker`` is what the capacity knows of the session (None: it is not limited),
    ``now_s`` the clock that the policies of interpretation are given.
    """
    session_observer.set(observer)
    run_job = job_runner(engines, observer, speaker or Speaker(), now_s)
    await Driver(session, connection, encode, run_job, observer, evicted=evicted).run()


def job_runner(
    engines: EngineSet,
    observer: Observer,
    speaker: Speaker,
    now_s: Callable[[], float] = time.monotonic,
) -> RunJob:
    """The function by which the driver of one connection runs its jobs on these engines."""

    async def run(task: Task, inbox: Inbox, emit: Emit) -> None:
        speaker.works()
        inbox.on_work = speaker.works
        if isinstance(task, Speak):
            await speak(task, inbox, emit, engines)
        elif not task.target:
            await recognize(task, inbox, emit, engines, observer, speaker=speaker, now_s=now_s)
        elif engines.interpreter is not None:
            await end_to_end.interpret(task, inbox, emit, engines.interpreter)
        else:
            await cascade.interpret(
                task, inbox, emit, engines, observer, speaker=speaker, now_s=now_s
            )

    return run
