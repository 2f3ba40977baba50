"""The load's WebSocket client: as little Python per frame as possible.

Scope: RFC 6455 as far as this server uses it (unfragmented text frames, no extension) and the
upgrade request; anything else fails loudly. A client is a callback, not a task: thousands share
one loop, and the time of arrival is taken when the bytes are read. Frames go out with a mask of
zeros, which costs the server the same as any other.
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable
from typing import cast

import msgspec
import pybase64

from dragoman.client import interpretation
from dragoman_bench.figures import BenchFailed

OnText = Callable[[bytes, float], None]
"""Gets a frame's text and the time of its arrival, in seconds of ``time.monotonic``."""

INTERPRETATION_MODEL = interpretation.DEFAULT_MODEL
SYNTHESIS_MODEL = "qwen3-tts-flash-realtime"
PATH = "/api-ws/v1/realtime"
FINISH = b'{"type":"session.finish"}'
_APPEND_HEAD, _APPEND_TAIL = b'{"type":"input_audio_buffer.append","audio":"', b'"}'
_TYPE = b'"type":"'
_TEXT, _CLOSE, _PING = 1, 8, 9
_MASK = bytes(4)
_WAIT_S = 60.0


def type_of(event: bytes) -> str:
    """The type of an event, found without parsing; the server writes it near the front."""
    start = event.find(_TYPE) + len(_TYPE)
    return event[start : event.index(b'"', start)].decode() if start >= len(_TYPE) else ""


def append_audio(pcm: bytes) -> bytes:
    """The event that appends this speech (s16le at 16 kHz)."""
    return _APPEND_HEAD + pybase64.b64encode(pcm) + _APPEND_TAIL


def framed(payload: bytes, opcode: int = _TEXT) -> bytes:
    """A client's frame around a payload."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
    return head + _MASK + payload


class Refused(BenchFailed):
    """The handshake was refused with this HTTP status; the text is the answer's beginning."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"refused: {text}")
        self.status = status


class WsClient(asyncio.Protocol):
    """One connection. ``on_text`` may be replaced at any time."""

    def __init__(self, port: int, model: str, on_text: OnText | None = None) -> None:
        self.on_text = on_text
        self._port = port
        self._model = model
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._open = False
        self._waiting: dict[str, asyncio.Future[bytes]] = {}
        self._closed: BenchFailed | None = None

    @classmethod
    async def connect(
        cls,
        port: int,
        model: str,
        on_text: OnText | None = None,
        *,
        greeting: str = "session.created",
    ) -> WsClient:
        """Connect, and wait for the server's first event; with ``greeting=""`` only for the
        upgrade.
        """
        client = cls(port, model, on_text)
        greeted = client.next_event(greeting)
        await client._loop.create_connection(lambda: client, "127.0.0.1", port)
        await asyncio.wait_for(greeted, _WAIT_S)
        return client

    async def update(self, session: object) -> None:
        """Send settings and wait until they are in force."""
        updated = self.next_event("session.updated")
        self.send(msgspec.json.encode({"type": "session.update", "session": session}))
        await asyncio.wait_for(updated, _WAIT_S)

    def next_event(self, type_: str) -> asyncio.Future[bytes]:
        """The next event of this type; fails when an ``error`` or the end comes instead."""
        future: asyncio.Future[bytes] = self._loop.create_future()
        if self._closed:
            future.set_exception(self._closed)
        self._waiting[type_] = future
        return future

    def send(self, payload: bytes) -> None:
        """Send a text frame."""
        self.write(framed(payload))

    def write(self, frames: bytes) -> None:
        """Send frames. Raises ``BenchFailed`` when the connection is closed."""
        if self._transport is None or self._closed:
            raise self._closed or BenchFailed("not connected")
        self._transport.write(frames)

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None and not self._closed:
            self._transport.write(framed(struct.pack("!H", 1000), _CLOSE))
            self._transport.close()

    def abort(self) -> None:
        """Reset the connection, as a client that crashed or lost its network."""
        if self._transport is not None and not self._closed:
            self._transport.abort()

    # ------------------------------------------------------------ asyncio.Protocol
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the WebSocket."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it
        self._transport.write(
            f"GET {PATH}?model={self._model} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: ZHJhZ29tYW4tYmVuY2gtMQ==\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Bytes, cut anywhere."""
        now_s = time.monotonic()
        self._buffer += data
        if not self._open and not self._upgraded():
            return
        start = 0
        while (end := self._frame(start, now_s)) > start:
            start = end
        del self._buffer[:start]

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more comes."""
        self._close_with(BenchFailed(str(exc) if exc else "the server hung up"))

    # ------------------------------------------------------------ inside
    def _upgraded(self) -> bool:
        head, blank, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        if not blank:
            return False
        status = head.split(b"\r\n", 1)[0].split(b" ", 2)[1]
        if status != b"101":
            text = f"{head.decode('latin-1')[:200]} {rest.decode()[:300]}"
            self._close_with(Refused(int(status), text))
            return False
        self._open = True
        self._buffer = bytearray(rest)
        self._resolve("", b"")
        return True

    def _frame(self, start: int, now_s: float) -> int:
        """Take the frame at ``start``; where it ends, or ``start`` when it is not all there."""
        buffer, size = self._buffer, len(self._buffer) - start
        if size < 2:
            return start
        length, head = buffer[start + 1], 2
        if length >= 126:
            head = 4 if length == 126 else 10
            length = int.from_bytes(buffer[start + 2 : start + head], "big")
        if size < head or size < head + length:
            return start
        end = start + head + length
        with memoryview(buffer) as view:
            payload = bytes(view[start + head : end])
        self._take(buffer[start], payload, now_s)
        return end

    def _take(self, first: int, payload: bytes, now_s: float) -> None:
        if first == 0x80 | _TEXT:
            if self._waiting:
                self._resolve(type_of(payload), payload)
            if self.on_text is not None:
                self.on_text(payload, now_s)
        elif first == 0x80 | _CLOSE:
            reason = payload[2:].decode("utf-8", "replace")
            self._close_with(BenchFailed(f"the server closed: {reason}"))
            if self._transport is not None:
                self._transport.close()
        elif first != 0x80 | _PING:
            self._close_with(BenchFailed(f"a frame that begins with {first:#x}"))

    def _resolve(self, type_: str, payload: bytes) -> None:
        future = self._waiting.pop(type_, None)
        if future is not None and not future.done():
            future.set_result(payload)
        if type_ == "error":
            self._fail(BenchFailed(payload.decode()))

    def _close_with(self, reason: BenchFailed) -> None:
        self._closed = self._closed or reason
        self._fail(self._closed)

    def _fail(self, reason: BenchFailed) -> None:
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(reason)
                future.exception()  # retrieved, also when nobody waits any more
