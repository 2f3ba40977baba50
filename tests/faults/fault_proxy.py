"""A TCP proxy that does to a connection what networks and clients do.

Scope: bytes, no protocol. Each direction has faults of its own: latency, jitter, small pieces,
little bandwidth, a reset, a line that goes dead. Chance comes from a seed, so a run can be
repeated; order is kept in any case, as TCP keeps it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from dragoman.protocol.registry import REALTIME_PATH

_READ_BYTES = 16 * 1024
_SMALL_BUFFER_BYTES = 4 * 1024


@dataclass(frozen=True)
class Faults:
    """What happens to the bytes of one direction; by default nothing."""

    latency_s: float = 0.0
    jitter_s: float = 0.0
    """At most so much more, at random."""
    pieces: tuple[int, int] | None = None
    """Bytes go on in pieces of such sizes, least and most."""
    bytes_per_s: float | None = None
    """Bandwidth. What does not fit waits at the sender, as with a client that reads slowly."""
    reset_after: int | None = None
    """After so many bytes both sides get a reset."""
    dead_after: int | None = None
    """After so many bytes nothing passes any more, and nobody is told."""


class FaultProxy:
    """A running proxy in front of a port of this machine."""

    def __init__(self, target: int, up: Faults, down: Faults, seed: int) -> None:
        self._target = target
        self._faults = (up, down)
        self._chance = random.Random(seed)
        self._links: set[asyncio.Task[None]] = set()
        self.port = 0
        self.resets = 0
        """Connections that were reset."""
        self.is_dead = asyncio.Event()
        """Whether a line went dead."""

    @property
    def url(self) -> str:
        """The address of the realtime APIs through the proxy."""
        return f"ws://127.0.0.1:{self.port}{REALTIME_PATH}"

    def accept(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        """Pass on what comes, until one side closes."""
        link = asyncio.create_task(self._pass_on(client, answer))
        self._links.add(link)
        link.add_done_callback(self._links.discard)

    async def close(self) -> None:
        """Cut what is still open."""
        for link in list(self._links):
            link.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)

    # ------------------------------------------------------------ inside
    async def _pass_on(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        server, onward = await self._connect()
        ends = (answer, onward)
        try:
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._pump(client, onward, self._faults[0], ends))
                pumps.create_task(self._pump(server, answer, self._faults[1], ends))
        except* OSError:
            pass  # one of the two has gone
        finally:
            for end in ends:
                end.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        outgoing = socket.socket()
        outgoing.setblocking(False)
        if self._faults[1].bytes_per_s is None:
            limit = _READ_BYTES
        else:  # or the kernel's buffers would do the waiting
            limit = _SMALL_BUFFER_BYTES
            outgoing.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, limit)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(outgoing, ("127.0.0.1", self._target))
        return await asyncio.open_connection(sock=outgoing, limit=limit)

    async def _pump(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        faults: Faults,
        ends: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
    ) -> None:
        passed = 0
        while data := await source.read(_READ_BYTES):
            if faults.latency_s or faults.jitter_s:
                late_s = self._chance.random() * faults.jitter_s
                await asyncio.sleep(faults.latency_s + late_s)
            for piece in self._cut(data, faults.pieces):
                if faults.dead_after is not None and passed >= faults.dead_after:
                    self.is_dead.set()
                    await asyncio.Event().wait()
                sink.write(piece)
                await sink.drain()
                passed += len(piece)
                if faults.reset_after is not None and passed >= faults.reset_after:
                    self._reset(ends)
                if faults.pieces is not None:
                    await asyncio.sleep(0)  # each piece is a segment of its own
                if faults.bytes_per_s is not None:
                    await asyncio.sleep(len(piece) / faults.bytes_per_s)
        if sink.can_write_eof():
            sink.write_eof()

    def _cut(self, data: bytes, pieces: tuple[int, int] | None) -> Iterator[bytes]:
        at = 0
        while at < len(data):
            size = len(data) if pieces is None else self._chance.randint(*pieces)
            yield data[at : at + size]
            at += size

    def _reset(self, ends: tuple[asyncio.StreamWriter, asyncio.StreamWriter]) -> None:
        self.resets += 1
        for end in ends:
            raw: socket.socket = end.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.transport.abort()
        raise ConnectionResetError


@contextlib.asynccontextmanager
async def fault_proxy(
    target: int, *, up: Faults = Faults(), down: Faults = Faults(), seed: int = 1
) -> AsyncIterator[FaultProxy]:
    """A proxy while the block runs. ``up`` is what the client sends, ``down`` what it gets."""
    proxy = FaultProxy(target, up, down, seed)
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
        await server.wait_closed()
