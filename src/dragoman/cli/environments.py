"""``dragoman engines install``, ``list`` and ``remove``: environments for engines.

Scope: the command line of ``cli.new_environment``. It says what it would install, under which
licence, and asks. A server never installs anything.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer

from dragoman.cli import new_environment as new
from dragoman.cli.checks import NEWEST, OLDEST
from dragoman.cli.setup import EXTRAS, agreed, requirements
from dragoman.engines.base import EngineUnavailable
from dragoman.engines.environments import (
    Environment,
    all_environments,
    environments_folder,
    folder_of,
    save,
)
from dragoman.engines.remote_engine import described

_SECRET = re.compile(r"(?<=://)[^/@\s]*@")


class Wanted(msgspec.Struct, frozen=True):
    """What is to be installed: ``what`` in words that mean the same anywhere, a name for the
    environment, ``packages`` for pip, and the engines if they are known before.
    """

    what: str
    name: str
    packages: list[str]
    engines: tuple[str, ...] = ()
    licence: str = "that of the package"


class ListedEnvironment(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the list; ``wrong`` is empty for one that can be used."""

    name: str
    engines: tuple[str, ...]
    python_version: str
    folder: str
    wanted: str
    wrong: str = ""


def install(
    what: Annotated[
        str,
        typer.Argument(help="An engine or extra of Dragoman, a package, or a folder or wheel."),
    ],
    *,
    name: Annotated[
        str, typer.Option(help="Name of the environment.", show_default="that of the engine")
    ] = "",
    python: Annotated[
        str, typer.Option(help="Its Python, 3.11 to 3.13.", show_default="this one")
    ] = "",
    index: Annotated[
        str, typer.Option(help="Address of a package index.", show_default="pip's")
    ] = "",
    find_links: Annotated[
        str, typer.Option(help="Folder with wheels: install from there, without network.")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Install without a question.")] = False,
) -> None:
    """Install engines into an environment of their own, apart from other packages."""
    try:
        wanted = _wanted(what)
        name = name or wanted.name
        folder = folder_of(name)
        python = python or sys.executable
        version = new.version_of(python)
        if not OLDEST <= version[:2] <= NEWEST:
            _fail(f"{python} is {'.'.join(map(str, version))}: use Python 3.11, 3.12 or 3.13")
        typer.echo(f"{name}: {', '.join(wanted.packages)} into {folder}")
        typer.echo(f"  licence: {wanted.licence}" + "; replaces what is there" * folder.exists())
        if not (yes or agreed()):
            _fail("nothing was installed")
        with new.new_environment(name, python) as folder:
            new.fill(folder, wanted.packages, index=index, find_links=find_links)
            environment = _recorded(folder, wanted, version)
    except (new.InstallFailed, ValueError, OSError) as failure:
        _fail(str(failure))
    typer.echo(f"{name} is installed. Use it like any engine, or force it with @env={name}.")
    _show(environment)


def list_environments(
    *, as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False
) -> None:
    """Show the environments and the engines they are for. Runs nothing of them."""
    found = [_listed(one) for one in all_environments()]
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(found)).decode() + "\n")
        return
    for one in found:
        typer.echo(f"{one.name}: {', '.join(one.engines)}; Python {one.python_version}")
        typer.echo(f"  {one.wrong or f'{one.wanted} in {one.folder}'}")
    if not found:
        typer.echo(f"There is no environment in {environments_folder()}.")


def remove(name: Annotated[str, typer.Argument(help="Name of an environment.")]) -> None:
    """Delete an environment. Stop servers that use it before."""
    try:
        folder = folder_of(name)
    except ValueError as error:
        _fail(str(error))
    if folder.is_symlink() or not (folder / "pyvenv.cfg").is_file():
        _fail(f"there is no environment {name!r} in {environments_folder()}")
    shutil.rmtree(folder)
    typer.echo(f"{folder} is deleted.")


def _wanted(what: str) -> Wanted:
    extra = what if what in EXTRAS else next((e for e in EXTRAS if what in EXTRAS[e].engines), "")
    if extra:
        packages = new.worker_requirements(of_ours=True) + requirements(extra)
        return Wanted(what, what, packages, EXTRAS[extra].engines, EXTRAS[extra].licence)
    path = Path(what).expanduser()
    name = new.name_of(what)
    if path.is_dir() or path.suffix == ".whl":
        if not path.exists():
            _fail(f"there is no file {what}")
        path = path.resolve()
        what, name = str(path), path.name.partition("-")[0] if path.is_file() else path.name
    if not name:
        _fail(f"{what!r} is neither an engine nor a package, a folder or a wheel")
    return Wanted(what, name.lower(), [*new.worker_requirements(), what])


def _recorded(folder: Path, wanted: Wanted, version: tuple[int, ...]) -> Environment:
    engines = wanted.engines or new.found_engines(folder)
    if not engines:
        raise new.InstallFailed(f"{wanted.what} registers no engine for Dragoman")
    environment = Environment(
        folder.name,
        _SECRET.sub("", wanted.what),
        ".".join(map(str, version)),
        engines,
        tuple(map(new.name_of, wanted.packages)) if wanted.engines else (),
    )
    save(environment)
    return environment


def _show(environment: Environment) -> None:
    """What each engine is, which is remembered for lists and servers."""
    for engine in environment.engines:
        try:
            info = described(environment, engine).info
        except (EngineUnavailable, ValueError) as refusal:
            typer.echo(f"  {engine}: {refusal}")
        else:
            assert info is not None
            typer.echo(f"  {info.role}={engine}  {info.about} ({info.licence})")


def _listed(environment: Environment) -> ListedEnvironment:
    wrong = ""
    try:
        environment.check()
    except EngineUnavailable as refusal:
        wrong = str(refusal)
    return ListedEnvironment(
        environment.name,
        environment.engines,
        environment.python_version,
        str(environment.folder),
        environment.wanted,
        wrong,
    )


def _fail(message: str, code: int = 1) -> NoReturn:
    typer.echo(f"dragoman engines: {message}", err=True)
    raise typer.Exit(code)
