"""A gateway: a process that serves clients, with engines that live elsewhere.

Scope: the web server of ``server.serve`` on an inherited socket, and what the supervisor wants of
it. What the other processes have to say (``lifecycle.Peers``) comes from the board, their metrics
through the supervisor.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections import Counter
from collections.abc import Mapping
from functools import partial
from itertools import count
from typing import Any

from msgspec.structs import replace

from dragoman.runtime.capacity import Roles
from dragoman.runtime.engine_set import EngineSet
from dragoman.runtime.hosts.load import RecognizerLoad
from dragoman.runtime.hosts.shared.engine_link import EngineLink
from dragoman.server.lifecycle import Lifecycle, State
from dragoman.server.observability.metrics import Metrics
from dragoman.server.realtime_endpoint import make_engines, serve_session
from dragoman.server.serve import DrainingServer, raise_file_limit, spare_collections, web_server
from dragoman.server.workers import messages as control
from dragoman.server.workers.board import Board, ProcessCounts
from dragoman.server.workers.metrics_sum import Family, families_of, page_of

LOG = logging.getLogger("dragoman.server")

_TOTAL_S = 3.0


async def serve_clients(
    start: control.StartGateway,
    link: control.ControlLink,
    inbox: asyncio.Queue[control.ControlMessage],
) -> None:
    """Be a gateway until the supervisor does not want it any more."""
    raise_file_limit()
    peers = GatewayPeers(Board(start.board, start.place), link)
    engines = make_engines(start.config, EngineLink(start.engines))
    peers.share_load(engines)
    listener = socket.socket(fileno=start.listener)
    lifecycle = Lifecycle(start.config, engines, str(listener.getsockname()[0]), peers)
    lifecycle.opens_when_ready = start.opens_when_ready
    server = web_server(lifecycle, serve_session)
    server.obeys_signals = False
    work = [
        asyncio.create_task(_obey(inbox, link, server, lifecycle, peers)),
        asyncio.create_task(_tell_state(lifecycle, link)),
    ]
    if server.certificate:
        work.append(asyncio.create_task(server.certificate.keep_fresh(), name="certificate"))
    await server.serve(sockets=[listener])
    link.send(control.OwnMetrics(0, _families(lifecycle)))  # they stay in the sum
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)


async def _tell_state(lifecycle: Lifecycle, link: control.ControlLink) -> None:
    await lifecycle.decided.wait()
    spare_collections()
    failure = lifecycle.failure
    link.send(control.StartFailed(failure) if failure else control.Started())


async def _obey(
    inbox: asyncio.Queue[control.ControlMessage],
    link: control.ControlLink,
    server: DrainingServer,
    lifecycle: Lifecycle,
    peers: GatewayPeers,
) -> None:
    while True:
        match await inbox.get():
            case control.Drain():
                server.stop()
            case control.Retire():
                server.retire()
            case control.AskMetrics(number=number):
                link.send(control.OwnMetrics(number, _families(lifecycle)))
            case control.CheckPulse():
                link.send(control.Pulse())
            case control.Total(number=number, families=families):
                peers.answered(number, families)
            case other:
                LOG.error("the supervisor sent a %s", type(other).__name__)


def _families(lifecycle: Lifecycle) -> list[Family]:
    lifecycle.measure()
    lifecycle.metrics.settle()
    return families_of(lifecycle.metrics.registry)


class GatewayPeers:
    """What a gateway knows of the other processes: ``lifecycle.Peers``."""

    def __init__(self, board: Board, link: control.ControlLink) -> None:
        self._board = board
        self._link = link
        self._numbers = count(1)
        self._totals: dict[int, asyncio.Future[list[Family]]] = {}
        self._own = ProcessCounts(os.getpid(), "gateway", "loading")
        self._loads: dict[str, RecognizerLoad] = {}
        board.publish(self._own)

    def share_load(self, engines: EngineSet) -> None:
        """Let these engines, which all gateways use, count what the others ask of them."""
        self._loads = engines.recognizer_loads
        engines.capacity.elsewhere = self._speakers
        engines.capacity.on_change = self._tell_speakers
        for name, load in self._loads.items():
            load.elsewhere = partial(self._load_elsewhere, name)
            load.on_change = self._tell_loads

    def _tell(self, **changes: Any) -> None:
        self._own = replace(self._own, **changes)
        self._board.publish(self._own)

    def _tell_speakers(self, speakers: Mapping[Roles, int]) -> None:
        self._tell(speakers=tuple(speakers.items()))

    def _tell_loads(self) -> None:
        self._tell(recognizers={name: load.here for name, load in self._loads.items()})

    def _speakers(self) -> Mapping[Roles, int]:
        found: Counter[Roles] = Counter()
        for other in self._board.others():
            found.update(dict(other.speakers))
        return found

    def _load_elsewhere(self, name: str) -> tuple[int, int]:
        found = [other.recognizers.get(name, (0, 0)) for other in self._board.others()]
        return sum(speaking for speaking, _ in found), sum(decodes for _, decodes in found)

    # ------------------------------------------------------------ ``Peers``
    def publish(self, state: State, sessions: Mapping[str, int]) -> None:
        """As in the Protocol."""
        self._tell(state=state, sessions=dict(sessions))

    def sessions(self) -> Mapping[str, int]:
        """As in the Protocol."""
        opened: Counter[str] = Counter()
        for other in self._board.others():
            opened.update(other.sessions)
        return opened

    def processes(self) -> list[dict[str, Any]]:
        """As in the Protocol."""
        everyone = sorted([self._own, *self._board.others()], key=lambda one: (one.work, one.pid))
        return [
            {
                "work": one.work,
                "pid": one.pid,
                "state": one.state,
                **({"sessions": sum(one.sessions.values())} if one.work == "gateway" else {}),
            }
            for one in everyone
        ]

    async def metrics_page(self, metrics: Metrics) -> bytes:
        """As in the Protocol; this process alone if the supervisor does not answer."""
        metrics.settle()
        own = families_of(metrics.registry)
        number = next(self._numbers)
        answer = self._totals[number] = asyncio.get_running_loop().create_future()
        self._link.send(control.AskTotal(number, own))
        try:
            return page_of(await asyncio.wait_for(answer, _TOTAL_S))
        except TimeoutError:
            LOG.warning("the supervisor did not say the metrics of all processes")
            return page_of(own)
        finally:
            del self._totals[number]

    def answered(self, number: int, families: list[Family]) -> None:
        """The sum that was asked for has come."""
        answer = self._totals.get(number)
        if answer is not None and not answer.done():
            answer.set_result(families)
