"""First audio of synthesis at the client, beside the bare pool of workers doing the same.

Law of this file: one sentence, one rate, the same times of arrival for both; they take turns
inside one run, so that a busy machine is busy for both. Counted is from the *scheduled* time of
the ``commit``. Sessions are connected and configured before the clock starts, and stay.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import aclosing
from statistics import median

import msgspec

from dragoman.bench import loops, processes
from dragoman.bench.idle import SYNTHESIS_MODEL
from dragoman.bench.numbers import Figure, Part, Spread, ratio, spread
from dragoman.bench.peer import Peer, framed, kind_of
from dragoman.bench.subject import Subject, serving
from dragoman.bench.wheel import Wheel
from dragoman.engines import registry
from dragoman.engines.base import Utterance
from dragoman.runtime.hosts import EngineHost, make_host

SENTENCE = "She carried the letters across the old bridge before sunset."
VOICE, RATE_HZ = "Cherry", 24_000
SESSIONS = 50
_SAY = framed(msgspec.json.encode({"type": "input_text_buffer.append", "text": SENTENCE})) + framed(
    b'{"type":"input_text_buffer.commit"}'
)
_SPOKEN_S = 60.0
_RATIO_AIM = 1.3

Begin = Callable[[Wheel, float], "asyncio.Future[float]"]
"""Schedules one sentence; the future is the time to its first audio, in ms, once all is said."""


class Scene(msgspec.Struct, kw_only=True):
    """One arrival pattern: how both did, in ms to first audio."""

    server: Spread | None
    pool: Spread | None
    server_ms: list[float]
    pool_ms: list[float]
    round_ratios: list[float]
    """Of each round, the median of the server by that of the pool right after it."""
    loop_us: float
    """CPU of the server's event loop for each sentence."""


def measure(*, quick: bool) -> Part:
    """Run all arrival patterns."""
    repeats, rounds = (10, 3) if quick else (30, 9)
    servers, load = processes.shares()
    # On two cores server and workers need both; the load is then a guest on theirs.
    servers = servers if len(servers) > 1 else servers | load
    with processes.on_cores(servers):
        manager = serving("--engines", "embedded,tts=espeak")
        subject = manager.__enter__()
    try:
        scenes = loops.run(_scenes(subject, servers, repeats, rounds))
    finally:
        manager.__exit__(None, None, None)
    figures: list[Figure] = []
    for name, aims in _AIMS.items():
        figures += _figures(name, scenes[name], aims)
    return Part(name="synthesis", figures=figures, raw=msgspec.to_builtins(scenes))


_AIMS: dict[str, dict[str, float]] = {
    "1 session": {"p50": 15.0},
    "50 within a second": {"p50": 60.0, "p99": 250.0},
    "50 at once": {"ratio": _RATIO_AIM},
}


async def _scenes(subject: Subject, cores: set[int], repeats: int, rounds: int) -> dict[str, Scene]:
    count = processes.workers(subject.pid, "espeak")
    with processes.on_cores(cores):
        pool = make_host(registry.make("espeak"), spec="espeak", threads=count, workers=count)
        await pool.start()
    try:
        speakers = [await Speaker.open(subject.port) for _ in range(SESSIONS)]
        chance = random.Random(50)  # noqa: S311  # the same times in every run
        one = [[0.0]] * repeats
        spread_out = [[chance.random() for _ in speakers] for _ in range(rounds)]
        at_once = [[0.0] * SESSIONS] * rounds
        return {
            name: await _scene(subject, speakers, pool, arrivals)
            for name, arrivals in zip(_AIMS, (one, spread_out, at_once), strict=True)
        }
    finally:
        await pool.close()


async def _scene(
    subject: Subject, speakers: Sequence[Speaker], pool: EngineHost, rounds: list[list[float]]
) -> Scene:
    server_ms: list[float] = []
    pool_ms: list[float] = []
    ratios: list[float] = []
    loop_s = 0.0
    for arrivals in rounds:
        loop_s -= processes.main_thread_cpu_s(subject.pid)
        ours = await _round([speaker.say for speaker in speakers], arrivals)
        loop_s += processes.main_thread_cpu_s(subject.pid)
        bare = await _round([lambda w, due: _bare(pool, w, due)] * len(arrivals), arrivals)
        ratios.append(median(ours) / median(bare))
        server_ms += ours
        pool_ms += bare
    return Scene(
        server=spread(server_ms),
        pool=spread(pool_ms),
        server_ms=server_ms,
        pool_ms=pool_ms,
        round_ratios=ratios,
        loop_us=loop_s * 1e6 / len(server_ms),
    )


async def _round(begins: Sequence[Begin], arrivals: Sequence[float]) -> list[float]:
    wheel = Wheel()
    zero_s = wheel.now_s + 0.05
    started = [
        begin(wheel, zero_s + after_s) for begin, after_s in zip(begins, arrivals, strict=False)
    ]
    return await asyncio.wait_for(asyncio.gather(*started), _SPOKEN_S)


class Speaker:
    """One synthesis session of the load; says the sentence again and again."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._due_s = 0.0
        self._first_ms: float | None = None
        self._done: asyncio.Future[float] | None = None
        peer.on_text = self._take

    @classmethod
    async def open(cls, port: int) -> Speaker:
        """Connect and configure."""
        peer = await Peer.connect(port, SYNTHESIS_MODEL)
        await peer.update(
            {
                "voice": VOICE,
                "mode": "commit",
                "language_type": "English",
                "response_format": "pcm",
                "sample_rate": RATE_HZ,
            }
        )
        return cls(peer)

    def say(self, wheel: Wheel, due_s: float) -> asyncio.Future[float]:
        """Send the sentence and its commit at that time; see ``Begin``."""
        self._done = asyncio.get_running_loop().create_future()
        self._due_s, self._first_ms = due_s, None
        wheel.at(due_s, lambda _due: self._peer.write(_SAY))
        return self._done

    def _take(self, frame: bytes, now_s: float) -> None:
        kind = kind_of(frame)
        if kind == "response.audio.delta" and self._first_ms is None:
            self._first_ms = (now_s - self._due_s) * 1000
        elif kind == "response.done" and self._done is not None and not self._done.done():
            assert self._first_ms is not None, "a response without audio"
            self._done.set_result(self._first_ms)


def _bare(pool: EngineHost, wheel: Wheel, due_s: float) -> asyncio.Future[float]:
    utterance = Utterance(text=SENTENCE, voice=VOICE, language="en")
    done: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def speak() -> None:
        first_ms = 0.0
        async with aclosing(pool.speak(utterance, RATE_HZ)) as pieces:
            async for _ in pieces:
                first_ms = first_ms or (wheel.now_s - due_s) * 1000
        done.set_result(first_ms)

    def begin(_due_s: float) -> None:
        _speaking.add(task := asyncio.get_running_loop().create_task(speak()))
        task.add_done_callback(_speaking.discard)

    wheel.at(due_s, begin)
    return done


_speaking: set[asyncio.Task[None]] = set()
"""The loop keeps only weak references to tasks."""


def _figures(name: str, scene: Scene, aims: dict[str, float]) -> list[Figure]:
    part, server, pool = f"synthesis, {name}", scene.server, scene.pool
    assert server is not None
    assert pool is not None
    rows = [
        ("first audio p50", server.p50, "ms", aims.get("p50")),
        ("first audio p95", server.p95, "ms", None),
        ("first audio p99", server.p99, "ms", aims.get("p99")),
        ("bare pool p50", pool.p50, "ms", None),
        ("bare pool p95", pool.p95, "ms", None),
        ("bare pool p99", pool.p99, "ms", None),
        ("ratio to bare pool", median(scene.round_ratios), "x", aims.get("ratio")),
        ("ratio to bare pool, p99", ratio(server.p99, pool.p99), "x", None),
        ("event loop per sentence", scene.loop_us / 1000, "ms", None),
    ]
    return [
        Figure(part=part, name=label, value=value, unit=unit, aim=aim)
        for label, value, unit, aim in rows
    ]
