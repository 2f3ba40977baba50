"""Waiting for an event, but not for ever.

Scope: one function. Stages wait so with every few words; ``asyncio.timeout`` costs three times as
much, because it ends a wait by cancelling the task.
"""

from __future__ import annotations

import asyncio


async def set_within(event: asyncio.Event, most_s: float | None) -> None:
    """Wait until ``event`` is set from now on. After ``most_s`` seconds it is set here, so the
    caller has to look whether there is anything.
    """
    event.clear()
    timer = None
    if most_s is not None:
        timer = asyncio.get_running_loop().call_later(most_s, event.set)
    try:
        await event.wait()
    finally:
        if timer is not None:
            timer.cancel()
