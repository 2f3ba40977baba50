"""The bare echo: the server's own HTTP and WebSocket stack with nothing behind it.

Scope: the same socket options, protocol classes, web server settings and handshake as
``dragoman serve``, made by the same function; only the endpoint differs. It parses nothing: every
frame is answered with one text frame of 6.5 KB, which is the size of 100 ms of speech as an event.

Run as ``python -m dragoman_bench.harness.echo``: takes a free port and prints its address.
"""

from __future__ import annotations

import sys

import uvloop

from dragoman.engines.registry import EngineChoice
from dragoman.runtime.engine_set import EngineSet
from dragoman.server.config import Config
from dragoman.server.connection import Accepted
from dragoman.server.lifecycle import Lifecycle
from dragoman.server.serve import run
from dragoman.server.sockets.listener import listen

REPLY = '{"type":"response.audio.delta","delta":"' + "A" * 6_460 + '"}'


async def serve_session(_lifecycle: Lifecycle, accepted: Accepted) -> None:
    """Answer every frame until the client goes."""
    while (await accepted.receive())["type"] == "websocket.receive":
        await accepted.send({"type": "websocket.send", "text": REPLY})


def main() -> int:
    """Serve until SIGTERM; the exit code."""
    listener = listen("127.0.0.1", 0)
    lifecycle = Lifecycle(Config(port=0, drain_s=0.5), EngineSet(EngineChoice()))

    def announce(url: str) -> None:
        sys.stdout.write(f"echo serves {url}\n")
        sys.stdout.flush()

    return uvloop.run(run(listener, lifecycle, serve_session, announce))


if __name__ == "__main__":
    sys.exit(main())
