"""The bare echo: the server's own HTTP and WebSocket stack with nothing behind it.

Scope: the same socket options, protocol classes, web server settings and handshake as
``dragoman serve``, made by the same function; only the endpoint differs. It parses nothing: every
frame is answered with one text frame of 6.5 KB, which is the size of 100 ms of speech as an event.

Run as ``python -m dragoman_bench.harness.echo``: takes a free port and prints its address.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import uvloop

from dragoman.server.config import Config
from dragoman.server.connection import Accepted
from dragoman.server.lifecycle import Lifecycle
from dragoman.server.serve import run
from dragoman.server.websocket_guard import listen

REPLY = '{"type":"response.audio.delta","delta":"' + "A" * 6_460 + '"}'


class NoEngines:
    """What the lifecycle needs of its engines, without any."""

    async def load(self, progress: Callable[[str], None]) -> None:
        """Nothing to load."""

    def status(self) -> list[Any]:
        """No engines."""
        return []

    def waiting(self) -> dict[str, int]:
        """No queues."""
        return {}

    def lags_s(self) -> dict[str, list[float]]:
        """No recognisers."""
        return {}

    @property
    def counts(self) -> dict[str, int]:
        """No counters."""
        return {}

    async def close(self) -> None:
        """Nothing to stop."""


async def serve_session(_lifecycle: Lifecycle, accepted: Accepted) -> None:
    """Answer every frame until the client goes."""
    while (await accepted.receive())["type"] == "websocket.receive":
        await accepted.send({"type": "websocket.send", "text": REPLY})


def main() -> int:
    """Serve until SIGTERM; the exit code."""
    listener = listen("127.0.0.1", 0)
    lifecycle = Lifecycle(Config(port=0, drain_s=0.5), NoEngines())

    def announce(url: str) -> None:
        sys.stdout.write(f"echo serves {url}\n")
        sys.stdout.flush()

    return uvloop.run(run(listener, lifecycle, serve_session, announce))


if __name__ == "__main__":
    sys.exit(main())
