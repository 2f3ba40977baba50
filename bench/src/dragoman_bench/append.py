"""What an audio append costs the event loop's thread, beside a bare echo on the same stack.

Law of this file: both servers get the same frames at the same rate from the same load, one after
the other, several times; each runs on cores that the load leaves alone. The ratio is
the median over pairs of rounds, because the speed of a core changes from minute to minute.
Scripted engines, so that the cost is the server's and not a model's; the sound goes on and off
like speech, so that turns open and close.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager
from statistics import median

import msgspec
import numpy as np

from dragoman.client.interpret import InterpretSettings, session_object
from dragoman_bench import exposition, loops, processes
from dragoman_bench.live import MODEL, append_frame
from dragoman_bench.numbers import Figure, Part, percentile
from dragoman_bench.peer import Peer, framed
from dragoman_bench.recordings import RATE_HZ
from dragoman_bench.subject import Subject, echoing, serving
from dragoman_bench.wheel import Wheel

FRAME_BYTES = 4_360
SESSIONS = 50
_EVERY_S = 0.1
_WARM_S = 2.0
_AIM = 2.5
_CHUNK_BYTES = 3_200
_LOOP_S = 12


class Cost(msgspec.Struct, kw_only=True):
    """CPU in µs per append, of the main thread and of all threads; and what the load saw."""

    main_us: float
    all_us: float
    appends: int
    received: int
    loop_lag_p99_ms: float | None
    load_late_p99_ms: float


def measure(*, quick: bool) -> Part:
    """Run both servers in turns; the figures are medians."""
    rounds, seconds = (2, 5.0) if quick else (6, 6.0)
    frames = speechlike()
    ours: list[Cost] = []
    bare: list[Cost] = []
    servers, load = processes.shares()
    for _ in range(rounds):
        for made, greets, costs in ((_scripted, True, ours), (echoing, False, bare)):
            with _placed(made, servers) as subject, processes.on_cores(load):
                costs.append(loops.run(_run(subject, frames, seconds, greets=greets)))
    pairs = list(zip(ours, bare, strict=True))
    mine, theirs = (median(cost.main_us for cost in costs) for costs in (ours, bare))
    by_loop = median(cost.main_us / echo.main_us for cost, echo in pairs)
    by_all = median(cost.all_us / echo.all_us for cost, echo in pairs)
    part = "append"
    figures = [
        Figure(part=part, name="event loop per 100 ms append", value=mine, unit="µs"),
        Figure(part=part, name="event loop per bare echo", value=theirs, unit="µs"),
        Figure(part=part, name="ratio", value=by_loop, unit="x", aim=_AIM),
        Figure(part=part, name="ratio, all threads", value=by_all, unit="x"),
    ]
    raw: dict[str, object] = {
        "sessions": SESSIONS,
        "seconds": seconds,
        "scripted": msgspec.to_builtins(ours),
        "echo": msgspec.to_builtins(bare),
    }
    return Part(name=part, figures=figures, raw=raw)


def _scripted() -> AbstractContextManager[Subject]:
    return serving("--engines", "scripted")


class _placed:  # noqa: N801  # used like a function
    """A server started on some cores."""

    def __init__(self, made: object, cores: set[int]) -> None:
        assert callable(made)
        self._manager: AbstractContextManager[Subject] = made()
        self._cores = cores

    def __enter__(self) -> Subject:
        with processes.on_cores(self._cores):
            return self._manager.__enter__()

    def __exit__(self, *failure: object) -> None:
        self._manager.__exit__(*failure)  # type: ignore[arg-type]  # handed through as it came


def speechlike() -> list[bytes]:
    """Twelve seconds of append frames, each of 4,360 bytes: syllables, with a pause now and then.

    Noise with a swell for each syllable; 2.4 s of it, then 1.6 s of near silence.
    """
    rng = np.random.default_rng(7)
    at_s = np.arange(_LOOP_S * RATE_HZ) / RATE_HZ
    swell = 0.5 * (1 - np.cos(2 * np.pi * 4 * at_s)) * (at_s % 4 < 2.4)
    level = 0.0005 + 0.2 * swell
    pcm = (rng.standard_normal(len(at_s)) * level * 8_000).astype("<i2").tobytes()
    frames = []
    for start in range(0, len(pcm), _CHUNK_BYTES):
        event = append_frame(pcm[start : start + _CHUNK_BYTES])
        # Clients send ids; one of this length makes the event the usual size.
        event_id = "e" * (FRAME_BYTES - len(event) - len('"event_id":"",'))
        frames.append(framed(b'{"event_id":"' + event_id.encode() + b'",' + event[1:]))
    return frames


async def _run(subject: Subject, frames: list[bytes], seconds: float, *, greets: bool) -> Cost:
    received = 0

    def count(_frame: bytes, _now_s: float) -> None:
        nonlocal received
        received += 1

    peers: list[Peer] = []
    for _ in range(SESSIONS):
        if greets:
            peer = await Peer.connect(subject.port, MODEL)
            await peer.update(session_object(InterpretSettings(target="es"), MODEL))
            peer.on_text = count
        else:
            peer = await Peer.connect_silent(subject.port, MODEL, count)
        peers.append(peer)
    wheel = Wheel()
    load = _Load(wheel, peers, frames)
    load.start()
    await asyncio.sleep(_WARM_S)
    received, lag = 0, await asyncio.to_thread(subject.lag)
    main_s, all_s = processes.main_thread_cpu_s(subject.pid), processes.threads_cpu_s(subject.pid)
    sent = load.sent
    await asyncio.sleep(seconds)
    main_s = processes.main_thread_cpu_s(subject.pid) - main_s
    all_s = processes.threads_cpu_s(subject.pid) - all_s
    sent = load.sent - sent
    load.stop()
    lag = exposition.since(lag, await asyncio.to_thread(subject.lag))
    lagging = exposition.quantile(lag, 0.99)
    for peer in peers:
        peer.close()
    return Cost(
        main_us=main_s * 1e6 / sent,
        all_us=all_s * 1e6 / sent,
        appends=sent,
        received=received,
        loop_lag_p99_ms=None if lagging is None else lagging * 1000,
        load_late_p99_ms=percentile(wheel.late_s, 0.99) * 1000,
    )


class _Load:
    """Every session sends every 100 ms, each at a phase and a place in the sound of its own."""

    def __init__(self, wheel: Wheel, peers: list[Peer], frames: list[bytes]) -> None:
        self.sent = 0
        self._wheel = wheel
        self._peers = peers
        self._frames = frames
        self._stopped = False

    def start(self) -> None:
        """From now on."""
        zero_s = self._wheel.now_s + 0.05
        for index, peer in enumerate(self._peers):
            phase_s = index * _EVERY_S / len(self._peers)
            place = index * len(self._frames) // len(self._peers)
            self._at(zero_s + phase_s, peer, place)

    def stop(self) -> None:
        """No more."""
        self._stopped = True

    def _at(self, due_s: float, peer: Peer, place: int) -> None:
        def send(due_s: float) -> None:
            if self._stopped:
                return
            peer.write(self._frames[place % len(self._frames)])
            self.sent += 1
            self._at(due_s + _EVERY_S, peer, place + 1)

        self._wheel.at(due_s, send)
