"""WebSocket bytes of any kind against the live protocol class, with a second reader as the judge.

Valid frames are mutated in every field and in their bytes, cut off, and sent in pieces of any size.
Whatever comes: valid messages before the first fault are answered in their order, a fault closes
with a code that says what it was and never with 1011, the answer is well-formed, and the
connection ends.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.server.connection import Accepted
from dragoman.server.lifecycle import Lifecycle
from tests.hostile.random_events import fuzz
from tests.server.raw_websocket import handshake
from tests.server.server_thread import Shell, shell

FRAME_BYTES = 64 * 1024
TEXT, BYTES, CONT, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
END = b"The end."
"""The last message of every stream."""
FAULTS = {1002, 1007, 1008, 1009}
"""Close codes for what a client did wrong."""


async def repeat(lifecycle: Lifecycle, accepted: Accepted) -> None:
    """Send every message back as it came."""
    with lifecycle.session("echo"):
        while (message := await accepted.receive())["type"] == "websocket.receive":
            with contextlib.suppress(OSError):
                await accepted.send({**message, "type": "websocket.send"})


@pytest.fixture(scope="module")
def server() -> Iterator[Shell]:
    with shell(serve_session=repeat, limits={"frame_bytes": FRAME_BYTES}) as running:
        yield running


# ---------------------------------------------------------------- what is sent
@dataclass(frozen=True)
class Sent:
    """A client's frame; ``size`` and ``width`` lie about the payload and its length field."""

    opcode: int
    payload: bytes
    fin: bool = True
    rsv: int = 0
    masked: bool = True
    size: int | None = None
    width: int | None = None

    def encoded(self) -> bytes:
        size = len(self.payload) if self.size is None else self.size
        width = self.width or (0 if size < 126 else 2 if size < 1 << 16 else 8)
        head = bytes([self.fin << 7 | self.rsv << 4 | self.opcode])
        mask_bit = self.masked << 7
        if width == 0:
            head += bytes([mask_bit | min(size, 125)])
        elif width == 2:
            head += struct.pack("!BH", mask_bit | 126, min(size, 0xFFFF))
        else:
            head += struct.pack("!BQ", mask_bit | 127, size)
        key = b"\x11\x22\x33\x44" if self.masked else b""
        data = bytes(byte ^ key[at % 4] for at, byte in enumerate(self.payload)) if key else None
        return head + key + (self.payload if data is None else data)


PAYLOADS = st.one_of(
    st.text(max_size=20).map(lambda text: text.encode("utf-8", "replace")),
    st.binary(max_size=20),
    st.sampled_from([b"", b"\xff", b"\xed\xa0\x80", b"\xf0\x9f\x98", b"x" * 125, b"x" * 126]),
    st.sampled_from([b"y" * 65_535, b"y" * FRAME_BYTES, b"y" * (FRAME_BYTES + 1)]),
)
CLOSES = st.sampled_from(
    [b"", b"\x03", *(struct.pack("!H", code) for code in (0, 999, 1000, 1001, 1005, 1006, 1015)),
     struct.pack("!H", 3000) + b"bye", struct.pack("!H", 4999), struct.pack("!H", 5000),
     struct.pack("!H", 1000) + b"\xff", struct.pack("!H", 1000) + b"r" * 123,
     struct.pack("!H", 1000) + b"r" * 124]
)  # fmt: skip


@st.composite
def messages(draw: st.DrawFn) -> list[Sent]:
    """A whole message, perhaps in fragments with control frames between them."""
    text = draw(st.booleans())
    payload = draw(st.text(max_size=40)).encode("utf-8", "replace") if text else draw(PAYLOADS)
    cuts = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=3)))
    parts = [payload[a:b] for a, b in zip([0, *cuts], [*cuts, len(payload)], strict=True)]
    frames = []
    for number, part in enumerate(parts):
        opcode = CONT if number else TEXT if text else BYTES
        frames.append(Sent(opcode, part, fin=number == len(parts) - 1))
        if draw(st.integers(0, 4)) == 0:
            frames.append(Sent(draw(st.sampled_from([PING, PONG])), draw(st.binary(max_size=125))))
    return frames


FRAMES = st.one_of(
    messages(),
    messages(),
    st.builds(
        Sent,
        st.integers(0, 15),
        PAYLOADS,
        fin=st.booleans(),
        rsv=st.sampled_from([0, 0, 0, 1, 2, 4, 7]),
        masked=st.sampled_from([True, True, True, False]),
        size=st.sampled_from([None, None, None, 0, 1, 126, 1 << 16, 1 << 31, (1 << 63) - 1]),
        width=st.sampled_from([None, None, None, 2, 8]),
    ).map(lambda frame: [frame]),
    st.builds(Sent, st.just(CLOSE), CLOSES).map(lambda frame: [frame]),
)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Some messages and frames, some of them wrong; sometimes with wrong bytes as well."""
    frames = [frame for part in draw(st.lists(FRAMES, max_size=6)) for frame in part]
    data = b"".join(frame.encoded() for frame in frames)
    if draw(st.integers(0, 3)) == 0 and data:
        at = draw(st.integers(0, len(data) - 1))
        junk = draw(st.binary(max_size=8))
        data = data[:at] + junk + data[at + draw(st.integers(0, 8)) :]
    if draw(st.integers(0, 5)) == 0:
        data = data[: draw(st.integers(0, len(data)))]
    return data


# ---------------------------------------------------------------- the judge
@dataclass
class Verdict:
    """What a reader of RFC 6455 makes of a client's bytes."""

    messages: list[str | bytes]
    pings: list[bytes]
    close: int | None = None
    """The code that the client closed with; 1005 for none."""
    fault: int | None = None
    """The code that the first fault has."""

    @property
    def is_whole(self) -> bool:
        """Whether the client did nothing wrong, and the server may still answer."""
        is_open = self.close is None and self.fault is None
        return is_open and self.messages[-1:] == [END.decode()]


class Fault(Exception):
    """The stream breaks the protocol."""


def judged(data: bytes) -> Verdict:
    verdict = Verdict([], [])
    parts: list[bytes] = []
    opening = 0
    at = 0
    try:
        while verdict.close is None and (frame := _frame(data, at)) is not None:
            first, payload, at = frame
            opcode, fin = first & 15, bool(first & 128)
            if opcode >= CLOSE:
                _control(verdict, opcode, payload)
                continue
            if (opcode == CONT) == (not opening):
                raise Fault(1002)
            opening = opening or opcode
            parts.append(payload)
            if sum(map(len, parts)) > FRAME_BYTES:
                raise Fault(1009)
            if fin:
                whole = b"".join(parts)
                verdict.messages.append(whole.decode() if opening == TEXT else whole)
                parts, opening = [], 0
    except Fault as fault:
        verdict.fault = fault.args[0]
    except UnicodeDecodeError:
        verdict.fault = 1007
    return verdict


def _frame(data: bytes, at: int) -> tuple[int, bytes, int] | None:
    """First byte, payload and end of the frame at this place; None where it is not whole."""
    if len(data) < at + 2:
        return None
    first, second = data[at], data[at + 1]
    opcode, size, start = first & 15, second & 127, at + 2
    if not second & 128 or opcode not in {0, 1, 2, 8, 9, 10}:
        raise Fault(1002)
    width = {126: 2, 127: 8}.get(size, 0)
    if len(data) < start + width:
        return None
    if width:
        size = int.from_bytes(data[start : start + width], "big")
    if size > FRAME_BYTES:
        raise Fault(1009)
    start += width
    if len(data) < start + 4 + size:
        return None
    # Only now: the library looks at these when it has the whole frame.
    if first & 0x70 or (opcode >= CLOSE and (size > 125 or not first & 128)):
        raise Fault(1002)
    key = data[start : start + 4]
    masked = data[start + 4 : start + 4 + size]
    payload = bytes(byte ^ key[n % 4] for n, byte in enumerate(masked))
    return first, payload, start + 4 + size


def _control(verdict: Verdict, opcode: int, payload: bytes) -> None:
    if opcode == PING:
        verdict.pings.append(payload)
    elif opcode == CLOSE:
        if not payload:
            verdict.close = 1005
            return
        code = int.from_bytes(payload[:2], "big") if len(payload) > 1 else 0
        if code not in {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}:
            raise Fault(1002)
        payload[2:].decode()
        verdict.close = code


# ---------------------------------------------------------------- what came back
def answers(port: int, data: bytes, piece: int, wanted: Verdict) -> list[tuple[int, bytes]]:
    """Send the bytes in pieces; all frames of the answer, until the server hangs up.

    The client closes when its last message came back, and hangs up where it never will.
    """
    received = b""
    with handshake(port) as raw, contextlib.suppress(ConnectionError):
        for at in range(0, len(data), piece):
            raw.sendall(data[at : at + piece])
        if wanted.is_whole:
            while END not in received:
                chunk = raw.recv(65_536)
                assert chunk, "the server hung up on a client that did nothing wrong"
                received += chunk
            raw.sendall(Sent(CLOSE, b"\x03\xe8").encoded())
        elif wanted.fault is None and wanted.close is None:
            raw.shutdown(socket.SHUT_WR)
        while chunk := raw.recv(65_536):
            received += chunk
    return list(_server_frames(received))


def _server_frames(received: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(received):
        first, size, start = received[at], received[at + 1], at + 2
        assert first & 0xF0 == 0x80, "whole frames without extensions"
        assert size < 128, "a server does not mask"
        width = {126: 2, 127: 8}.get(size, 0)
        if width:
            size = int.from_bytes(received[start : start + width], "big")
        start += width
        yield first & 15, received[start : start + size]
        at = start + size
    assert at == len(received), "no frame is cut off"


@fuzz(120)
@given(data=streams(), piece=st.sampled_from([1, 3, 1_000, 1 << 20]))
def test_any_bytes_get_the_answer_they_deserve(server: Shell, data: bytes, piece: int) -> None:
    if piece < 1_000:
        data = data[:2_000]
    data += Sent(TEXT, END).encoded()
    wanted = judged(data)
    found = answers(server.port, data, piece, wanted)
    kinds = [opcode for opcode, _ in found]
    said: list[Any] = [
        payload.decode() if opcode == TEXT else payload
        for opcode, payload in found
        if opcode in {TEXT, BYTES}
    ]
    codes = [int.from_bytes(body[:2], "big") or 1005 for op, body in found if op == CLOSE]
    assert CLOSE not in kinds[:-1], "a close is the last frame"
    assert said == wanted.messages[: len(said)]
    pongs = [payload for opcode, payload in found if opcode == PONG]
    assert pongs == wanted.pings[: len(pongs)]
    if wanted.is_whole:
        assert said == wanted.messages
        assert codes == [1000]
    elif wanted.close is not None:
        assert codes == [wanted.close]
    else:
        assert set(codes) <= FAULTS
    server.wait_idle()
