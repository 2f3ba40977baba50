"""The bare echo: the server's own HTTP and WebSocket stack with nothing behind it.

Law of this file: the same socket options, protocol class, settings of the web server and
handshake as ``dragoman serve``, because it is the same function that makes them; only the
conversation differs. It parses nothing: whatever comes, one text frame of 6.5 KB goes back, which
is what 100 ms of speech weighs as an event.

Run as ``python -m dragoman_bench.harness.echo``: takes a free loopback port and prints its address.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from starlette.types import Receive, Send

from dragoman.server.config import Config
from dragoman.server.lifecycle import Service
from dragoman.server.serve import run
from dragoman.server.websocket_guard import listen
from dragoman_bench import loops

REPLY = '{"type":"response.audio.delta","delta":"' + "A" * 6_460 + '"}'


class Nothing:
    """What the service asks of its engines, where there are none."""

    async def load(self, progress: Callable[[str], None]) -> None:
        """There is nothing to load."""

    def status(self) -> list[Any]:
        """There is nothing to tell."""
        return []

    def waiting(self) -> dict[str, int]:
        """Nothing waits."""
        return {}

    def lags_s(self) -> dict[str, list[float]]:
        """Nobody listens."""
        return {}

    @property
    def counts(self) -> dict[str, int]:
        """Nothing happens."""
        return {}

    async def close(self) -> None:
        """There is nothing to stop."""


async def converse(_service: Service, _model: str, receive: Receive, send: Send) -> None:
    """Answer every frame until the client goes."""
    while (await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": REPLY})


def main() -> int:
    """Serve until SIGTERM; the exit code."""
    listener = listen("127.0.0.1", 0)
    service = Service(Config(port=0, drain_s=0.5), Nothing())

    def announce(url: str) -> None:
        sys.stdout.write(f"echo serves {url}\n")
        sys.stdout.flush()

    return loops.run(run(listener, service, converse, announce))


if __name__ == "__main__":
    sys.exit(main())
