"""``dragoman bench soak`` without its options: a long talk, company, a look every few seconds.

Law of this file: the order of things. What the server holds at rest is looked at when every kind
of session has been there once, and again when all are over; in between it is looked at as it
works. Judged is afterwards, from samples and logs, when the server has stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path

import msgspec
import numpy as np

from dragoman import __version__
from dragoman.client.interpret import InterpretSettings, session_object
from dragoman_bench import loops, recordings
from dragoman_bench.figures import BenchFailed, Figure
from dragoman_bench.harness import processes
from dragoman_bench.harness.server_process import ServerProcess, serving
from dragoman_bench.harness.ws_client import PATH
from dragoman_bench.interpret import log, stream
from dragoman_bench.interpret.play import MODEL
from dragoman_bench.interpret.script import Script
from dragoman_bench.interpret.stream import Stream
from dragoman_bench.offline import all_interpreted
from dragoman_bench.soak import churn
from dragoman_bench.soak.churn import ChurnCounts
from dragoman_bench.soak.sampling import Sample, Sampler, line
from dragoman_bench.soak.scoring import scored
from dragoman_bench.soak.talk import Talk, Told, told
from dragoman_bench.soak.verdict import Rest, Spoken, figures
from dragoman_bench.text_metrics import TextMetrics

SOURCE, TARGET = "en", "es"
_SETTLE_S = 2.0
_REST_S = 30.0
_STAGGER_S = 1.7

Tell = Callable[[str], None]
Entries = Sequence[dict[str, object]]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How long, how many long sessions, and where logs and result go."""

    minutes: float
    sessions: int = 1
    every_s: float = 10.0
    out: Path
    recordings: Path | None = None
    engines: str | None = None


class Results(msgspec.Struct, kw_only=True):
    """One soak, as it is written. Times of day are UTC."""

    version: str = __version__
    began: str
    machine: processes.Machine
    minutes: float
    sessions: int
    figures: list[Figure]
    rest: Rest
    samples: list[Sample]
    company: ChurnCounts
    talks: list[Spoken]


def soak(plan: Plan, tell: Tell) -> Results:
    """Run it. Raises ``BenchFailed``, ``ClientError``, ``OSError``, ``TimeoutError``."""
    judges = TextMetrics()
    found = material(plan.recordings)
    began = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    machine = processes.machine()
    tell("what the engines hear without haste …")
    offline = loops.run(_offline(found))
    options = () if plan.engines is None else ("--engines", plan.engines)
    folder = plan.out / f"soak-{began.replace(':', '')}"
    folder.mkdir(parents=True, exist_ok=True)
    with serving(*options) as subject:
        rest, samples, talks, guests = loops.run(_soaked(plan, subject, found, folder, tell))
    tell("scoring …")
    spoken = [_scored(talk, offline, judges) for talk in talks]
    return Results(
        began=began,
        machine=machine,
        minutes=plan.minutes,
        sessions=plan.sessions,
        figures=figures(samples, rest, spoken, guests),
        rest=rest,
        samples=samples,
        company=guests,
        talks=spoken,
    )


def write(results: Results, folder: Path) -> Path:
    """Write the JSON; returns its path. Raises ``OSError``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"soak-{results.began.replace(':', '')}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
    return path


# ---------------------------------------------------------------- what is said
def material(folder: Path | None) -> list[dict[str, object]]:
    """The recordings to make talks of, as a manifest lists them: those at hand, else the reading
    inside the moonshine-voice wheel. Raises ``BenchFailed``.
    """
    try:
        return stream.entries(folder, SOURCE, TARGET)
    except BenchFailed:
        if folder is not None:
            raise
    reading = recordings.dickens()
    samples = loops.run(recordings.read(reading.path))
    return [
        {
            "id": reading.id,
            "file": str(reading.path),
            "language": SOURCE,
            "transcript": reading.transcript,
            "duration_s": len(samples) / recordings.RATE_HZ,
        }
    ]


async def _offline(found: Entries) -> dict[str, str]:
    streams = await stream.singles(found, TARGET)
    heard = await all_interpreted(
        [(one.script.name, one.samples) for one in streams], TARGET, SOURCE
    )
    return {name: text for name, (text, _) in heard.items()}


async def _streams(plan: Plan, found: Entries) -> list[Stream]:
    firsts = [len(found) * number // plan.sessions for number in range(plan.sessions)]
    return [await stream.talk(found, TARGET, minutes=plan.minutes, first=first) for first in firsts]


# ---------------------------------------------------------------- playing
async def _soaked(
    plan: Plan, subject: ServerProcess, found: Entries, folder: Path, tell: Tell
) -> tuple[Rest, list[Sample], list[Talk], ChurnCounts]:
    streams = await _streams(plan, found)
    talks = [Talk(one, folder / f"talk-{n}.jsonl") for n, one in enumerate(streams, 1)]
    sampler = Sampler(subject, talks, asyncio.get_running_loop().time())
    guests = ChurnCounts()
    tell("one session of every kind …")
    await churn.each(subject.port, streams[0].samples, guests, target=TARGET)
    before = await _at_rest(sampler, None)
    tell(line(before))
    samples: list[Sample] = []
    async with _beside(_look(sampler, plan.every_s, samples, tell)):
        sound = np.concatenate([one.samples for one in streams])
        async with _beside(churn.keep(subject.port, sound, guests, target=TARGET)):
            await _talked(talks, f"ws://127.0.0.1:{subject.port}{PATH}")
    tell("waiting for the server to rest …")
    after = await _at_rest(sampler, before)
    tell(line(after))
    return Rest(before=before, after=after), samples, talks, guests


async def _talked(talks: Sequence[Talk], url: str) -> None:
    session = session_object(InterpretSettings(target=TARGET, source=SOURCE), MODEL)

    async def one(number: int, talk: Talk) -> None:
        await asyncio.sleep(number * _STAGGER_S)  # so that they do not breathe together
        await talk.run(url, session)

    await asyncio.gather(*(one(number, talk) for number, talk in enumerate(talks)))


@contextlib.asynccontextmanager
async def _beside(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Have it done until the block ends; if it fails, that ends the block's turn, too."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _look(sampler: Sampler, every_s: float, samples: list[Sample], tell: Tell) -> None:
    due_s = asyncio.get_running_loop().time()
    while True:
        sample = await sampler.look()
        samples.append(sample)
        tell(line(sample))
        due_s += every_s
        await asyncio.sleep(max(0.0, due_s - asyncio.get_running_loop().time()))


async def _at_rest(sampler: Sampler, before: Sample | None) -> Sample:
    """The server when it has settled: for long enough, or as it was ``before``."""
    loop = asyncio.get_running_loop()
    give_up_s = loop.time() + _REST_S
    await asyncio.sleep(_SETTLE_S)
    while True:
        sample = await sampler.look()
        settled = not sample.sessions and (before is None or not _more(before, sample))
        if settled or loop.time() > give_up_s:
            return sample
        await asyncio.sleep(_SETTLE_S)


def _more(before: Sample, after: Sample) -> bool:
    """Whether anything is held that was not."""
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


# ---------------------------------------------------------------- judging
def _scored(talk: Talk, offline: dict[str, str], judges: TextMetrics) -> Spoken:
    script: Script = talk.stream.script
    script.save(talk.log.with_suffix(".script.json"))
    promised: Told = told(talk)
    heard = [offline[segment.id] for segment in script.segments]
    return scored(log.read(talk.log), script, promised, heard, judges)
