"""What a server holds and how late it is, sampled every few seconds.

Scope: reads ``/proc`` and ``/metrics`` and judges nothing. Figures of the server's histograms are
those of the time since the sample before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from dragoman_bench.harness import metrics_page, processes
from dragoman_bench.harness.processes import ProcessUsage
from dragoman_bench.harness.server_process import LOOP_LAG, ServerProcess
from dragoman_bench.soak.talk import Talk

_SETTLE_S = 2.0
_REST_S = 30.0
_VOICE = "dragoman_voice_lag_seconds"


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One sample. ``voice_lag_s`` is the server's own figure, from text to its speech being played;
    ``unplayed_s`` (for each long session) is speech that came and has not been played.
    """

    at_s: float
    server: ProcessUsage
    workers: ProcessUsage
    tasks: int
    sessions: int
    loop_lag_p99_ms: float | None
    voice_lag_s: float | None
    unplayed_s: list[float] = []
    open_items: list[int] = []
    waiting: float = 0.0
    """Calls queued at engines."""
    skipped: float = 0.0
    """Pieces of speech left out since the server started."""


class Sampler:
    """Takes samples of one server."""

    def __init__(self, server: ServerProcess, talks: Sequence[Talk], began_s: float) -> None:
        self._server = server
        self._talks = talks
        self._began_s = began_s
        self._lag: metrics_page.Buckets = ()
        self._voice = (0.0, 0.0)

    async def sample(self) -> Sample:
        """Take one, now. Raises ``OSError`` when the server is gone."""
        page = await asyncio.to_thread(self._server.metrics)
        server, workers = await asyncio.to_thread(usage_of, self._server.pid)
        before, self._lag = self._lag, metrics_page.histogram(page, LOOP_LAG)
        p99 = metrics_page.quantile(metrics_page.since(before, self._lag), 0.99)
        return Sample(
            at_s=round(asyncio.get_running_loop().time() - self._began_s, 2),
            server=server,
            workers=workers,
            tasks=int(metrics_page.total(page, "dragoman_tasks")),
            sessions=int(metrics_page.total(page, "dragoman_sessions_open")),
            loop_lag_p99_ms=None if p99 is None else round(p99 * 1000, 3),
            voice_lag_s=self._voice_lag(page),
            unplayed_s=[round(talk.unplayed_s(), 2) for talk in self._talks],
            open_items=[talk.work.open_items for talk in self._talks],
            waiting=metrics_page.total(page, "dragoman_engine_waiting"),
            skipped=metrics_page.total(page, "dragoman_speech_skipped_pieces_total"),
        )

    def _voice_lag(self, page: str) -> float | None:
        before = self._voice
        self._voice = (
            metrics_page.total(page, f"{_VOICE}_sum"),
            metrics_page.total(page, f"{_VOICE}_count"),
        )
        count = self._voice[1] - before[1]
        return round((self._voice[0] - before[0]) / count, 3) if count else None


async def at_rest(sampler: Sampler, before: Sample | None) -> Sample:
    """A sample without sessions, holding no more than ``before``; after 30 s whatever is there."""
    loop = asyncio.get_running_loop()
    give_up_s = loop.time() + _REST_S
    await asyncio.sleep(_SETTLE_S)
    while True:
        sample = await sampler.sample()
        settled = not sample.sessions and (before is None or not _holds_more(before, sample))
        if settled or loop.time() > give_up_s:
            return sample
        await asyncio.sleep(_SETTLE_S)


def _holds_more(before: Sample, after: Sample) -> bool:
    return any(
        late > early
        for early, late in (
            (before.tasks, after.tasks),
            (before.server.threads, after.server.threads),
            (before.server.files, after.server.files),
            (before.workers.files, after.workers.files),
            (before.workers.threads, after.workers.threads),
        )
    )


def usage_of(pid: int) -> tuple[ProcessUsage, ProcessUsage]:
    """What the server's process holds, and what its worker processes hold."""
    return processes.usage([pid]), processes.usage(processes.tree(pid)[1:])


def line(sample: Sample) -> str:
    """A sample in a line."""
    server, workers = sample.server, sample.workers
    minutes, seconds = divmod(int(sample.at_s), 60)
    unplayed = " ".join(f"{value:.1f}" for value in sample.unplayed_s) or "-"
    voice = "-" if sample.voice_lag_s is None else f"{sample.voice_lag_s:.1f}"
    lag = "-" if sample.loop_lag_p99_ms is None else f"{sample.loop_lag_p99_ms:.1f}"
    return (
        f"{minutes:3d}:{seconds:02d}  server {server.own_kib / 1024:.1f} MiB, "
        f"{sample.tasks} tasks, {server.threads} threads, {server.files} files  "
        f"workers {workers.processes}: {workers.own_kib / 1024:.1f} MiB  "
        f"sessions {sample.sessions}  voice lag {voice} s, unplayed {unplayed} s  loop {lag} ms"
    )
