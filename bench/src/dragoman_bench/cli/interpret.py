"""``dragoman bench interpret``: how early, stable, complete and good an interpretation is.

Scope: flags in, a table out; what is measured and how is in
``dragoman_bench.interpret`` and docs/benchmarks.md.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

if TYPE_CHECKING:
    from rich.console import Console

    from dragoman_bench.interpret.bootstrap import Difference
    from dragoman_bench.interpret.plan import InterpretPlan
    from dragoman_bench.interpret.results import InterpretResults
    from dragoman_bench.interpret.script import Script


Logs = Annotated[
    list[Path] | None, typer.Option(help="Score this saved event log; may be repeated.")
]
Pair = Annotated[
    tuple[Path, Path] | None,
    typer.Option(help="Two result files: which differences are more than chance."),
]
Url = Annotated[str | None, typer.Option(help="Measure this server instead of one of its own.")]
Key = Annotated[
    str | None, typer.Option(help="API key; default: DASHSCOPE_API_KEY.", show_default=False)
]
Model = Annotated[str | None, typer.Option(help="Model name.")]
Source = Annotated[str, typer.Option(help="Language that is spoken.")]
Target = Annotated[str, typer.Option(help="Language to translate into.")]
Pairs = Annotated[
    str | None,
    typer.Option(help="Several directions instead, one after another: en-es,es-en,fr-en."),
]
Policy = Annotated[
    str | None, typer.Option(help="When text is committed: agree, units, turn, auto.")
]
Pace = Annotated[str | None, typer.Option(help="How long units are: eager, even, careful.")]
Sessions = Annotated[str, typer.Option(help="Sessions side by side: 1, or 1,2,4, or 1-8.")]
Speed = Annotated[float, typer.Option(min=0.5, max=2.0, help="How fast the speaker speaks.")]
Folder = Annotated[Path | None, typer.Option(help="Folder of recordings with a manifest.json.")]
Only = Annotated[list[str] | None, typer.Option(help="Only this recording; may be repeated.")]
Long = Annotated[bool, typer.Option("--long", help="One long talk made of all recordings.")]
Minutes = Annotated[
    float | None, typer.Option(min=0.1, help="With --long: repeat until it is this long.")
]
Terms = Annotated[Path | None, typer.Option(help="JSON: source terms and their translations.")]
Send = Annotated[
    bool, typer.Option("--send-terms", help="Give the terms to the server as its glossary.")
]
TextOnly = Annotated[bool, typer.Option("--text-only", help="No speech.")]
Offline = Annotated[
    bool, typer.Option("--offline/--no-offline", help="Compare with the engines offline.")
]
Plot = Annotated[bool, typer.Option("--plot/--no-plot", help="Draw PNG pictures.")]
Out = Annotated[Path, typer.Option(help="Folder for logs, result and pictures.")]


def bench_interpret(
    *,
    log: Logs = None,
    compare: Pair = None,
    url: Url = None,
    api_key: Key = None,
    model: Model = None,
    source: Source = "en",
    target: Target = "es",
    pairs: Pairs = None,
    policy: Policy = None,
    pace: Pace = None,
    sessions: Sessions = "1",
    speed: Speed = 1.0,
    recordings: Folder = None,
    only: Only = None,
    long: Long = False,
    minutes: Minutes = None,
    terms: Terms = None,
    send_terms: Send = False,
    text_only: TextOnly = False,
    offline: Offline = True,
    plot: Plot = True,
    out: Out = Path("bench-results"),
) -> None:
    """Measure simultaneous interpretation, live or from saved event logs."""
    from dragoman.client.errors import ClientError  # noqa: PLC0415
    from dragoman_bench.figures import BenchFailed  # noqa: PLC0415
    from dragoman_bench.interpret.plan import InterpretPlan  # noqa: PLC0415  # see cli/main.py

    more = {"policy": policy, "pace": pace}
    plan = InterpretPlan(
        out=out,
        target=target,
        source=source,
        pairs=_pairs(pairs),
        url=url,
        api_key=api_key,
        model=model,
        more={name: value for name, value in more.items() if value is not None},
        text_only=text_only,
        recordings=recordings,
        long=long,
        minutes=minutes,
        only=only or (),
        speed=speed,
        sessions=_counts(sessions),
        terms=_terms(terms),
        send_terms=send_terms,
        offline=offline,
        pictures=plot,
    )
    try:
        if compare is None:
            _measure(plan, log or [])
        else:
            _compare(*compare)
    except (BenchFailed, ClientError, OSError) as failure:
        typer.echo(f"dragoman bench interpret: {failure}", err=True)
        raise typer.Exit(1) from None


def _measure(plan: InterpretPlan, logs: list[Path]) -> None:
    from dragoman_bench import report  # noqa: PLC0415  # see cli/main.py
    from dragoman_bench.interpret import run  # noqa: PLC0415

    console = report.console()
    if logs:
        found = run.score_logs(logs, _scripts(plan), plan)
    else:
        if not sys.platform.startswith("linux"):
            typer.echo("dragoman bench interpret: reads /proc, so it needs Linux", err=True)
            raise typer.Exit(2)
        with console.status("starting …") as status:
            found = run.measure(plan, status.update)
    _show(found, console)
    console.print(f"result: {found.write(plan.out, 'interpret.json')}")
    if found.failures:
        raise typer.Exit(1)


def _scripts(plan: InterpretPlan) -> list[Script]:
    """The scripts of the recordings at hand, for logs that have none beside them."""
    from dragoman_bench.figures import BenchFailed  # noqa: PLC0415  # see cli/main.py
    from dragoman_bench.interpret import recordings  # noqa: PLC0415
    from dragoman_bench.interpret.script import Script  # noqa: PLC0415

    try:
        found = recordings.find(plan.recordings, plan.source, plan.target)
    except BenchFailed:
        if plan.recordings is not None:
            raise
        return []
    return [
        Script(
            name=recording.id,
            language=plan.source,
            target=plan.target,
            segments=[recording.segment],
            terms=plan.terms,
        )
        for recording in found
    ]


def _show(found: InterpretResults, console: Console) -> None:
    from dragoman_bench import report  # noqa: PLC0415  # see cli/main.py
    from dragoman_bench.interpret import results, summary  # noqa: PLC0415

    console.print()
    if len(results.items_of(found)) > 1 or found.failures:
        console.print(summary.table(found.runs))
        console.print(summary.legend(found.runs), markup=False)
    else:
        console.print(report.table([figure for run in found.runs for figure in run.figures]))
    for direction, why in found.failures.items():
        console.print(f"{direction} was not measured: {why}", markup=False)
    console.print()
    console.print(report.machine_line(found.machine), markup=False)
    for run in found.runs:
        for note in run.notes:
            console.print(note, markup=False)


def _compare(a: Path, b: Path) -> None:
    from dragoman_bench import report  # noqa: PLC0415  # see cli/main.py
    from dragoman_bench.figures import BenchFailed  # noqa: PLC0415
    from dragoman_bench.interpret import bootstrap, results  # noqa: PLC0415

    ones, others = (results.items_of(results.read(path)) for path in (a, b))
    both = [pair for pair in ones if pair in others]
    found = {pair: bootstrap.paired(ones[pair], others[pair]) for pair in both}
    if not any(len(pairs) > 1 for pairs in found.values()):
        raise BenchFailed("the two results share fewer than two recordings: nothing to compare")
    console = report.console()
    console.print(f"A: {a}, B: {b}", markup=False)
    for (source, target), pairs in found.items():
        console.print(f"\n{source or '?'} to {target or '?'}: {len(pairs)} recordings in both")
        if len(pairs) > 1:
            differences = bootstrap.compare([one for one, _ in pairs], [two for _, two in pairs])
            console.print(_differences(differences))


def _differences(found: list[Difference]) -> Table:
    made = Table(show_edge=False, pad_edge=False, header_style="bold")
    made.add_column("figure", no_wrap=True)
    for heading in ("A", "B", "B - A", "95 % of draws", "p", ""):
        made.add_column(heading, justify="right", no_wrap=True)
    for one in found:
        verdict = "tie" if one.tie else "clear" if one.is_clear else "chance"
        values = [f"{value:.2f}" for value in (one.a, one.b)]
        between = f"{one.low:+.2f} … {one.high:+.2f}"
        name = f"{one.name} {one.unit}".strip()
        made.add_row(name, *values, f"{one.by:+.2f}", between, f"{one.p:.3f}", verdict)
    return made


# ---------------------------------------------------------------- options
def _counts(text: str) -> list[int]:
    """``1``, ``1,2,4`` or ``1-8`` as numbers."""
    try:
        found: list[int] = []
        for part in text.split(","):
            first, _, last = part.partition("-")
            found += range(int(first), int(last or first) + 1)
    except ValueError:
        found = []
    if not found or not all(1 <= count <= 64 for count in found):
        raise typer.BadParameter("--sessions takes numbers from 1 to 64, like 1,2,4 or 1-8")
    return found


def _pairs(text: str | None) -> list[tuple[str, str]]:
    """``en-es,es-en`` as source and target languages."""
    found = [tuple(part.strip().split("-")) for part in (text or "").split(",") if part.strip()]
    pairs = [(pair[0], pair[1]) for pair in found if len(pair) == 2 and all(pair)]
    if len(pairs) < len(found) or (text is not None and not pairs):
        raise typer.BadParameter("--pairs takes directions like en-es,es-en")
    return pairs


def _terms(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{path}: {error}") from None
    if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
        raise typer.BadParameter(f"{path} has to be a JSON object of terms and their translations")
    return found
