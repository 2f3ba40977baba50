"""Model servers that were not there when this server started: they are asked again until they are.

Scope: engines that ask a server elsewhere (``Info.remote``). They often start together with it and
load their models for minutes; until then the engines behind them in the operator's order work. An
engine that lacks something on this machine is left alone: only the operator can mend that.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from dragoman.engines.base import EngineUnavailable
from dragoman.runtime.hosts.host import EngineFailed
from dragoman.runtime.loaded_engine import LoadedEngine

LOG = logging.getLogger("dragoman.runtime")

AGAIN_S = 10.0


async def load_late_servers(chosen: Iterable[LoadedEngine], on_ready: Callable[[], None]) -> None:
    """Load the remote ones of these engines that are unavailable; returns when all are loaded.
    ``on_ready`` is called for each that is.
    """
    late = [one for one in chosen if one.state == "unavailable" and one.info.remote]
    while late:
        await asyncio.sleep(AGAIN_S)
        await asyncio.gather(*(_load(one, on_ready) for one in late))
        late = [one for one in late if one.state == "unavailable"]


async def _load(one: LoadedEngine, on_ready: Callable[[], None]) -> None:
    try:
        await one.host.start()
    except EngineUnavailable as refusal:
        one.detail = str(refusal)
    except EngineFailed as failure:
        LOG.info("%s failed while loading: %s", one.name, failure)
    else:
        one.state, one.detail = "ready", ""
        LOG.info("%s is there now", one.name)
        on_ready()
