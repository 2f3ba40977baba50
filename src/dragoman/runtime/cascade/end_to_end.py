"""The job ``Interpret`` done by one end-to-end engine instead of the cascade.

Scope: inputs go to the engine in order, its facts to the session in order; the engine decides
everything in between.
"""

from __future__ import annotations

from dragoman.runtime.driver.driver import Emit
from dragoman.runtime.driver.inbox import Inbox
from dragoman.runtime.hosts.host import EngineHost
from dragoman.runtime.hosts.requests import StartInterpretation, StreamAnswer
from dragoman.speech import Interpret


async def interpret(task: Interpret, inbox: Inbox, emit: Emit, host: EngineHost) -> None:
    """Run the job until its input ends."""
    stream = await host.open(StartInterpretation(task))
    try:
        while (item := await inbox.get()) is not None:
            await _report(await stream.feed(item), emit)
        await _report(await stream.finish(), emit)
    finally:
        stream.abort()  # no effect behind finish


async def _report(facts: StreamAnswer, emit: Emit) -> None:
    assert isinstance(facts, tuple)
    for fact in facts:
        await emit(fact)
