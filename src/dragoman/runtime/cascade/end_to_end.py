"""The job ``Interpret`` done by one end-to-end engine instead of the cascade.

Scope: inputs go to the engine in order, its facts to the session in order; the engine decides
everything in between. One whose facts come from another machine is asked for them while no input
comes (``Info.answers_later``).
"""

from __future__ import annotations

import asyncio

from dragoman.runtime.driver.driver import Emit
from dragoman.runtime.driver.inbox import Inbox
from dragoman.runtime.hosts.host import EngineHost
from dragoman.runtime.hosts.requests import StartInterpretation, StreamAnswer
from dragoman.speech import Audio, Input, Interpret

_ASK_AGAIN_S = 0.1


async def interpret(task: Interpret, inbox: Inbox, emit: Emit, host: EngineHost) -> None:
    """Run the job until its input ends."""
    stream = await host.open(StartInterpretation(task))
    next_input = _next_or_nothing if host.info.answers_later else Inbox.get
    try:
        while (item := await next_input(inbox)) is not None:
            await _report(await stream.feed(item), emit)
        await _report(await stream.finish(), emit)
    finally:
        stream.abort()  # no effect behind finish


async def _next_or_nothing(inbox: Inbox) -> Input | None:
    """The next input, or empty audio if none came for a while."""
    try:
        async with asyncio.timeout(_ASK_AGAIN_S):
            await inbox.arrival()
    except TimeoutError:
        return Audio(b"")
    return await inbox.get()


async def _report(facts: StreamAnswer, emit: Emit) -> None:
    assert isinstance(facts, tuple)
    for fact in facts:
        await emit(fact)
