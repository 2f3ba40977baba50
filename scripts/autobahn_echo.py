"""An echo behind this server's HTTP and WebSocket protocols, for the Autobahn test suite.

Scope: the protocol classes of ``dragoman serve`` and nothing behind them. Two bounds are wider than
the server's, because the suite sends messages of 16 MiB and cuts 4 MiB into pieces of 64 bytes.

Run as ``python scripts/autobahn_echo.py``: takes a free port and prints its address.
"""

from __future__ import annotations

import sys

import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send

from dragoman.server.config import ServerLimits
from dragoman.server.observability.metrics import Metrics
from dragoman.server.sockets import bounded_frames
from dragoman.server.sockets.client_bounds import ClientBounds
from dragoman.server.sockets.http_guard import guarded
from dragoman.server.sockets.websocket_guard import bounded, listen

FRAME_BYTES = 16 * 1024 * 1024
FRAGMENTS = 70_000


async def echo(_scope: Scope, receive: Receive, send: Send) -> None:
    """Send back every message until the client goes."""
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({**message, "type": "websocket.send"})


async def main() -> None:
    """Serve until SIGTERM."""
    listener = listen("127.0.0.1", 0)
    sys.stdout.write(f"ws://127.0.0.1:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    bounded_frames.FRAGMENTS = FRAGMENTS
    bounds = ClientBounds(ServerLimits(frame_bytes=FRAME_BYTES), Metrics())
    config = uvicorn.Config(
        echo,
        loop="none",
        http=guarded(bounds),
        ws=bounded(bounds),
        ws_max_size=FRAME_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        ws_ping_timeout=None,
        lifespan="off",
        log_config=None,
        access_log=False,
    )
    await uvicorn.Server(config).serve(sockets=[listener])


if __name__ == "__main__":
    uvloop.run(main())
