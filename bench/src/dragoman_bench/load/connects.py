"""Connections per second: sessions that begin and end at once, and handshakes that are refused.

Scope: connections are begun at a fixed rate, whatever became of those before; a wait counts from
when its connection was due. The server that refuses is full: its limit of sessions is reached.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
import uvloop

from dragoman_bench.figures import BenchFailed, Figure, Part, Row, lines, quantile
from dragoman_bench.harness import processes
from dragoman_bench.harness.pacer import Pacer
from dragoman_bench.harness.server_process import serving
from dragoman_bench.harness.ws_client import SYNTHESIS_MODEL, Refused, WsClient

RATE = 500
REFUSED_MS = 50.0
_FULL = 20


class Connects(msgspec.Struct):
    """One load: waits in ms, those of the sessions that were created and of the refusals."""

    created_ms: list[float] = []
    refused_ms: list[float] = []
    failures: list[str] = []
    seconds: float = 0.0
    """From the first connection to the last answer."""


def measure(*, quick: bool, options: Sequence[str] = ()) -> Part:
    """Measure a server that has room, then one that has none."""
    count = RATE * (2 if quick else 6)
    if not processes.raise_file_limit(count + 200):
        raise BenchFailed(f"{count} connections need more open files than the system allows")
    with serving("--engines", "scripted", *options) as server:
        taken = uvloop.run(_connect(server.port, count, held=0))
    limit = ("--limit", f"sessions={_FULL}")
    with serving("--engines", "scripted", *limit, *options) as server:
        refused = uvloop.run(_connect(server.port, count, held=_FULL))
    raw: dict[str, object] = {
        "rate": RATE,
        "taken": msgspec.to_builtins(taken),
        "refused": msgspec.to_builtins(refused),
    }
    return Part(name="connects", figures=figures(count, taken, refused), raw=raw)


async def _connect(port: int, count: int, *, held: int) -> Connects:
    holding = [await WsClient.connect(port, SYNTHESIS_MODEL) for _ in range(held)]
    pacer, found, tasks = Pacer(), Connects(), set[asyncio.Task[None]]()

    async def one(due_s: float) -> None:
        try:
            (await WsClient.connect(port, SYNTHESIS_MODEL)).close()
            found.created_ms.append((pacer.now_s - due_s) * 1000)
        except Refused as refused:
            found.refused_ms.append((pacer.now_s - due_s) * 1000)
            if refused.status not in {429, 503}:
                found.failures.append(str(refused))
        except (BenchFailed, OSError, TimeoutError) as failure:
            found.failures.append(str(failure) or type(failure).__name__)

    begin_s = pacer.now_s + 0.1
    last = asyncio.get_running_loop().create_future()
    for number in range(count):
        pacer.at(begin_s + number / RATE, lambda due_s: tasks.add(asyncio.create_task(one(due_s))))
    pacer.at(begin_s + count / RATE, lambda _due_s: last.set_result(None))
    await last
    await asyncio.gather(*tasks)
    found.seconds = pacer.now_s - begin_s
    for client in holding:
        client.close()
    return found


def figures(count: int, taken: Connects, refused: Connects) -> list[Figure]:
    """The table's lines."""
    part = f"connects, {RATE} per second"
    rows: list[Row] = [
        ("to session.created p50", quantile(taken.created_ms, 0.5), "ms", None),
        ("to session.created p99", quantile(taken.created_ms, 0.99), "ms", None),
        ("not created", count - len(taken.created_ms), "", 0),
        ("full server: refusal p50", quantile(refused.refused_ms, 0.5), "ms", None),
        ("full server: refusal p99", quantile(refused.refused_ms, 0.99), "ms", REFUSED_MS),
        ("full server: neither refused nor created", len(refused.failures), "", 0),
    ]
    rate = len(taken.created_ms) / taken.seconds
    aim = 0.95 * RATE
    done = Figure(part=part, name="sessions per second", value=rate, aim=aim, at_least=True)
    return [done, *lines(part, rows)]
