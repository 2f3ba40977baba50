"""Hosts that are open while a block runs, also behind an engine server and a link to it."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from dragoman.runtime.hosts.host import EngineHost, Vitals
from dragoman.runtime.hosts.process.ipc_messages import EngineReport
from dragoman.runtime.hosts.shared.engine_link import EngineLink
from dragoman.runtime.hosts.shared.engine_server import EngineServer
from dragoman.runtime.hosts.shared.host import SharedHost


@asynccontextmanager
async def open_host(host: EngineHost) -> AsyncIterator[EngineHost]:
    try:
        await host.start()
        yield host
    finally:
        await host.close()


def abstract_listener() -> socket.socket:
    """A listening unix socket with a free name."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind("")
    listener.listen()
    listener.setblocking(False)
    return listener


@asynccontextmanager
async def engine_server(
    hosts: Sequence[EngineHost], listener: socket.socket, *, opens: bool = True
) -> AsyncIterator[EngineServer]:
    """What an engine process does, with hosts that are loaded when the block begins."""
    async with AsyncExitStack() as stack:
        for host in hosts if opens else ():
            await stack.enter_async_context(open_host(host))
        server = EngineServer(hosts)
        server.publish([EngineReport("ready", vitals=Vitals(1)) for _ in hosts])
        await server.start(listener)
        stack.callback(server.close)
        yield server


@asynccontextmanager
async def shared(inner: EngineHost) -> AsyncIterator[EngineHost]:
    """The host as a gateway has it."""
    listener = abstract_listener()
    link = EngineLink(listener.getsockname())
    host = SharedHost(inner, link, 0)
    async with engine_server([inner], listener), open_host(host):
        yield host
