"""How long another session waits while one client floods the server; to be run by hand.

``python -m tests.hostile.flood [SECONDS]`` starts a server with scripted engines and prints, for
each flood, the round trips of a ``session.update`` of another session. The floods come from
processes of their own. It asserts nothing: a time is no test.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import multiprocessing
import socket
import struct
import sys
import time
from collections.abc import Callable

from websockets.sync.client import connect

from dragoman.testing import serve
from tests.hostile.hostile_client import MODEL
from tests.server.raw_websocket import handshake, masked

EVERY_S = 0.01


def _frame(first: int, data: bytes = b"") -> bytes:
    return struct.pack("!BB4x", first, 0x80 | len(data)) + data


FLOODS: dict[str, tuple[bytes, bytes]] = {
    "nothing": (b"", b""),
    "pings": (b"", _frame(0x89)),
    "pongs": (b"", _frame(0x8A)),
    "empty continuations": (_frame(0x01), _frame(0x00)),
    "fragments of 2 bytes": (_frame(0x01), _frame(0x00, b"xx")),
    "messages of 4000 fragments": (b"", _frame(0x01) + _frame(0x00) * 3998 + _frame(0x80)),
    "empty texts": (b"", masked("")),
    "texts of 300 KB": (b"", masked("x" * 300_000)),
}


def flood(port: int, first: bytes, unit: bytes) -> None:
    """Send without end; connect again when the server has had enough."""
    block = unit * max(1, 65_536 // max(1, len(unit)))
    while True:
        with contextlib.suppress(OSError), handshake(port, query=f"?model={MODEL}") as raw:
            raw.setblocking(False)
            raw.sendall(first) if first else None
            waiting = memoryview(b"")
            while True:
                with contextlib.suppress(BlockingIOError):
                    while raw.recv(1_000_000):
                        pass
                    break
                with contextlib.suppress(BlockingIOError):
                    waiting = waiting or memoryview(block)
                    waiting = waiting[raw.send(waiting) :]


def pipeline(port: int, _first: bytes, _unit: bytes) -> None:
    """Many requests in a row, on fifty connections, without waiting for answers."""
    block = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" * 2000
    open_ones: list[socket.socket] = []
    while True:
        while len(open_ones) < 50:
            with contextlib.suppress(OSError):
                raw = socket.create_connection(("127.0.0.1", port), timeout=5)
                raw.setblocking(False)
                open_ones.append(raw)
        for raw in list(open_ones):
            try:
                with contextlib.suppress(BlockingIOError):
                    raw.send(block)
                with contextlib.suppress(BlockingIOError):
                    if not raw.recv(1_000_000):
                        raise ConnectionResetError
            except OSError:
                open_ones.remove(raw)
                raw.close()


def measure(port: int, seconds: float, begin: Callable[[], None]) -> str:
    """Round trips of one quiet session, and of ``/health``, from when the flood begins."""
    update = json.dumps({"type": "session.update", "session": {"mode": "commit"}})
    trips, healths = [], []
    url = f"ws://127.0.0.1:{port}/api-ws/v1/realtime?model={MODEL}"
    with connect(url, compression=None, ping_interval=None) as ws:
        begin()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            trips.append(_timed(lambda: _answer(ws.send, ws.recv, update)))
            if len(trips) % 20 == 0:
                healths.append(_timed(lambda: _health(port)))
            time.sleep(EVERY_S)
    return f"session {_line(trips)}   /health {_line(healths)}"


def _timed(call: Callable[[], None]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def _answer(send: Callable[[str], None], recv: Callable[[], str | bytes], text: str) -> None:
    send(text)
    while json.loads(recv())["type"] != "session.updated":
        pass


def _health(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        connection.request("GET", "/health")
        connection.getresponse().read()


def _line(trips: list[float]) -> str:
    trips = sorted(trips) or [float("nan")]
    at = [trips[min(len(trips) - 1, int(len(trips) * p))] for p in (0.5, 0.99)]
    return f"n={len(trips):4} p50 {at[0]:7.1f}  p99 {at[1]:7.1f}  max {trips[-1]:7.1f} ms"


def main() -> None:
    """Measure each flood with a server of its own."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    floods = {name: (flood, *frames) for name, frames in FLOODS.items()}
    floods["50 pipelines of GET"] = (pipeline, b"", b"")
    for name, (run, first, unit) in floods.items():
        with serve(engines="scripted") as live:
            one = multiprocessing.Process(target=run, args=(live.port, first, unit), daemon=True)
            begin = one.start if name != "nothing" else lambda: None
            print(f"{name:28}", measure(live.port, seconds, begin), flush=True)
            if name != "nothing":
                one.kill()
                one.join()


if __name__ == "__main__":
    main()
