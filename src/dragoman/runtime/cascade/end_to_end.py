"""The job ``Interpret`` done by one end-to-end engine instead of the cascade.

Law of this file: inputs go to the engine in order, its facts to the session in order; the engine
decides everything in between.
"""

from __future__ import annotations

from dragoman.engines.base import Interpretation, Interpreter
from dragoman.runtime.driver.driver import Emit
from dragoman.runtime.driver.inbox import Inbox
from dragoman.runtime.hosts.host import EngineHost
from dragoman.speech import Interpret


async def interpret(
    task: Interpret, inbox: Inbox, emit: Emit, host: EngineHost, engine: Interpreter
) -> None:
    """Run the job until its input ends."""
    interpretation: Interpretation = await host.run(engine.start, task)
    while (item := await inbox.get()) is not None:
        for fact in await host.run(interpretation.feed, item):
            await emit(fact)
    for fact in await host.run(interpretation.finish):
        await emit(fact)
