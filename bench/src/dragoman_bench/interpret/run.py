"""``dragoman bench interpret`` without its options: play, score, draw, write.

Scope: the order of things. Concurrent sessions play all recordings one after another (or one long
talk); each begins at another one, so that their turns do not coincide.
Several directions are played one after another on the same server. Everything is scored from the
logs once the server has stopped: scoring takes no time from the sessions, and a saved log scores
the same as a fresh one.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from dragoman.client.errors import ClientError
from dragoman_bench.figures import BenchFailed, Figure, median
from dragoman_bench.harness import processes
from dragoman_bench.harness.server_process import serving
from dragoman_bench.interpret import log, omnisteval, plot, recordings, stream, totals
from dragoman_bench.interpret.load_curve import draw_curve
from dragoman_bench.interpret.offline import OfflineTexts, interpret_offline
from dragoman_bench.interpret.plan import InterpretPlan
from dragoman_bench.interpret.play import Played, play_concurrently
from dragoman_bench.interpret.recordings import Recording
from dragoman_bench.interpret.results import InterpretResults, Run
from dragoman_bench.interpret.score import Item, score
from dragoman_bench.interpret.script import Script
from dragoman_bench.interpret.stream import Stream

Progress = Callable[[str], None]


class Scored(msgspec.Struct, frozen=True):
    """A log, what was said in it, and its measures."""

    log: Path
    script: Script | None
    item: Item


class _Prepared(msgspec.Struct, frozen=True):
    """A direction: its recordings, and what the engines make of them offline."""

    plan: InterpretPlan
    found: Sequence[Recording]
    offline: Mapping[str, OfflineTexts]


class _Load(msgspec.Struct, frozen=True):
    """Sessions that were played side by side, and the cores that the server used."""

    count: int
    cores: float | None
    played: Sequence[Played]


def measure(plan: InterpretPlan, progress: Progress) -> InterpretResults:
    """Play everything and score it. A direction that fails does not keep the others from being
    measured. Raises ``BenchFailed``, ``ClientError`` (for a single one), ``OSError``.
    """
    results = InterpretResults(runs=[])
    results.request = {"url": plan.url or "own server", "speed": f"{plan.speed:g}", **plan.more}
    prepared: list[_Prepared] = []
    for one in plan.directions():
        with _noted(results, plan, one.direction):
            prepared.append(_prepare(one, progress))
    played: list[tuple[_Prepared, list[_Load]]] = []
    with _server(plan) as (url, pid):
        for ready in prepared:
            with _noted(results, plan, ready.plan.direction):
                played.append((ready, _loads(ready, url, pid, progress)))
    progress("scoring …")
    for ready, loads in played:
        runs = [_scored(ready, load, named=bool(plan.pairs)) for load in loads]
        if plan.pictures and len(runs) > 1:
            picture = ready.plan.out / "sessions.png"
            draw_curve(picture, runs)
            runs[-1].notes.append(f"picture: {picture}")
        results.runs += runs
    return results


@contextlib.contextmanager
def _noted(results: InterpretResults, plan: InterpretPlan, direction: str) -> Iterator[None]:
    """Of several directions, one that cannot be measured is noted."""
    try:
        yield
    except (BenchFailed, ClientError) as failure:
        if not plan.pairs:
            raise
        results.failures[direction] = str(failure)


def _prepare(plan: InterpretPlan, progress: Progress) -> _Prepared:
    found = recordings.find(plan.recordings, plan.source, plan.target)
    if plan.only:
        found = [recording for recording in found if recording.id in plan.only]
    if not found:
        raise BenchFailed("no recording has one of the names given with --only")
    offline: Mapping[str, OfflineTexts] = {}
    if plan.offline and plan.url is None:
        progress(f"{plan.direction}: interpreting offline …")
        offline = asyncio.run(_offline(plan, found))
    return _Prepared(plan, found, offline)


def _loads(ready: _Prepared, url: str, pid: int | None, progress: Progress) -> list[_Load]:
    plan, loads = ready.plan, []
    for count in plan.sessions:
        progress(f"{plan.direction}: {count} session{'s' * (count > 1)} …")
        cpu_before, began_s = _cpu_s(pid), time.monotonic()
        (plan.out / f"logs-{count}").mkdir(parents=True, exist_ok=True)
        done = asyncio.run(_play(plan, url, ready.found, count))
        used_s = _cpu_s(pid) - cpu_before
        cores = None if pid is None else used_s / (time.monotonic() - began_s)
        loads.append(_Load(count, cores, done))
    return loads


def score_logs(
    paths: Sequence[Path], scripts: Sequence[Script], plan: InterpretPlan
) -> InterpretResults:
    """Score saved logs. A log's script is the file beside it (``NAME.script.json``), or the one
    of ``scripts`` that has its name. Raises ``BenchFailed``, ``OSError``.
    """
    known = {script.name: script for script in scripts}
    found = []
    for path in paths:
        script = _script_of(path, known)
        found.append(Scored(path, script, score(path.stem, log.read(path), script)))
    run = _run("interpret, saved logs", 1, found, plan, plan.out / "omnisteval")
    if plan.pictures:
        for one in found:
            _draw(one, plan.out / f"{one.log.stem}.png", run.notes)
    return InterpretResults(machine=None, runs=[run])


def _script_of(path: Path, known: Mapping[str, Script]) -> Script | None:
    beside = path.with_suffix(".script.json")
    if beside.is_file():
        try:
            return Script.load(beside)
        except msgspec.DecodeError as error:
            raise BenchFailed(f"{beside} is no script: {error}") from None
    return known.get(path.stem)


# ---------------------------------------------------------------- playing
@contextlib.contextmanager
def _server(plan: InterpretPlan) -> Iterator[tuple[str, int | None]]:
    if plan.url is not None:
        yield plan.url, None
        return
    with serving() as server:
        yield server.url, server.pid


def _cpu_s(pid: int | None) -> float:
    return 0.0 if pid is None else processes.tree_cpu_s(pid)


async def _play(
    plan: InterpretPlan, url: str, found: Sequence[Recording], count: int
) -> list[Played]:
    playlists = await _playlists(plan, found, count)
    for one in itertools.chain(*playlists):
        one.script.terms = dict(plan.terms)
    return await play_concurrently(playlists, plan.request(url), plan.out / f"logs-{count}")


async def _offline(plan: InterpretPlan, found: Sequence[Recording]) -> dict[str, OfflineTexts]:
    """Always at the speed that people speak."""
    return await interpret_offline(await stream.singles(found, plan.target))


async def _playlists(
    plan: InterpretPlan, found: Sequence[Recording], count: int
) -> list[list[Stream]]:
    """What each of ``count`` concurrent sessions plays."""
    firsts = [len(found) * number // count for number in range(count)]
    if plan.long:
        minutes, speed = plan.minutes, plan.speed
        return [
            [await stream.talk(found, plan.target, minutes=minutes, speed=speed, first=first)]
            for first in firsts
        ]
    every = await stream.singles(found, plan.target, plan.speed)
    return [[*every[first:], *every[:first]] for first in firsts]


# ---------------------------------------------------------------- scoring
def score_played(played: Sequence[Played], offline: Mapping[str, OfflineTexts]) -> list[Scored]:
    """Measure sessions that were played, beside what the same engines do ``offline`` with each
    recording; saves each script beside its log.
    """
    found = []
    for one in played:
        script = msgspec.structs.replace(one.script, segments=[])
        for segment in one.script.segments:
            texts = offline.get(segment.id, OfflineTexts())
            script.segments.append(
                msgspec.structs.replace(
                    segment, offline_source=texts.source, offline_target=texts.target
                )
            )
        script.save(one.log.with_suffix(".script.json"))
        item = score(script.name, log.read(one.log), script)
        item.late_ms = one.late_ms
        found.append(Scored(one.log, script, item))
    return found


def _scored(ready: _Prepared, load: _Load, *, named: bool) -> Run:
    plan, count = ready.plan, load.count
    found = score_played(load.played, ready.offline)
    what = plan.direction if named else "interpret"
    name = f"{what} x{count}" + ("" if plan.speed == 1.0 else f", {plan.speed:g} times as fast")
    run = _run(name, count, found, plan, plan.out / f"omnisteval-{count}")
    if load.cores is not None:
        run.cores = load.cores
        run.figures.append(
            Figure(part=name, name="CPU per session", value=load.cores / count, unit="cores")
        )
    if plan.pictures:
        for one in _examples(found):
            _draw(one, plan.out / f"x{count}-{one.log.stem}.png", run.notes)
    return run


def _run(name: str, count: int, found: Sequence[Scored], plan: InterpretPlan, folder: Path) -> Run:
    items = [one.item for one in found]
    notes: list[str] = []
    long = _long([(s.item, s.script) for s in found if s.script], folder, notes)
    figures = totals.figures(name, items, speed=plan.speed, long=long)
    return Run(name=name, sessions=count, items=items, figures=figures, notes=notes)


def _long(
    scored: Sequence[tuple[Item, Script]], folder: Path, notes: list[str]
) -> dict[str, float]:
    """OmniSTEval's scores, where long streams with references were played."""
    streams = [(item, script) for item, script in scored if item.recordings > 1 and item.reference]
    if not streams:
        return {}
    omnisteval.write(streams, folder)
    try:
        return omnisteval.run(folder, streams[0][1].target)
    except BenchFailed as failure:
        notes.append(str(failure))
        return {}


# ---------------------------------------------------------------- pictures
def _examples(scored: Sequence[Scored]) -> list[Scored]:
    """The session whose voice lags most like all of them, and the one where it lags most."""
    known = [one for one in scored if one.item.clauses]
    if not known:
        return list(scored[:1])

    def lag(one: Scored) -> float:
        return median([clause.lag_ms for clause in one.item.clauses]) or 0.0

    usual = median([clause.lag_ms for one in known for clause in one.item.clauses]) or 0.0
    # One clause is no picture: among the usual ones, prefer those with several.
    typical = min(known, key=lambda one: (len(one.item.clauses) < 3, abs(lag(one) - usual)))
    worst = max(known, key=lag)
    return [typical] if worst is typical else [typical, worst]


def _draw(one: Scored, picture: Path, notes: list[str]) -> None:
    picture.parent.mkdir(parents=True, exist_ok=True)
    plot.draw(picture, log.read(one.log), one.item, one.script)
    notes.append(f"picture: {picture}")
