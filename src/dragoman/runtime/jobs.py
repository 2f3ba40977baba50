"""A session's life on a loaded stack, and which job runs which task.

Law of this file: the one place where a task meets its implementation; a session never knows
whether the cascade or an end-to-end engine interprets for it.
"""

from __future__ import annotations

from dragoman.protocol.core.commands import Session
from dragoman.runtime.cascade import cascade, end_to_end
from dragoman.runtime.cascade.speech.speech_observer import SpeechObserver
from dragoman.runtime.driver.driver import ClientConnection, Driver, Emit, Encode, Observer, RunJob
from dragoman.runtime.driver.inbox import Inbox
from dragoman.runtime.engine_set import EngineSet
from dragoman.runtime.synthesis import job as speaking
from dragoman.speech import Speak, Task


async def run_session(
    session: Session,
    connection: ClientConnection,
    encode: Encode,
    stack: EngineSet,
    observer: Observer,
    *,
    watch: SpeechObserver | None = None,
) -> None:
    """Serve one connection until its session closed or the client went away."""
    await Driver(session, connection, encode, job_runner(stack, watch), observer).run()


def job_runner(stack: EngineSet, watch: SpeechObserver | None = None) -> RunJob:
    """The function by which the driver of one connection runs its jobs on these engines.
    ``watch`` is told how translated speech keeps up (not by end-to-end engines).
    """

    async def run(task: Task, inbox: Inbox, emit: Emit) -> None:
        if isinstance(task, Speak):
            await speaking.speak(task, inbox, emit, stack)
        elif stack.interpreter is not None:
            await end_to_end.interpret(task, inbox, emit, stack.interpreter)
        else:
            await cascade.interpret(task, inbox, emit, stack, watch)

    return run
