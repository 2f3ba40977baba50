"""The job ``Interpret`` done by one end-to-end engine instead of the cascade.

Scope: inputs go to the engine in order, its facts to the session in order; the engine decides
everything in between. One whose facts come from another machine (``Info.answers_later``) is asked
for them with empty audio while no input comes: soon after an input or a fact, then more seldom.
"""

from __future__ import annotations

import asyncio

from dragoman.runtime.driver.driver import Emit
from dragoman.runtime.driver.inbox import Inbox
from dragoman.runtime.hosts.host import EngineHost
from dragoman.runtime.hosts.requests import StartInterpretation
from dragoman.speech import Audio, Input, Interpret

_SOONEST_S, _LATEST_S = 0.02, 0.16
_NOTHING = Audio(b"")


async def interpret(task: Interpret, inbox: Inbox, emit: Emit, host: EngineHost) -> None:
    """Run the job until its input ends."""
    stream = await host.open(StartInterpretation(task))
    wait_s = _SOONEST_S if host.info.answers_later else None
    try:
        while (item := await _next_input(inbox, wait_s)) is not None:
            facts = await stream.feed(item)
            assert isinstance(facts, tuple)
            for fact in facts:
                await emit(fact)
            if wait_s is not None:
                is_quiet = item is _NOTHING and not facts
                wait_s = min(2 * wait_s, _LATEST_S) if is_quiet else _SOONEST_S
        facts = await stream.finish()
        assert isinstance(facts, tuple)
        for fact in facts:
            await emit(fact)
    finally:
        stream.abort()  # no effect behind finish


async def _next_input(inbox: Inbox, wait_s: float | None) -> Input | None:
    """The next input, None behind the last; empty audio if none comes for this long."""
    try:
        async with asyncio.timeout(wait_s):
            await inbox.arrival()
    except TimeoutError:
        return _NOTHING
    return inbox.get_now()
