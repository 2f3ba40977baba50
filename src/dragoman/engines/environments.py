"""Environments: Python installations beside the server's, each for engines whose packages would
clash with the server's or with another engine's.

Scope: finding them and saying what is wrong with one, by looking at files; nothing of an
environment is run here. ``dragoman engines install`` makes them, ``remote_engine`` asks them. An
environment is a venv with a record of ours, in the folder ``DRAGOMAN_ENVIRONMENTS`` or in the
user's folder for data. It holds no copy of Dragoman but a link to this installation, so that both
ends of the sockets to its worker processes are always of the same version.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import msgspec

import dragoman
from dragoman.engines.base import EngineUnavailable
from dragoman.engines.shared.data_folder import data_folder

ENVIRONMENTS_ENV = "DRAGOMAN_ENVIRONMENTS"
PACKAGE = Path(dragoman.__file__).resolve().parent
_RECORD = "dragoman.json"
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


class Environment(msgspec.Struct, frozen=True):
    """The record of an environment: its name, what was to be installed, the Python version, and the
    engines that it is for. ``packages`` are those that engines of ours need there: if this
    installation has them all, such an engine runs here.
    """

    name: str
    wanted: str
    python_version: str
    engines: tuple[str, ...]
    packages: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where it is."""
        return folder_of(self.name)

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def mend(self) -> str:
        """The command that makes it anew."""
        return f"dragoman engines install {shlex.quote(self.wanted)} --name {self.name}"

    def check(self) -> None:
        """Raise ``EngineUnavailable`` if it cannot be used, as far as its files tell."""
        linked = site_of(self.folder) / "dragoman"
        if not os.access(self.python, os.X_OK):
            wrong = "has lost its Python"
        elif linked.resolve() != PACKAGE:
            wrong = f"belongs to another installation of Dragoman ({linked.resolve().parent})"
        else:
            return
        raise EngineUnavailable(f"The environment {self.name} {wrong}. Mend it with: {self.mend}")


def environments_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """``DRAGOMAN_ENVIRONMENTS``, else ``dragoman/environments`` in the user's folder for data."""
    return data_folder(ENVIRONMENTS_ENV, "environments", environ)


def folder_of(name: str) -> Path:
    """The folder of the environment of this name, whether it is there or not. Raises ``ValueError``
    for what is no name: it must never lead out of the folder of environments.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is no name for an environment: use small letters, digits, '-', '_', '.'."
        )
    return environments_folder() / name


def is_complete(folder: Path) -> bool:
    """Whether its installation came to its end."""
    return (folder / _RECORD).is_file()


def site_of(folder: Path) -> Path:
    """Where the packages of a venv are."""
    return next(folder.glob("lib/python3*/site-packages"), folder / "lib" / "site-packages")


def find(name: str) -> Environment:
    """The environment of this name. Raises ``EngineUnavailable`` if there is none, ``ValueError``
    for what is no name.
    """
    if found := _read(folder_of(name)):
        return found
    there = ", ".join(one.name for one in all_environments()) or "none"
    raise EngineUnavailable(
        f"There is no environment {name!r} in {environments_folder()}; there are: {there}. "
        f"Make it with: dragoman engines install ENGINE --name {name}"
    )


def all_environments() -> list[Environment]:
    """Those that are complete, by name; some may be broken (``check``)."""
    records = sorted(environments_folder().glob(f"*/{_RECORD}"))
    return [found for path in records if (found := _read(path.parent))]


def _read(folder: Path) -> Environment | None:
    with suppress(OSError, msgspec.MsgspecError):
        found = msgspec.json.decode((folder / _RECORD).read_bytes(), type=Environment)
        if found.name == folder.name:  # else it was moved, or is kept aside
            return found
    return None


def environment_with(engine: str, *, is_registered: bool) -> str | None:
    """The name of the one environment that has this engine, which this installation has not;
    ``is_registered``: it has its class at least. Raises ``ValueError`` where several have it.
    """
    found = [
        one.name
        for one in all_environments()
        if engine in one.engines and not (is_registered and all(map(_is_installed, one.packages)))
    ]
    if len(found) > 1:
        raise ValueError(
            f"The environments {', '.join(found)} all have the engine {engine!r}: say which one, "
            f"as in {engine}@env={found[0]}."
        )
    return found[0] if found else None


def save(environment: Environment) -> None:
    """Write the record: from now on the environment is complete."""
    unfinished = environment.folder / f".{_RECORD}"
    unfinished.write_bytes(msgspec.json.encode(environment))
    unfinished.replace(environment.folder / _RECORD)


def _is_installed(package: str) -> bool:
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True
