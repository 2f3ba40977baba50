"""What a connection of the proxy is made of: a head, an answer, and bytes carried both ways.

Law of this file: no decisions about who may connect where; see ``intercept_proxy``. Bytes are never
looked at, but for the end of a head.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from typing import NamedTuple

from dragoman.intercept.names import Server

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


async def open_server(server: Server) -> Streams:
    """A connection to the Dragoman server.

    Raises:
        OSError: nobody there, or its certificate is not trusted.

    """
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


async def read_head(client: socket.socket, most_bytes: int) -> tuple[bytes, bytes]:
    """The head of a request, and the bytes behind it."""
    loop = asyncio.get_running_loop()
    taken = b""
    while b"\r\n\r\n" not in taken:
        if len(taken) > most_bytes:
            raise ProxyRefusal(431, "The head of the request is too long.")
        piece = await loop.sock_recv(client, 4096)
        if not piece:
            raise ConnectionResetError
        taken += piece
    head, _, early = taken.partition(b"\r\n\r\n")
    return head, early


async def answer(client: socket.socket, refusal: ProxyRefusal) -> None:
    """Send the refusal, and take what is still coming, lest a reset swallow the answer."""
    loop = asyncio.get_running_loop()
    body = f"{refusal}\n".encode()
    head = (
        f"HTTP/1.1 {refusal.status} {_REASONS[refusal.status]}\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    await loop.sock_sendall(client, head.encode() + body)
    client.shutdown(socket.SHUT_WR)
    taken = 0
    while taken < _LINGER_BYTES and (piece := await loop.sock_recv(client, 4096)):
        taken += len(piece)


async def relay(one: Streams, other: Streams) -> None:
    """Carry bytes both ways until either side ends."""
    ways = [
        asyncio.create_task(_carry(one.reader, other.writer)),
        asyncio.create_task(_carry(other.reader, one.writer)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.wait(ways)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):  # A reset is an end like any other.
        while piece := await reader.read(CHUNK_BYTES):
            writer.write(piece)
            await writer.drain()
