"""``dragoman models``: which models are here, and how others get into the store.

Scope: the command line of ``engines.shared.model_store`` and ``cli.model_download``. A server never
downloads anything: it says which of these commands to run. The licence of a model is shown before
it is pulled; one that forbids commercial use needs a flag.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated, NoReturn
from urllib.parse import urlsplit

import msgspec
import typer

from dragoman.cli.model_download import PullFailed, pull
from dragoman.engines.base import EngineUnavailable
from dragoman.engines.shared.model_catalogue import MODELS, Model
from dragoman.engines.shared.model_store import (
    ROW,
    Place,
    all_models,
    check_file,
    known,
    mend,
    places,
    sha256_of,
    store_folder,
    store_of,
)

MIRROR_ENV = "DRAGOMAN_MODEL_MIRROR"

models = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="List, pull, verify and remove models.",
)

Names = Annotated[list[str], typer.Argument(help="Names of models.")]
SomeNames = Annotated[
    list[str] | None, typer.Argument(help="Names of models; all that are here if not given.")
]
Index = Annotated[
    str, typer.Option(help="Mozilla's records of translations-models: more pairs; file or URL.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable.")]


class ListedModel(msgspec.Struct, frozen=True):
    """One line of the list; ``where`` is empty for a model that is not here."""

    name: str
    engine: str
    role: str
    licence: str
    source: str
    bytes: int
    covers: str
    where: str = ""
    get: str = ""


@models.command("list")
def list_models(
    *,
    here: Annotated[bool, typer.Option("--here", help="Only those that are here.")] = False,
    index: Index = "",
    as_json: AsJson = False,
) -> None:
    """Show the models that are known, and where those are that are here."""
    found = [_listed(model) for model in (all_models() | _indexed(index)).values()]
    found = [row for row in found if row.where or not here]
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(found)).decode() + "\n")
        return
    from rich.console import Console  # noqa: PLC0415  # not needed for --json
    from rich.table import Table  # noqa: PLC0415

    table = Table(show_edge=False, pad_edge=False, header_style="bold")
    for heading in ("model", "engine", "languages", "MB", "licence", "where"):
        table.add_column(
            heading,
            justify="right" if heading == "MB" else "left",
            no_wrap=heading in {"model", "MB"},
        )
    for row in found:
        cells = (row.name, row.engine, row.covers, f"{row.bytes / 1e6:.0f}", row.licence)
        table.add_row(*cells, row.where or "-", style=None if row.where else "dim")
    console = Console(highlight=False)
    console.print(table)
    console.print(f"\nThe store is {store_folder()}. `dragoman models pull NAME` gets a model.")


@models.command("pull")
def pull_models(
    names: Names,
    *,
    mirror: Annotated[
        str, typer.Option(help=f"Address of a copy of a store. [{MIRROR_ENV}]", show_default=False)
    ] = "",
    folder: Annotated[
        Path | None, typer.Option("--from", help="Copy from this folder, without network.")
    ] = None,
    index: Index = "",
    accept: Annotated[
        bool,
        typer.Option("--accept-non-commercial", help="Also weights that are not for business."),
    ] = False,
) -> None:
    """Get models into the store; goes on where it was stopped."""
    added = {name: model for name, model in _indexed(index).items() if name in names}
    for model in [*added.values(), *_known([name for name in names if name not in added])]:
        if model.non_commercial and not accept:
            _fail(
                f"{model.name} is licensed {model.licence}: not for commercial use. If you may use "
                "it, give --accept-non-commercial."
            )
        _pull(model, mirror or os.environ.get(MIRROR_ENV, ""), folder)
        if model.name in added:
            (store_of(model) / ROW).write_bytes(msgspec.json.encode(model))


@models.command("verify")
def verify_models(names: SomeNames = None) -> None:
    """Compare the hashes of the models that are here. Exit code 1 if one is wrong."""
    wrong = 0
    for model in _known(names or list(all_models())):
        found = list(places(model))
        if names and not found:
            typer.echo(f"{model.name}: not here. Mend it with: {mend(model)}")
            wrong += 1
        for place in found:
            told = _verified(model, place)
            typer.echo(f"{model.name} ({_where(place)}): {told or 'right'}")
            wrong += bool(told)
    raise typer.Exit(1 if wrong else 0)


@models.command("remove")
def remove_models(names: Names) -> None:
    """Delete models from the store."""
    for model in _known(names):
        folder = store_of(model)
        if folder.is_dir():
            shutil.rmtree(folder)
            typer.echo(f"{folder} is deleted.")
        else:
            typer.echo(f"{model.name} is not in the store.")
        if any(place.kind == "packages" for place in places(model)):
            packages = {part.partition(":")[0] for file in model.files for part in file.parts}
            typer.echo(
                f"{model.name} comes with installed packages: {', '.join(sorted(packages))}."
            )


def _pull(model: Model, mirror: str, folder: Path | None) -> None:
    from rich.console import Console  # noqa: PLC0415  # the other commands need none
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        DownloadColumn,
        Progress,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    source = str(folder or mirror or urlsplit(model.files[0].url).hostname or "")
    if not source and any(place.has_all(model) for place in places(model)):
        typer.echo(f"{model.name} is here already, in installed packages")
        return
    if not source:
        _fail(f"{model.name} has no address to be pulled from. Get it with: {mend(model)}")
    console = Console(stderr=True, highlight=False)
    console.print(f"{model.name}: {model.about}; {model.size / 1e6:.0f} MB from {source}")
    console.print(f"  licence {model.licence}; {model.source}")
    columns = BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
    try:
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(model.name, total=model.size)
            where = pull(
                model, lambda done: bar.update(task, completed=done), mirror=mirror, folder=folder
            )
    except PullFailed as failure:
        _fail(f"{model.name} was not pulled: {failure}")
    except KeyboardInterrupt:
        _fail(f"{model.name}: stopped; the same command goes on from there.", 130)
    typer.echo(f"{model.name} is in {where}")


def _verified(model: Model, place: Place) -> str:
    """What is wrong with the files of one place; empty for nothing."""
    for file in model.files:
        parts = place.files.get(file.name, ())
        if not parts:
            return f"{file.name} is missing. Mend it with: {mend(model)}"
        try:
            if len(parts) == 1:
                check_file(parts[0], file, mend(model), always=True)
            elif sha256_of(*parts) != file.sha256:
                return f"the parts of {file.name} are wrong. Mend it with: {mend(model)}"
        except EngineUnavailable as refusal:
            return str(refusal)
    return ""


def _listed(model: Model) -> ListedModel:
    pairs = ", ".join(f"{source}→{target}" for source, target in model.pairs)
    return ListedModel(
        name=model.name,
        engine=model.engine,
        role=model.role,
        licence=model.licence + " (non-commercial)" * model.non_commercial,
        source=model.source,
        bytes=model.size,
        covers=pairs or ", ".join(model.languages).replace("*", "many"),
        where=next((_where(place) for place in places(model) if place.has_all(model)), ""),
        get=mend(model),
    )


def _where(place: Place) -> str:
    return "packages" if place.kind == "packages" else "store"


def _indexed(index: str) -> dict[str, Model]:
    """The models of an index that the catalogue does not have."""
    if not index:
        return {}
    from dragoman.cli.model_index import read_index  # noqa: PLC0415  # seldom needed

    try:
        return {name: model for name, model in read_index(index).items() if name not in MODELS}
    except ValueError as error:
        _fail(f"--index: {error}")


def _known(names: list[str]) -> list[Model]:
    try:
        return [known(name) for name in names]
    except EngineUnavailable as refusal:
        _fail(str(refusal))


def _fail(message: str, code: int = 1) -> NoReturn:
    typer.echo(f"dragoman models: {message}", err=True)
    raise typer.Exit(code)
