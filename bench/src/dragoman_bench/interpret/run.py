"""``dragoman bench interpret`` without its options: play, score, draw, write.

Law of this file: the order of things. Sessions that run side by side are *lanes*; each lane plays
all recordings one after another (or one long talk), beginning at another one, so that lanes do
not breathe together. Everything is scored from the logs once the server has stopped: scoring
takes no time from the sessions, and a saved log scores the same as a fresh one.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from dragoman.client.errors import ClientError
from dragoman_bench import loops
from dragoman_bench.figures import BenchFailed, Figure
from dragoman_bench.harness import processes
from dragoman_bench.harness.server_process import serving
from dragoman_bench.interpret import log, omnisteval, plot, stream, totals
from dragoman_bench.interpret.load_curve import draw_curve
from dragoman_bench.interpret.play import Wish, play
from dragoman_bench.interpret.results import Results, Run
from dragoman_bench.interpret.score import Item, score
from dragoman_bench.interpret.script import Script
from dragoman_bench.interpret.stream import Stream
from dragoman_bench.offline import all_interpreted
from dragoman_bench.text_metrics import TextMetrics

_PATH = "/api-ws/v1/realtime"
Tell = Callable[[str], None]


class Plan(msgspec.Struct, kw_only=True):
    """What to play, how, and where the results go. ``url`` None: a server of our own."""

    out: Path
    target: str = "es"
    source: str = "en"
    url: str | None = None
    api_key: str | None = None
    model: str | None = None
    more: dict[str, str] = {}
    text_only: bool = False
    recordings: Path | None = None
    long: bool = False
    minutes: float | None = None
    only: Sequence[str] = ()
    speed: float = 1.0
    sessions: Sequence[int] = (1,)
    terms: dict[str, str] = {}
    send_terms: bool = False
    offline: bool = True
    pictures: bool = True


Scored = tuple[Path, Script, Item]
"""A log, what was said in it, and what came of it."""


def measure(plan: Plan, tell: Tell) -> Results:
    """Play all lanes and score them. Raises ``BenchFailed``, ``ClientError``, ``OSError``."""
    found = stream.entries(plan.recordings, plan.source, plan.target)
    if plan.only:
        found = [entry for entry in found if entry["id"] in plan.only]
    if not found:
        raise BenchFailed("no recording has one of the names given with --only")
    judges = _judges()
    began = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    machine = processes.machine()
    offline = _offline(plan, found, tell) if plan.offline and plan.url is None else {}
    played: list[tuple[int, float | None, list[tuple[Path, Script, float]]]] = []
    with _server(plan) as (url, pid):
        for count in plan.sessions:
            tell(f"{count} session{'s' * (count > 1)} …")
            cpu_before, began_s = _cpu(pid), time.monotonic()
            lanes = loops.run(_lanes(plan, url, found, count))
            cores = None if pid is None else (_cpu(pid) - cpu_before) / (time.monotonic() - began_s)
            played.append((count, cores, lanes))
    tell("scoring …")
    runs = [
        _scored(plan, count, cores, lanes, offline=offline, judges=judges)
        for count, cores, lanes in played
    ]
    if plan.pictures and len(runs) > 1:
        picture = plan.out / "sessions.png"
        _drawn(lambda: draw_curve(picture, runs), picture, runs[-1].notes)
    wish = {"url": plan.url or "own server", "speed": f"{plan.speed:g}", **plan.more}
    return Results(began=began, machine=machine, wish=wish, runs=runs)


def score_logs(paths: Sequence[Path], scripts: Sequence[Script], plan: Plan) -> Results:
    """Score saved logs. A log's script is the file beside it (``NAME.script.json``), or the one
    of ``scripts`` that has its name. Raises ``BenchFailed``, ``OSError``.
    """
    judges = _judges()
    known = {script.name: script for script in scripts}
    judged: list[tuple[Path, Script | None, Item]] = []
    for path in paths:
        script = _script_of(path, known)
        judged.append((path, script, score(path.stem, log.read(path), script)))
    items = [item for _, _, item in judged]
    notes: list[str] = []
    long = _long([(i, s) for _, s, i in judged if s is not None], plan.out / "omnisteval", notes)
    figures = totals.figures("interpret, saved logs", items, judges, speed=plan.speed, long=long)
    if plan.pictures:
        for path, script, item in judged:
            _draw((path, script, item), plan.out / f"{path.stem}.png", notes)
    run = Run(name="saved logs", sessions=1, items=items, figures=figures, notes=notes)
    began = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Results(began=began, runs=[run])


def _script_of(path: Path, known: dict[str, Script]) -> Script | None:
    beside = path.with_suffix(".script.json")
    if beside.is_file():
        try:
            return Script.load(beside)
        except msgspec.DecodeError as error:
            raise BenchFailed(f"{beside} is no script: {error}") from None
    return known.get(path.stem)


def _judges() -> TextMetrics | None:
    try:
        return TextMetrics()
    except BenchFailed:
        return None


# ---------------------------------------------------------------- playing
@contextlib.contextmanager
def _server(plan: Plan) -> Iterator[tuple[str, int | None]]:
    if plan.url is not None:
        yield plan.url, None
        return
    with serving() as subject:
        yield f"ws://127.0.0.1:{subject.port}{_PATH}", subject.pid


def _cpu(pid: int | None) -> float:
    return 0.0 if pid is None else processes.tree_cpu_s(pid)


def _wish(plan: Plan, url: str) -> Wish:
    wish = Wish(
        url=url,
        target=plan.target,
        source=plan.source,
        api_key=plan.api_key,
        text_only=plan.text_only,
        more=plan.more,
        phrases=plan.terms if plan.send_terms else None,
    )
    return wish if plan.model is None else msgspec.structs.replace(wish, model=plan.model)


async def _lanes(
    plan: Plan, url: str, found: Sequence[dict[str, object]], count: int
) -> list[tuple[Path, Script, float]]:
    folder = plan.out / f"logs-{count}"
    folder.mkdir(parents=True, exist_ok=True)
    starts = random.Random(count)  # noqa: S311  # the same starts in every run
    wish = _wish(plan, url)
    streams = await _streams(plan, found, count)

    async def lane(number: int, mine: Sequence[Stream]) -> list[tuple[Path, Script, float]]:
        done = []
        wait_s = 0.0 if count == 1 else starts.random()
        for one in mine:
            one.script.terms = dict(plan.terms)
            name = one.script.name if count == 1 else f"{one.script.name}.{number + 1}"
            path = folder / f"{name}.jsonl"
            late_ms = await play(one, wish, path, wait_s=wait_s)
            done.append((path, one.script, late_ms))
        return done

    try:
        async with asyncio.TaskGroup() as tasks:
            made = [tasks.create_task(lane(n, mine)) for n, mine in enumerate(streams)]
    except ExceptionGroup as group:
        for failure in group.exceptions:
            if isinstance(failure, BenchFailed | ClientError | OSError):
                raise failure from None
        raise
    return [one for task in made for one in task.result()]


async def _streams(
    plan: Plan, found: Sequence[dict[str, object]], count: int
) -> list[list[Stream]]:
    """What each lane plays."""
    firsts = [len(found) * number // count for number in range(count)]
    if plan.long:
        return [
            [
                await stream.talk(
                    found, plan.target, minutes=plan.minutes, speed=plan.speed, first=first
                )
            ]
            for first in firsts
        ]
    every = await stream.singles(found, plan.target, plan.speed)
    return [[*every[first:], *every[:first]] for first in firsts]


def _offline(
    plan: Plan, found: Sequence[dict[str, object]], tell: Tell
) -> dict[str, tuple[str, str]]:
    """What the same engines say without haste; always at the speed that people speak."""
    tell("interpreting offline …")

    async def interpreted() -> dict[str, tuple[str, str]]:
        streams = await stream.singles(found, plan.target)
        samples = [(one.script.name, one.samples) for one in streams]
        return await all_interpreted(samples, plan.target, plan.source)

    return loops.run(interpreted())


# ---------------------------------------------------------------- scoring
def _scored(
    plan: Plan,
    count: int,
    cores: float | None,
    lanes: Sequence[tuple[Path, Script, float]],
    *,
    offline: dict[str, tuple[str, str]],
    judges: TextMetrics | None,
) -> Run:
    judged: list[Scored] = []
    for path, script, late_ms in lanes:
        for number, segment in enumerate(script.segments):
            heard, said = offline.get(segment.id, (None, None))
            script.segments[number] = msgspec.structs.replace(
                segment, offline_source=heard, offline_target=said
            )
        script.save(path.with_suffix(".script.json"))
        item = score(script.name, log.read(path), script)
        item.late_ms = late_ms
        judged.append((path, script, item))
    items = [item for _, _, item in judged]
    notes: list[str] = [] if judges else ["no quality: jiwer and sacrebleu are not installed"]
    long = _long([(i, s) for _, s, i in judged], plan.out / f"omnisteval-{count}", notes)
    name = f"interpret x{count}" + ("" if plan.speed == 1.0 else f", {plan.speed:g} times as fast")
    figures = totals.figures(name, items, judges, speed=plan.speed, long=long)
    if cores is not None:
        figures.append(Figure(part=name, name="CPU per session", value=cores / count, unit="cores"))
    if plan.pictures:
        for path, one, item in _telling(judged):
            picture = plan.out / f"x{count}-{path.stem}.png"
            _draw((path, one, item), picture, notes)
    return Run(name=name, sessions=count, items=items, figures=figures, cores=cores, notes=notes)


def _long(
    judged: Sequence[tuple[Item, Script]], folder: Path, notes: list[str]
) -> dict[str, float]:
    """OmniSTEval's scores, where long streams with references were played."""
    streams = [(item, script) for item, script in judged if item.recordings > 1 and item.reference]
    if not streams:
        return {}
    omnisteval.write(streams, folder)
    try:
        return omnisteval.judge(folder, streams[0][1].target)
    except BenchFailed as failure:
        notes.append(str(failure))
        return {}


def _telling(judged: Sequence[Scored]) -> list[Scored]:
    """The session whose voice lags most like all of them, and the one where it lags most."""
    known = [one for one in judged if one[2].clauses]
    if not known:
        return list(judged[:1])

    def lag(one: Scored) -> float:
        return totals.middle([clause.lag_ms for clause in one[2].clauses]) or 0.0

    usual = totals.middle([clause.lag_ms for one in known for clause in one[2].clauses]) or 0.0
    # One clause is no picture: among the usual ones, prefer those with several.
    typical = min(known, key=lambda one: (len(one[2].clauses) < 3, abs(lag(one) - usual)))
    worst = max(known, key=lag)
    return [typical] if worst is typical else [typical, worst]


def _draw(judged: tuple[Path, Script | None, Item], picture: Path, notes: list[str]) -> None:
    path, script, item = judged
    _drawn(lambda: plot.draw(picture, log.read(path), item, script), picture, notes)


def _drawn(draw: Callable[[], None], picture: Path, notes: list[str]) -> None:
    picture.parent.mkdir(parents=True, exist_ok=True)
    try:
        draw()
        notes.append(f"picture: {picture}")
    except BenchFailed as failure:
        if str(failure) not in notes:
            notes.append(str(failure))
