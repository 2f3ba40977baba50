"""What batches gain: Whisper's shapes with random weights, alone and behind a host.

Scope: windows of one length. Random weights cost what real ones do; that they speak to the limit of
tokens makes it an upper bound. First the engine alone with 1, 2, 4 and 8 windows in a call. Then a
host, as sessions use it: one session that asks again as soon as it is answered (idle: what does a
batch that may wait cost?), and eight of them (loaded: with batches of one and of eight).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import msgspec

from dragoman.engines import registry
from dragoman.engines.base import EngineUnavailable, Window
from dragoman.engines.shared.ctranslate2_models import COMPUTE_TYPES
from dragoman.engines.whisper.engine import Whisper
from dragoman.engines.whisper.model import model_folder
from dragoman.runtime.hosts.host import EngineHost
from dragoman.runtime.hosts.make_host import make_host
from dragoman_bench.engines.in_process import spoken_windows
from dragoman_bench.engines.random_whisper import SHAPES, write
from dragoman_bench.figures import BenchFailed, Figure, Part, Row, Spread, lines, ratio, spread

BATCHES = (1, 2, 4, 8)
SESSIONS = 8
_WINDOW_S = 2
_WAIT_MS = 40
_LANGUAGE = "en"


class Through(msgspec.Struct, frozen=True):
    """What sessions got from a host: times of their calls in ms, and all windows by the time."""

    calls: Spread
    windows_per_s: float


def measure(*, quick: bool, device: str, size: str) -> Part:
    """Build a model of this size and measure. Raises ``BenchFailed``."""
    try:
        tokenizer = model_folder("base") / "tokenizer.json"
    except EngineUnavailable as refusal:
        raise BenchFailed(str(refusal)) from None
    rounds, windows = 2 if quick else 6, _windows(SESSIONS)
    with TemporaryDirectory() as folder:
        path = write(
            Path(folder) / "model", tokenizer, SHAPES[size], quantization=COMPUTE_TYPES[device]
        )
        options = f"whisper?model={path}&device={device}&workers=1&languages={_LANGUAGE}"
        try:
            alone = _alone(options, windows, rounds)
            idle, loaded = asyncio.run(_behind_host(options, windows, rounds))
        except EngineUnavailable as refusal:
            raise BenchFailed(str(refusal)) from None
    figures = _figures(f"whisper {size}, random weights, {device}", alone, idle, loaded)
    raw: dict[str, object] = {"alone": {str(size): s for size, s in alone.items()}}
    raw |= {"idle": msgspec.to_builtins(idle), "loaded": msgspec.to_builtins(loaded)}
    return Part(name="batching", figures=figures, raw=raw)


def _windows(count: int) -> list[Window]:
    return [Window(samples.tobytes(), _LANGUAGE) for samples in spoken_windows(_WINDOW_S, count)]


def _alone(spec: str, windows: Sequence[Window], rounds: int) -> dict[int, float]:
    """Seconds for a call, by the number of windows in it: the median of rounds in turns."""
    engine = registry.make(spec)
    assert isinstance(engine, Whisper)
    engine.load()
    found = {size: [0.0] * rounds for size in BATCHES}
    engine.transcribe(windows[:1])
    for number in range(rounds):
        for size in BATCHES:
            began_s = time.perf_counter()
            engine.transcribe(windows[:size])
            found[size][number] = time.perf_counter() - began_s
    engine.close()
    return {size: median(times) for size, times in found.items()}


async def _behind_host(
    spec: str, windows: Sequence[Window], rounds: int
) -> tuple[dict[str, Through], dict[str, Through]]:
    """One session, and many; with calls one by one, and batches that may wait."""
    idle, loaded = {}, {}
    for name, placement in (("one by one", "batch=1"), ("batches", _batches())):
        placed = f"{spec}@concurrency=1,{placement}"
        host = make_host(registry.make(placed), spec=placed, threads=1, workers=1)
        await host.start()
        try:
            await host.call(windows[0])
            idle[name] = await _through(host, windows[:1], 2 * rounds)
            loaded[name] = await _through(host, windows, rounds)
        finally:
            await host.close()
    return idle, loaded


def _batches() -> str:
    return f"batch={max(BATCHES)},max_wait_ms={_WAIT_MS}"


async def _through(host: EngineHost, windows: Sequence[Window], rounds: int) -> Through:
    took_ms: list[float] = []

    async def session(window: Window) -> None:
        for _ in range(rounds):
            began_s = time.perf_counter()
            await host.call(window)
            took_ms.append((time.perf_counter() - began_s) * 1000)

    began_s = time.perf_counter()
    await asyncio.gather(*map(session, windows))
    calls = spread(took_ms)
    assert calls is not None
    return Through(calls, len(took_ms) / (time.perf_counter() - began_s))


def _figures(
    part: str, alone: dict[int, float], idle: dict[str, Through], loaded: dict[str, Through]
) -> list[Figure]:
    rows: list[Row] = [
        (f"{size} in a call", size / seconds, "windows/s", None) for size, seconds in alone.items()
    ]
    most = max(alone)
    rows.append((f"gain of {most} in a call", most * alone[1] / alone[most], "x", None))
    wait = ratio(idle["batches"].calls.p50, idle["one by one"].calls.p50)
    rows.append(
        (f"1 session, batches that may wait {_WAIT_MS} ms, p50 by without", wait, "x", 1.05)
    )
    for name, found in loaded.items():
        what = f"{SESSIONS} sessions, {name}"
        rows += [
            (what, found.windows_per_s, "windows/s", None),
            (f"{what}, a call, p50", found.calls.p50, "ms", None),
            (f"{what}, a call, p95", found.calls.p95, "ms", None),
        ]
    return lines(part, rows)
