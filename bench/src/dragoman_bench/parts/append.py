"""What one audio append costs the event loop's thread, compared with a bare echo.

Scope: three servers get the same frames at the same rate from the same load, one after the other,
in several rounds: ``cascade`` (scripted engines), ``gateway`` (an end-to-end interpreter whose
answers cost nothing: server, session and driver alone) and ``echo`` (the same web server, which
parses nothing). Server and load have cores of their own. Ratios are taken within a round, then the
median over rounds, because the speed of a core changes from minute to minute. The sound goes on
and off like speech, so that turns open and close.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from statistics import median

import msgspec
import uvloop

from dragoman.client.interpretation import InterpretSettings, session_object
from dragoman_bench.figures import Figure, Part, Row, lines
from dragoman_bench.harness import metrics_page, processes
from dragoman_bench.harness.microphones import Microphones, speechlike
from dragoman_bench.harness.pacer import Pacer
from dragoman_bench.harness.server_process import ServerProcess, echoing, serving
from dragoman_bench.harness.ws_client import INTERPRETATION_MODEL as MODEL
from dragoman_bench.harness.ws_client import WsClient

SESSIONS = 50
_WARM_S = 2.0
_PART = "append"
AIMS = {"gateway": 2.0, "cascade": 3.0}
"""At most so many times the event loop time of the bare echo."""


class AppendCost(msgspec.Struct, kw_only=True):
    """CPU in µs per append, of the main thread and of all threads; and what the load saw."""

    main_us: float
    all_us: float
    appends: int
    received: int
    loop_lag_p99_ms: float | None
    load_late_p99_ms: float


SERVERS: dict[str, Callable[[], AbstractContextManager[ServerProcess]]] = {
    "cascade": lambda: serving("--engines", "scripted"),
    "gateway": lambda: serving("--engines", "scripted,interpreter=bench-interpreter"),
    "echo": echoing,
}


def measure(*, quick: bool) -> Part:
    """Measure the three servers in turns; the figures are medians over the rounds."""
    rounds, seconds = (3, 4.0) if quick else (6, 6.0)
    frames = speechlike()
    costs: dict[str, list[AppendCost]] = {name: [] for name in SERVERS}
    server_cores, load_cores = processes.shares()
    for _ in range(rounds):
        for name, make in SERVERS.items():
            with contextlib.ExitStack() as stack:
                with processes.on_cores(server_cores):
                    server = stack.enter_context(make())
                stack.enter_context(processes.on_cores(load_cores))
                run = _run(server, frames, seconds, greets=name != "echo")
                costs[name].append(uvloop.run(run))
    raw: dict[str, object] = {
        "sessions": SESSIONS,
        "seconds": seconds,
        **{name: msgspec.to_builtins(found) for name, found in costs.items()},
    }
    return Part(name=_PART, figures=figures(costs), raw=raw)


def figures(costs: Mapping[str, Sequence[AppendCost]]) -> list[Figure]:
    """The table's lines, from the rounds of each server; ratios are of the same round."""
    rows: list[Row] = [
        (f"event loop per append, {name}", median(cost.main_us for cost in found), "µs", None)
        for name, found in costs.items()
    ]
    for name, aim in AIMS.items():
        pairs = list(zip(costs[name], costs["echo"], strict=True))
        by_loop = median(cost.main_us / echo.main_us for cost, echo in pairs)
        by_all = median(cost.all_us / echo.all_us for cost, echo in pairs)
        rows += [
            (f"ratio to the bare echo, {name}", by_loop, "x", aim),
            (f"ratio to the bare echo, {name}, all threads", by_all, "x", None),
        ]
    return lines(_PART, rows)


async def _run(
    server: ServerProcess, frames: list[bytes], seconds: float, *, greets: bool
) -> AppendCost:
    received = 0

    def count(_frame: bytes, _now_s: float) -> None:
        nonlocal received
        received += 1

    clients: list[WsClient] = []
    for _ in range(SESSIONS):
        greeting = "session.created" if greets else ""
        client = await WsClient.connect(server.port, MODEL, greeting=greeting)
        if greets:
            await client.update(session_object(InterpretSettings(target="es"), MODEL))
        client.on_text = count
        clients.append(client)
    pacer = Pacer()
    load = Microphones(pacer, frames)
    load.start([client.write for client in clients])
    await asyncio.sleep(_WARM_S)
    received, lag = 0, await asyncio.to_thread(server.loop_lag)
    main_s, all_s = processes.main_thread_cpu_s(server.pid), processes.threads_cpu_s(server.pid)
    sent = load.sent
    await asyncio.sleep(seconds)
    main_s = processes.main_thread_cpu_s(server.pid) - main_s
    all_s = processes.threads_cpu_s(server.pid) - all_s
    sent = load.sent - sent
    load.stop()
    lag = metrics_page.since(lag, await asyncio.to_thread(server.loop_lag))
    lag_p99_s = metrics_page.quantile(lag, 0.99)
    for client in clients:
        client.close()
    return AppendCost(
        main_us=main_s * 1e6 / sent,
        all_us=all_s * 1e6 / sent,
        appends=sent,
        received=received,
        loop_lag_p99_ms=None if lag_p99_s is None else lag_p99_s * 1000,
        load_late_p99_ms=pacer.late_p99_ms(),
    )
