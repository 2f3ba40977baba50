"""``dragoman bench soak`` without its options: a long talk, churn, a sample every few seconds.

Scope: the order of things. The server at rest is sampled after one session of every kind, and again
when all sessions are over; in between it is sampled at work. Judged is afterwards, from samples and
logs, when the server has stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
import uvloop

from dragoman_bench.figures import BenchFailed, Figure
from dragoman_bench.harness.server_process import ServerProcess, serving
from dragoman_bench.interpret import recordings, stream
from dragoman_bench.interpret.offline import OfflineTexts, interpret_offline
from dragoman_bench.interpret.play import Played, SessionRequest
from dragoman_bench.interpret.recordings import Recording
from dragoman_bench.interpret.run import score_played
from dragoman_bench.report import Results
from dragoman_bench.soak import burst, churn
from dragoman_bench.soak.burst import Burst
from dragoman_bench.soak.churn import ChurnCounts
from dragoman_bench.soak.sampling import Sample, Sampler, at_rest, line
from dragoman_bench.soak.talk import Talk
from dragoman_bench.soak.verdict import AtRest, ScoredTalk, figures
from dragoman_bench.text_metrics import error_rate

SOURCE, TARGET = "en", "es"
_STAGGER_S = 1.7

Progress = Callable[[str], None]


class SoakPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How long, how many long sessions, and where logs and result go."""

    minutes: float
    sessions: int = 1
    every_s: float = 10.0
    short_sessions: int = 10_000
    out: Path
    recordings: Path | None = None
    engines: str | None = None


class SoakResults(Results, kw_only=True):
    """One soak."""

    minutes: float
    sessions: int
    figures: list[Figure] = msgspec.field(default_factory=list)
    burst: Burst | None = None
    rest: AtRest | None = None
    samples: list[Sample] = msgspec.field(default_factory=list)
    churn: ChurnCounts = msgspec.field(default_factory=ChurnCounts)
    talks: list[ScoredTalk] = msgspec.field(default_factory=list)


class _Observed(msgspec.Struct):
    """What was seen while the server ran."""

    rest: AtRest
    samples: list[Sample]
    talks: list[Talk]
    played: list[Played]
    counts: ChurnCounts


def soak(plan: SoakPlan, progress: Progress) -> SoakResults:
    """Run it. Raises ``BenchFailed``, ``ClientError``, ``OSError``, ``TimeoutError``."""
    found = material(plan.recordings)
    results = SoakResults(minutes=plan.minutes, sessions=plan.sessions)
    progress(f"{plan.short_sessions} short sessions …")
    with serving("--engines", "scripted") as server:
        results.burst = uvloop.run(burst.burst(server, plan.short_sessions))
    progress("recognising offline …")
    streams = uvloop.run(stream.singles(found, TARGET))
    offline = uvloop.run(interpret_offline(streams))
    options = () if plan.engines is None else ("--engines", plan.engines)
    folder = plan.out / f"soak-{results.began.replace(':', '')}"
    folder.mkdir(parents=True, exist_ok=True)
    with serving(*options) as server:
        seen = uvloop.run(_run(plan, server, found, folder, progress))
    progress("scoring …")
    results.rest, results.samples, results.churn = seen.rest, seen.samples, seen.counts
    results.talks = _scored(seen, offline)
    results.figures = burst.figures(results.burst)
    results.figures += figures(seen.samples, seen.rest, results.talks, seen.counts)
    return results


def material(folder: Path | None) -> list[Recording]:
    """The recordings to make talks of: those at hand, else the reading inside the moonshine-voice
    wheel. Raises ``BenchFailed``.
    """
    try:
        return recordings.find(folder, SOURCE, TARGET)
    except BenchFailed:
        if folder is not None:
            raise
    return [recordings.two_cities()]


def _scored(seen: _Observed, offline: Mapping[str, OfflineTexts]) -> list[ScoredTalk]:
    found = []
    for talk, scored in zip(seen.talks, score_played(seen.played, offline), strict=True):
        item = scored.item
        said = [item.transcript or ""]
        found.append(
            ScoredTalk(
                outcome=talk.work.outcome(item.late_ms or 0.0),
                item=item,
                wer=error_rate(said, [item.source_text]),
                wer_offline=error_rate(said, [item.offline_source or ""]),
            )
        )
    return found


# ---------------------------------------------------------------- playing
async def _run(
    plan: SoakPlan,
    server: ServerProcess,
    found: Sequence[Recording],
    folder: Path,
    progress: Progress,
) -> _Observed:
    firsts = [len(found) * number // plan.sessions for number in range(plan.sessions)]
    streams = [await stream.talk(found, TARGET, minutes=plan.minutes, first=n) for n in firsts]
    talks = [Talk(one, folder / f"talk-{n}.jsonl") for n, one in enumerate(streams, 1)]
    sampler = Sampler(server, talks, asyncio.get_running_loop().time())
    counts = ChurnCounts()
    progress("one session of every kind …")
    await churn.one_of_each(server.port, streams[0].samples, counts, target=TARGET)
    before = await at_rest(sampler, None)
    progress(line(before))
    samples: list[Sample] = []
    async with _beside(_sample(sampler, plan.every_s, samples, progress)):
        sound = np.concatenate([one.samples for one in streams])
        async with _beside(churn.keep_churning(server.port, sound, counts, target=TARGET)):
            played = await _talk(talks, server.url)
    progress("waiting for the server to rest …")
    after = await at_rest(sampler, before)
    progress(line(after))
    return _Observed(AtRest(before=before, after=after), samples, talks, played, counts)


async def _talk(talks: Sequence[Talk], url: str) -> list[Played]:
    request = SessionRequest(url=url, target=TARGET, source=SOURCE)

    async def one(number: int, talk: Talk) -> Played:
        await asyncio.sleep(number * _STAGGER_S)  # so that their turns do not coincide
        return await talk.run(request)

    return await asyncio.gather(*(one(number, talk) for number, talk in enumerate(talks)))


@contextlib.asynccontextmanager
async def _beside(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run ``work`` until the block ends. A failure of it is raised when the block ends."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _sample(
    sampler: Sampler, every_s: float, samples: list[Sample], progress: Progress
) -> None:
    due_s = asyncio.get_running_loop().time()
    while True:
        sample = await sampler.sample()
        samples.append(sample)
        progress(line(sample))
        due_s += every_s
        await asyncio.sleep(max(0.0, due_s - asyncio.get_running_loop().time()))
