"""A WebSocket on a bare socket, so that a test can misbehave."""

from __future__ import annotations

import base64
import os
import socket
import struct
from collections.abc import Iterator


def handshake(port: int, receive_buffer: int | None = None, query: str = "") -> socket.socket:
    """An accepted WebSocket; nothing behind the handshake has been read from it."""
    raw = socket.socket()
    if receive_buffer is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    raw.settimeout(20)
    raw.connect(("127.0.0.1", port))
    key = base64.b64encode(os.urandom(16)).decode()
    raw.sendall(
        f"GET /api-ws/v1/realtime{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    head = b""
    while b"\r\n\r\n" not in head:
        head += raw.recv(1)
    assert b" 101 " in head
    return raw


def masked(text: str) -> bytes:
    """A client's text frame; masked with zeros, which the standard cannot forbid."""
    data = text.encode()
    if len(data) < 126:
        return struct.pack("!BB4x", 0x81, 0x80 | len(data)) + data
    return struct.pack("!BBQ4x", 0x81, 0xFF, len(data)) + data


def text_frames(raw: socket.socket) -> Iterator[str]:
    """The text frames that a server sends, until it hangs up."""
    with raw.makefile("rb") as stream:
        while head := stream.read(2):
            size = head[1]
            if size == 126:
                (size,) = struct.unpack("!H", stream.read(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", stream.read(8))
            data = stream.read(size)
            if head[0] == 0x81:
                yield data.decode()
