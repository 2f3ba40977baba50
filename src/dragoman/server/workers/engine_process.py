"""The engine process: the engines of all gateways, without a web server.

Scope: it loads the engines as a server of one process does (worker processes and threads included),
serves them on a unix socket, and tells gateways and supervisor how they are.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket

from msgspec.structs import replace

from dragoman.runtime.hosts.process.ipc_messages import EngineReport
from dragoman.runtime.hosts.shared.engine_server import EngineServer
from dragoman.server.lifecycle import Lifecycle
from dragoman.server.realtime_endpoint import make_engines
from dragoman.server.serve import spare_collections
from dragoman.server.workers import messages as control
from dragoman.server.workers.board import Board, ProcessCounts
from dragoman.server.workers.metrics_sum import families_of

LOG = logging.getLogger("dragoman.server")

_REPORT_S = 0.2


async def serve_engines(
    start: control.StartEngines,
    link: control.ControlLink,
    inbox: asyncio.Queue[control.ControlMessage],
) -> None:
    """Be the engine process until the supervisor says ``Drain``, when no gateway is left."""
    engines = make_engines(start.config)
    keyless = replace(start.config, api_keys=(), api_keys_file="", state_dir="")
    lifecycle = Lifecycle(keyless, engines)  # no client comes here
    server = EngineServer(engines.hosts)
    board = Board(start.board, start.place)

    def publish() -> None:
        reports = [
            EngineReport(one.state, one.detail, host.vitals, host.work.figures)
            for one, host in zip(engines.status(), engines.hosts, strict=True)
        ]
        server.publish(reports)
        board.publish(ProcessCounts(os.getpid(), "engines", lifecycle.status))

    async def load() -> None:
        await lifecycle.load()
        spare_collections()
        link.send(
            control.StartFailed(lifecycle.failure) if lifecycle.failure else control.Started()
        )

    async def report() -> None:
        while True:
            publish()
            await asyncio.sleep(_REPORT_S)

    publish()
    await server.start(socket.socket(fileno=start.listener))
    work = [asyncio.create_task(one()) for one in (load, report)]
    while not isinstance(message := await inbox.get(), control.Drain):
        if isinstance(message, control.AskMetrics):
            lifecycle.measure()
            lifecycle.metrics.settle()
            families = families_of(lifecycle.metrics.registry)
            link.send(control.OwnMetrics(message.number, families))
        elif isinstance(message, control.CheckPulse):
            link.send(control.Pulse())
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)
    server.close()
    await lifecycle.close()
