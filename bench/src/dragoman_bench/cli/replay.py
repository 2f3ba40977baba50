"""``dragoman replay``: run target policies over recorded hypotheses.

Scope: logs and flags in, a table out; the simulation is ``dragoman_bench.replay``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_args

import msgspec
import typer

from dragoman.engines import registry
from dragoman.engines.base import EngineUnavailable, Translation, Translator
from dragoman.policy.recognition import hypothesis_log
from dragoman.speech import PaceName, PolicyName

_HEADINGS = {
    "policy": "policy",
    "pace": "pace",
    "chrf": "chrF",
    "laal_ms": "LAAL\nms",
    "first_ms": "first\nms",
    "flicker": "flicker",
    "violations": "viol.",
    "calls_per_word": "calls\n/word",
    "words_sent_per_word": "sent\n/word",
    "pieces": "pieces",
    "voice_lag_s": "voice\nlag s",
    "voice_lag_p95_s": "p95",
}
_WIDTH = 100


def replay(
    logs: Annotated[list[Path], typer.Argument(help="Hypothesis logs, or folders of them.")],
    *,
    policy: Annotated[str, typer.Option(help="Policies to compare, with commas.")] = (
        "agree,units,turn"
    ),
    pace: Annotated[str, typer.Option(help="Paces to compare: eager, even, careful.")] = "even",
    source: Annotated[str, typer.Option(help="Source language where the log has none.")] = "en",
    target: Annotated[str, typer.Option(help="Target language.")] = "es",
    mt: Annotated[str, typer.Option(help="Translator: an engine, or 'scripted'.")] = "apertium",
    mt_s: Annotated[
        float | None, typer.Option(help="Simulate calls that take so many seconds.")
    ] = None,
    known: Annotated[
        Path | None, typer.Option(help="JSON of translations already made; new ones are added.")
    ] = None,
    reference: Annotated[
        Path | None, typer.Option(help="Reference text, or a folder with NAME.txt for NAME.jsonl.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, texts included.")] = False,
) -> None:
    """Compare when target text would be committed, from logs.

    A server that runs with DRAGOMAN_RECORD_HYPOTHESES=FOLDER writes a log for each session of
    interpretation. Logs hold what was said; only their owner may read them.
    """
    files = [log for path in logs for log in (sorted(path.glob("*.jsonl")) or [path])]
    wanted = [
        (_one_of(name, PolicyName, "--policy"), _one_of(speed, PaceName, "--pace"))
        for name in policy.split(",")
        for speed in pace.split(",")
    ]
    try:
        lines = [list(hypothesis_log.decode(file.read_bytes())) for file in files]
    except (OSError, ValueError) as error:
        raise typer.BadParameter(str(error)) from None
    with _CachedTranslator("scripted-mt" if mt == "scripted" else mt, known) as translate:
        from dragoman_bench import replay as bench  # noqa: PLC0415  # see cli/main.py

        rows: list[dict[str, Any]] = []
        for name, speed in wanted:
            settings = bench.ReplaySettings(
                policy=name, pace=speed, source=source, target=target, call_s=mt_s
            )
            traces = [bench.Replay(settings, translate).run(log) for log in lines]
            found = bench.totals([trace for log in traces for trace in log])
            said = [" ".join(trace.text for trace in log if trace.text) for log in traces]
            rows.append(
                {"policy": name, "pace": speed, **msgspec.to_builtins(found)}
                | ({"chrf": _chrf(said, files, reference)} if reference else {})
            )
    _print(rows, as_json=as_json)


class _CachedTranslator:
    """A translator that is called once for each text; its answers can be kept in a file."""

    def __init__(self, spec: str, path: Path | None) -> None:
        self._spec, self._path = spec, path
        self._known: dict[str, str] = {}
        self._engine: Translator | None = None

    def __enter__(self) -> Callable[[Translation], str]:
        if self._path is not None and self._path.exists():
            self._known = msgspec.json.decode(self._path.read_bytes(), type=dict[str, str])
        return self._translate

    def __exit__(self, *_: object) -> None:
        if self._path is not None:
            self._path.write_bytes(msgspec.json.format(msgspec.json.encode(self._known)))
        if self._engine is not None:
            self._engine.close()

    def _translate(self, request: Translation) -> str:
        if self._path is not None and request.text in self._known:
            return self._known[request.text]
        if self._engine is None:
            self._engine = self._started(request)
        answer = self._engine.translate(request)
        self._known[request.text] = answer
        return answer

    def _started(self, request: Translation) -> Translator:
        try:
            engine = registry.make(self._spec, "mt")
            engine.load()
        except (registry.RegistryError, EngineUnavailable) as error:
            raise typer.BadParameter(str(error), param_hint="--mt") from None
        assert isinstance(engine, Translator)
        engine.warm(request.source, request.target)
        return engine


def _one_of(name: str, allowed: Any, flag: str) -> Any:
    if name not in get_args(allowed):
        known = ", ".join(get_args(allowed))
        raise typer.BadParameter(f"{name!r} is none of {known}", param_hint=flag)
    return name


def _chrf(said: list[str], files: list[Path], reference: Path) -> float:
    """chrF2 of the texts that have a reference, all together."""
    from dragoman_bench.text_metrics import chrf  # noqa: PLC0415  # slow to import

    pairs: list[tuple[str, str]] = []
    for file, text in zip(files, said, strict=True):
        path = reference / f"{file.stem}.txt" if reference.is_dir() else reference
        if path.exists() and (wanted := path.read_text(encoding="utf-8").strip()):
            pairs.append((text, wanted))
    if not pairs:
        raise typer.BadParameter(f"no reference in {reference}", param_hint="--reference")
    return chrf([text for text, _ in pairs], [wanted for _, wanted in pairs])


def _print(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(rows)).decode())
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(show_edge=False, pad_edge=False, header_style="bold")
    shown = [(name, heading) for name, heading in _HEADINGS.items() if name in rows[0]]
    for name, heading in shown:
        table.add_column(heading, justify="left" if name in {"policy", "pace"} else "right")
    for row in rows:
        table.add_row(*(_cell(row[name]) for name, _ in shown))
    console = Console()
    console.width = max(console.width, _WIDTH)
    console.print(table)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2f}"
    return "–" if value is None else str(value)
