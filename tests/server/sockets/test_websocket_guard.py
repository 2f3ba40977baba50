"""Messages between the socket and the session: many at once, in order, and not without bound."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import struct
import threading
import time
from typing import Any

import pytest
from starlette.types import Message
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from dragoman.server.connection import Accepted
from dragoman.server.lifecycle import Lifecycle
from dragoman.server.sockets.websocket_guard import READ_AHEAD, BoundedWebSocket
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


def close_code(raw: socket.socket) -> int:
    """The code of the close frame that ends what the server sends."""
    data = b""
    with contextlib.suppress(ConnectionResetError):  # which must not overtake the close frame
        while piece := raw.recv(65_536):
            data += piece
    reason = data.rindex(b"\x88")
    assert data[reason + 1] == len(data) - reason - 2
    return int(struct.unpack("!H", data[reason + 2 : reason + 4])[0])


HALF = "é".encode()[:1]
NO_TEXT = {
    "one frame": frame(1, b"\xff\xfe"),
    "half a character": frame(1, HALF),
    "half a character at the end of the last part": frame(1, b"a", final=False) + frame(0, HALF),
    "a wrong byte in a part, before the message is whole": (
        frame(1, b"a", final=False) + frame(0, HALF + b"b", final=False)
    ),
}


@pytest.mark.parametrize("name", NO_TEXT)
def test_text_that_is_not_utf_8_closes_with_1007_at_once(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with shell() as live, contextlib.closing(handshake(live.port)) as raw:
        raw.sendall(NO_TEXT[name])
        assert close_code(raw) == 1007
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


FLOODS = {
    "pings": frame(9, b"") * 1000,
    "pongs": frame(10, b"x") * 1000,
    "pings inside a message": frame(1, b"", final=False) + frame(9, b"") * 1000,
    "empty continuations": frame(1, b"", final=False) + frame(0, b"", final=False) * 5000,
    "fragments": frame(1, b"", final=False) + frame(0, b"xx", final=False) * 5000,
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_of_frames_closes_with_1008(name: str) -> None:
    with shell(serve_session=report) as live, contextlib.closing(handshake(live.port)) as raw:
        raw.sendall(FLOODS[name])
        assert close_code(raw) == 1008
        assert 'dragoman_bounds_total{bound="frames"} 1.0' in live.get("/metrics")[2].decode()


def test_a_message_may_have_many_fragments_and_a_client_some_pings() -> None:
    parts = frame(1, b"x", final=False) + frame(0, b"x", final=False) * 4000 + frame(0, b"")
    with shell(serve_session=report) as live, contextlib.closing(handshake(live.port)) as raw:
        raw.sendall(parts * 3 + frame(9, b"") * 100 + masked("end"))
        got = b""
        while not got.endswith(b"]]"):
            got += raw.recv(65_536)
        texts = [text for batch in json.loads(got[got.index(b"[[") :]) for text in batch]
        assert texts == ["x" * 4001] * 3 + ["end"]


def test_small_frames_that_come_at_once_are_parsed_in_slices(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Other connections have their turn between them."""
    monkeypatch.setattr("dragoman.server.sockets.loop_turns.TURN_S", 0.0)
    with shell(serve_session=report) as live, contextlib.closing(handshake(live.port)) as raw:
        raw.sendall(masked("") * 600 + masked("end"))
        batches = batches_of(raw)
        assert sum(map(len, batches)) == 601
        assert max(map(len, batches)) < 300


def test_input_of_all_together_has_a_bound_that_costs_the_greatest() -> None:
    def begin(size: int) -> bytes:
        return struct.pack("!BBQ4x", 0x81, 0xFF, size)

    limits = {"memory_bytes": 1024 * 1024}
    with (
        shell(limits=limits) as live,
        contextlib.closing(handshake(live.port)) as greedy,
        contextlib.closing(handshake(live.port)) as modest,
    ):
        greedy.sendall(begin(1_200_000) + b"x" * 900_000)
        modest.sendall(begin(400_000) + b"y" * 300_000)
        assert close_code(greedy) == 1013
        modest.sendall(b"y" * 100_000)
        echoed = b""
        while echoed.count(b"y") < 400_000:
            echoed += modest.recv(65_536)
        modest.sendall(begin(1_200_000) + b"x" * 1_150_000)
        assert close_code(modest) == 1013, "one alone has no more, either"


def test_a_close_inside_a_message_is_answered_as_any_other() -> None:
    """RFC 6455 lets a client close there; Autobahn 7.1.5."""
    with shell(serve_session=report) as live, contextlib.closing(handshake(live.port)) as raw:
        raw.sendall(frame(1, b"a", final=False) + frame(8, struct.pack("!H", 1000)))
        assert close_code(raw) == 1000


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
        while time.monotonic() < limit:
            # Reading also pauses for a moment when its turn on the loop is over.
            held = connection.queue.size
            if connection.read_paused and held > READ_AHEAD:
                break
        go.set()
        assert READ_AHEAD < held < READ_AHEAD + 200_000  # one piece of the input more
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
        "handle_text",
        "handle_bytes",
        "handle_cont",
        "handle_events",
        "receive_data",
        "send_500_response",
    }
    used = {name for method in vars(WebSocketsSansIOProtocol).values() if callable(method)
            for name in method.__code__.co_names}  # fmt: skip
    assert names | {"put_nowait", "read_paused", "close_timer", "close_sent"} <= used
    used = {name for method in vars(HttpToolsProtocol).values() if callable(method)
            for name in method.__code__.co_names}  # fmt: skip
    assert {"_start_asgi_task", "handle_websocket_upgrade", "keep_alive", "_should_upgrade"} <= used
