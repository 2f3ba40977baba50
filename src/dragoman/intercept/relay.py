"""The parts of a proxied connection: reading the request, the refusal, relaying bytes.

Scope: no decisions about who may connect where (``intercept.proxy``). Bytes are not read, except to
find the end of a request.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from typing import NamedTuple

from dragoman.intercept.names import TargetServer

CHUNK_BYTES = 64 * 1024
_LINGER_BYTES = 256 * 1024
_REASONS = {400: "Bad Request", 403: "Forbidden", 408: "Request Timeout",
            431: "Request Header Fields Too Large", 502: "Bad Gateway",
            503: "Service Unavailable"}  # fmt: skip


class ProxyRefusal(Exception):
    """A request that is answered with an HTTP status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Streams(NamedTuple):
    """The two halves of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


async def open_server(server: TargetServer) -> Streams:
    """Connect to the Dragoman server. Raises ``OSError``, also for an untrusted certificate."""
    context: ssl.SSLContext | None = None
    if server.tls:
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
    name = server.host if server.tls else None
    return Streams(
        *await asyncio.open_connection(
            server.host, server.port, ssl=context, server_hostname=name, limit=CHUNK_BYTES
        )
    )


async def read_head(client: socket.socket, max_bytes: int) -> tuple[bytes, bytes]:
    """The head of a request, and the bytes after it."""
    loop = asyncio.get_running_loop()
    received = b""
    while b"\r\n\r\n" not in received:
        if len(received) > max_bytes:
            raise ProxyRefusal(431, "The head of the request is too long.")
        piece = await loop.sock_recv(client, 4096)
        if not piece:
            raise ConnectionResetError
        received += piece
    head, _, early = received.partition(b"\r\n\r\n")
    return head, early


async def answer(client: socket.socket, refusal: ProxyRefusal) -> None:
    """Send the refusal, then read what still comes: closing with unread bytes resets the socket,
    and the client would not see the answer.
    """
    loop = asyncio.get_running_loop()
    body = f"{refusal}\n".encode()
    head = (
        f"HTTP/1.1 {refusal.status} {_REASONS[refusal.status]}\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    await loop.sock_sendall(client, head.encode() + body)
    client.shutdown(socket.SHUT_WR)
    drained = 0
    while drained < _LINGER_BYTES and (piece := await loop.sock_recv(client, 4096)):
        drained += len(piece)


async def relay(one: Streams, other: Streams) -> None:
    """Relay bytes both ways until either side ends."""
    directions = [
        asyncio.create_task(_copy(one.reader, other.writer)),
        asyncio.create_task(_copy(other.reader, one.writer)),
    ]
    try:
        await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for direction in directions:
            direction.cancel()
        await asyncio.wait(directions)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):  # A reset ends the stream too.
        while piece := await reader.read(CHUNK_BYTES):
            writer.write(piece)
            await writer.drain()
