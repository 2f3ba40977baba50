"""Messages between the socket and the session: many at once, in order, and not without bound."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
import threading
import time
from typing import Any

import pytest
from starlette.types import Message
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from dragoman.server.connection import Accepted
from dragoman.server.lifecycle import Lifecycle
from dragoman.server.websocket_guard import READ_AHEAD, BoundedWebSocket
from tests.server.raw_websocket import handshake, masked
from tests.server.server_thread import shell


async def report(lifecycle: Lifecycle, accepted: Accepted) -> None:
    """Take what is there, again and again; at the end of the input tell what came with what."""
    stream, batches = accepted.stream, []
    with lifecycle.session("report"):
        while not batches or batches[-1][-1] != "end":
            await stream.arrival()
            batches.append([text_of(message) for message in stream.take(1000)])
        stream.write([json.dumps(batches)])
        await stream.drain()


def text_of(message: Message) -> str:
    data = message.get("bytes")
    return str(message["text"]) if data is None else f"bytes {data.hex()}"


def frame(opcode: int, data: bytes, *, final: bool = True) -> bytes:
    return struct.pack("!BB4x", (0x80 if final else 0) | opcode, 0x80 | len(data)) + data


def batches_of(raw: Any) -> list[list[str]]:
    """The text frame that ``report`` sent."""
    data = b""
    while b"]]" not in data:
        data += raw.recv(65_536)
    batches: list[list[str]] = json.loads(data[data.index(b"[") : data.rindex(b"]") + 1])
    return batches


def test_frames_that_come_together_are_taken_together() -> None:
    with shell(serve_session=report) as live, contextlib.closing(handshake(live.port)) as raw:
        raw.sendall(b"".join(masked(text) for text in ("a", "b", "c", "end")))
        assert batches_of(raw) == [["a", "b", "c", "end"]]


def test_messages_in_several_frames_and_binary_ones_keep_their_order() -> None:
    half = "é".encode()
    with shell(serve_session=report) as live, contextlib.closing(handshake(live.port)) as raw:
        raw.sendall(
            frame(1, b"caf" + half[:1], final=False)
            + frame(9, b"ping between the parts")
            + frame(0, half[1:])
            + frame(2, b"\x01\x02")
            + masked("end")
        )
        assert batches_of(raw) == [["café", "bytes 0102", "end"]]


def test_text_that_is_not_utf_8_closes_with_1007() -> None:
    with shell(serve_session=report) as live, contextlib.closing(handshake(live.port)) as raw:
        raw.sendall(frame(1, b"\xff\xfe") + masked("never read"))
        data = b""
        while len(data) < 4:
            data += raw.recv(100)
        assert data[0] == 0x88
        assert struct.unpack("!H", data[2:4]) == (1007,)


@pytest.mark.parametrize(("count", "size"), [(500, 30_000), (300_000, 0)])
def test_a_session_that_does_not_take_stops_the_reading(count: int, size: int) -> None:
    """Also of messages without any content, which would fill the memory all the same."""
    go = threading.Event()

    async def slow(lifecycle: Lifecycle, accepted: Accepted) -> None:
        taken = 0
        with lifecycle.session("slow"):
            await asyncio.to_thread(go.wait, 20)
            while taken < count:
                await accepted.stream.arrival()
                taken += len(accepted.stream.take(700))
            accepted.stream.write(["all"])
            await accepted.stream.drain()

    with shell(serve_session=slow) as live, contextlib.closing(handshake(live.port)) as raw:
        sending = threading.Thread(target=raw.sendall, args=(masked("x" * size) * count,))
        sending.start()
        (connection,) = live.server.server_state.connections
        assert isinstance(connection, BoundedWebSocket)
        limit = time.monotonic() + 20
        while not connection.read_paused and time.monotonic() < limit:
            pass
        held = connection.queue.size
        go.set()
        assert READ_AHEAD < held < READ_AHEAD + 6_000_000  # one read more
        assert raw.recv(100)[2:] == b"all"
        sending.join(20)


def test_asgi_still_works_beside_the_stream() -> None:
    with shell() as live, connect(live.url) as ws:
        assert ws.recv(10) == "model="
        for number in range(100):
            ws.send(str(number))
        assert [ws.recv(10) for _ in range(100)] == [str(number) for number in range(100)]


def test_writing_to_a_client_that_has_gone_is_an_os_error() -> None:
    failures: list[str] = []

    async def late(lifecycle: Lifecycle, accepted: Accepted) -> None:
        stream = accepted.stream
        with lifecycle.session("late"):
            await stream.arrival()
            assert stream.take(1)[0]["type"] == "websocket.disconnect"
            try:
                stream.write(["too late"])
            except OSError:
                failures.append("write")
            await stream.arrival()  # the disconnect of the transport follows that of the protocol
            try:
                await stream.drain()
            except OSError:
                failures.append("drain")

    with shell(serve_session=late) as live:
        with connect(live.url) as ws:
            ws.close()
        live.wait_idle()
    assert failures == ["write", "drain"]


def test_a_close_is_the_last_frame() -> None:
    async def closing(lifecycle: Lifecycle, accepted: Accepted) -> None:
        with lifecycle.session("closing"):
            accepted.stream.write(["one", "two"])
            await accepted.stream.send({"type": "websocket.close", "code": 1000, "reason": "bye"})
            try:
                accepted.stream.write(["three"])
            except OSError:
                refused.append("three")

    refused: list[str] = []
    with shell(serve_session=closing) as live, connect(live.url) as ws:
        assert [ws.recv(10), ws.recv(10)] == ["one", "two"]
        with pytest.raises(ConnectionClosed) as closed:
            ws.recv(10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.reason == "bye"
    assert refused == ["three"]


def test_uvicorn_has_what_the_guard_builds_on() -> None:
    """The methods that are overridden exist, and are called by uvicorn's own under these names."""
    names = {
        "handle_connect",
        "handle_ping",
        "handle_parser_exception",
        "send_receive_event_to_app",
    }
    used = {name for method in vars(WebSocketsSansIOProtocol).values() if callable(method)
            for name in method.__code__.co_names}  # fmt: skip
    assert names | {"put_nowait", "read_paused", "curr_msg_data_type", "close_sent"} <= used
