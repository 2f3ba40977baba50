"""Memory of an idle session: 2,000 of them, connected, configured, silent.

Scope: memory of the server process before and after, divided by the sessions in between. A few
sessions come first, so that what is loaded once does not count.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import uvloop

from dragoman.client.interpretation import InterpretSettings, session_object
from dragoman_bench.figures import BenchFailed, Figure, Part
from dragoman_bench.harness import processes
from dragoman_bench.harness.server_process import ServerProcess, serving
from dragoman_bench.harness.ws_client import INTERPRETATION_MODEL, SYNTHESIS_MODEL, WsClient

_FIRST = 50
_AT_ONCE = 50
_SETTLE_S = 2.0
_AIM_KIB = 40.0
_SETTINGS: dict[str, tuple[str, object]] = {
    "interpretation": (
        INTERPRETATION_MODEL,
        session_object(InterpretSettings(target="es"), INTERPRETATION_MODEL),
    ),
    "synthesis": (SYNTHESIS_MODEL, {"voice": "Cherry", "mode": "server_commit"}),
}


def measure(*, quick: bool, options: Sequence[str] = ()) -> Part:
    """Measure both APIs, each on a fresh server with scripted engines and these options."""
    count = 200 if quick else 2_000
    if not processes.raise_file_limit(count + 200):
        raise BenchFailed(f"{count} connections need more open files than the system allows")
    figures: list[Figure] = []
    raw: dict[str, object] = {"sessions": count}
    for api, (model, settings) in _SETTINGS.items():
        limit = ("--limit", f"sessions={count + _FIRST}")
        with serving("--engines", "scripted", *limit, *options) as server:
            before, after = uvloop.run(_run(server, model, settings, count))
        each = (after - before) / count
        raw[api] = {"before_kib": before, "after_kib": after, "each_kib": each}
        figures += [
            Figure(part="idle", name=f"{api} session", value=each, unit="KiB", aim=_AIM_KIB),
            Figure(part="idle", name=f"server before ({api})", value=before / 1024, unit="MiB"),
        ]
    return Part(name="idle", figures=figures, raw=raw)


async def _run(
    server: ServerProcess, model: str, settings: object, count: int
) -> tuple[float, float]:
    clients = await _connected(server.port, model, settings, _FIRST)
    await asyncio.sleep(_SETTLE_S)
    before = processes.memory_kib(server.pid)
    clients += await _connected(server.port, model, settings, count)
    await asyncio.sleep(_SETTLE_S)
    after = processes.memory_kib(server.pid)
    for client in clients:
        client.close()
    return before, after


async def _connected(port: int, model: str, settings: object, count: int) -> list[WsClient]:
    async def one() -> WsClient:
        client = await WsClient.connect(port, model)
        await client.update(settings)
        return client

    clients: list[WsClient] = []
    while len(clients) < count:
        clients += await asyncio.gather(
            *(one() for _ in range(min(_AT_ONCE, count - len(clients))))
        )
    return clients
