"""The proxy of ``dragoman intercept``: takes CONNECT, ends TLS, relays to a Dragoman server.

Scope: of a request only host and port are read; no header is parsed, kept or logged, so keys never
are. Everything is bounded: connections, size and time of a request, time of the handshake, bytes
buffered for a slow reader, time of a close.

Each connection is one task. It reads the request from the bare socket, decides, connects to the
server, answers, and then turns the socket into streams, with TLS for a redirected host. Bytes are
relayed both ways until either side ends, which ends the other. Refusals are HTTP answers with a
sentence as body.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable

import msgspec

from dragoman.intercept.names import PORT, Hosts, TargetServer, bracketed, parse_target
from dragoman.intercept.relay import (
    CHUNK_BYTES,
    ProxyRefusal,
    Streams,
    answer,
    open_server,
    read_head,
    relay,
)

_MAX_REFUSING = 64


class ProxyLimits(msgspec.Struct, frozen=True):
    """Limits for what clients of the proxy may use."""

    connections: int = 256
    head_bytes: int = 16 * 1024
    head_s: float = 10.0
    connect_s: float = 10.0
    handshake_s: float = 10.0
    flush_s: float = 30.0
    """Time for a slow reader to take the rest when the other side has ended."""
    close_s: float = 2.0
    """The same when the proxy is closing."""


class Proxy:
    """Redirects connections to ``hosts``. ``note`` gets a line per kind of event, once each.

    ``context`` gives the TLS settings for a redirected host. ``pass_others`` relays connections to
    other hosts without reading them; else they are refused.
    """

    def __init__(
        self,
        hosts: Hosts,
        server: TargetServer,
        context: Callable[[], Awaitable[ssl.SSLContext]],
        note: Callable[[str], None],
        *,
        pass_others: bool = False,
        limits: ProxyLimits | None = None,
    ) -> None:
        self._hosts = hosts
        self._server = server
        self._context = context
        self._note = note
        self._pass_others = pass_others
        self._limits = limits or ProxyLimits()
        self._noted: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._admitted: set[asyncio.Task[None]] = set()
        """The tasks that count towards the limit; those that only send a refusal do not."""
        self._accepting: asyncio.Task[None] | None = None

    def start(self, listener: socket.socket) -> None:
        """Accept on this listening socket, in the running loop, until ``close``."""
        listener.setblocking(False)  # noqa: FBT003  # positional only
        self._accepting = asyncio.create_task(self._accept(listener))

    async def close(self) -> None:
        """Stop accepting and end every connection."""
        tasks = [*self._tasks, *([self._accepting] if self._accepting else [])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with listener:
            while True:
                try:
                    client, _ = await loop.sock_accept(listener)
                except OSError:  # No file descriptor left, or the client is gone.
                    await asyncio.sleep(0.1)
                    continue
                is_full = len(self._admitted) >= self._limits.connections
                if is_full and len(self._tasks) - len(self._admitted) >= _MAX_REFUSING:
                    client.close()
                    continue
                task = asyncio.create_task(self._serve(client, is_full=is_full))
                for tasks in (self._tasks,) if is_full else (self._tasks, self._admitted):
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)

    async def _serve(self, client: socket.socket, *, is_full: bool) -> None:
        with client:  # Does nothing once streams own the socket.
            try:
                await self._tunnel(client, is_full=is_full)
            except ProxyRefusal as refusal:
                with contextlib.suppress(OSError, TimeoutError):
                    async with asyncio.timeout(self._limits.close_s):
                        await answer(client, refusal)
            except (OSError, TimeoutError):  # The client is gone; ssl.SSLError is an OSError.
                pass

    async def _tunnel(self, client: socket.socket, *, is_full: bool) -> None:
        """One connection, from the request to the end."""
        host, port, early = await self._request(client)
        if is_full:
            raise ProxyRefusal(503, f"There are {self._limits.connections} connections already.")
        is_redirected = host in self._hosts
        if is_redirected and early:
            raise ProxyRefusal(400, "There were bytes after the request, before its answer.")
        context = await self._decide(host, port)
        upstream = await self._connect(host, port, is_redirected=is_redirected)
        downstream: Streams | None = None
        try:
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(client, b"HTTP/1.1 200 Connection established\r\n\r\n")
            downstream = await self._streams(client, context, host)
            if early:
                upstream.writer.write(early)
            await relay(downstream, upstream)
        finally:
            await self._end(upstream, downstream)

    async def _request(self, client: socket.socket) -> tuple[str, int, bytes]:
        """The requested host and port, and the bytes after the request."""
        try:
            async with asyncio.timeout(self._limits.head_s):
                head, early = await read_head(client, self._limits.head_bytes)
        except TimeoutError:
            raise ProxyRefusal(408, "The request did not come in time.") from None
        words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise ProxyRefusal(400, "This is no HTTP request.")
        if words[0] != "CONNECT":
            raise ProxyRefusal(403, "This is a proxy for https and wss: it only takes CONNECT.")
        target = parse_target(words[1])
        if target is None:
            raise ProxyRefusal(400, "CONNECT needs a host and a port.")
        return *target, early

    async def _decide(self, host: str, port: int) -> ssl.SSLContext | None:
        """The TLS settings for a redirected host, None for another one that may pass."""
        if host in self._hosts:
            if port != PORT:
                raise ProxyRefusal(403, f"Of {host} only port {PORT} is redirected.")
            self._note_once(f"{host} goes to {self._server.url}")
            return await self._context()
        if self._pass_others:
            self._note_once(f"{host}:{port} passes untouched")
            return None
        self._note_once(f"{host}:{port} refused; --pass-others would let it through")
        raise ProxyRefusal(
            403,
            f"{host} is not a host that dragoman intercept redirects, and it was started without "
            "--pass-others, so nothing else leaves this machine through it.",
        )

    async def _connect(self, host: str, port: int, *, is_redirected: bool) -> Streams:
        try:
            async with asyncio.timeout(self._limits.connect_s):
                if is_redirected:
                    return await open_server(self._server)
                return Streams(*await asyncio.open_connection(host, port, limit=CHUNK_BYTES))
        except (OSError, TimeoutError):
            where = (
                f"the server at {self._server.url}"
                if is_redirected
                else f"{bracketed(host)}:{port}"
            )
            self._note_once(f"{where} does not answer")
            raise ProxyRefusal(502, f"Cannot connect: {where} does not answer.") from None

    async def _streams(
        self, client: socket.socket, context: ssl.SSLContext | None, host: str
    ) -> Streams:
        """Streams for an accepted socket; with TLS if there is a context."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=CHUNK_BYTES, loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        try:
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol,
                socket.socket(fileno=client.detach()),
                ssl=context,
                ssl_handshake_timeout=self._limits.handshake_s if context else None,
                ssl_shutdown_timeout=self._limits.flush_s if context else None,
            )
        except (OSError, TimeoutError):
            self._note_once(
                f"a program that asked for {host} ended the TLS handshake: does it trust ca.pem?"
            )
            raise
        return Streams(reader, asyncio.StreamWriter(transport, protocol, reader, loop))

    async def _end(self, *sides: Streams | None) -> None:
        """Close both sides; bytes that are not taken in time are lost."""
        writers = [side.writer for side in sides if side is not None]
        for writer in writers:
            writer.close()
        task = asyncio.current_task()
        is_closing = task is not None and task.cancelling() > 0
        try:
            async with asyncio.timeout(
                self._limits.close_s if is_closing else self._limits.flush_s
            ):
                await asyncio.gather(
                    *(writer.wait_closed() for writer in writers), return_exceptions=True
                )
        except TimeoutError:
            pass
        finally:
            for writer in writers:
                writer.transport.abort()

    def _note_once(self, text: str) -> None:
        if text not in self._noted and len(self._noted) < 64:
            self._noted.add(text)
            self._note(text)
