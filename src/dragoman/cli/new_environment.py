"""Makes an environment for engines: a venv, a link to this Dragoman, and what pip brings.

Scope: ``dragoman engines install`` without its words. An environment is built where it will stay,
since a venv cannot be moved; one that was there before is kept aside until the new one is complete
and comes back if that fails. It gets its record last.

Dragoman is linked, and told to pip as an installed package that needs only what a worker process
imports, so pip neither downloads it nor a server's packages.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from dragoman.cli.setup import REQUIREMENT_NAME
from dragoman.engines.base import ENTRY_POINT_GROUP
from dragoman.engines.environments import PACKAGE, folder_of, is_complete, site_of

_WORKER_NEEDS = ("av", "msgspec", "numpy")
_OUR_ENGINES_NEED = ("pybase64", "rapidfuzz", "websockets")
_PLAIN_WORDS = {
    "No module named ensurepip|ensurepip is not available": (
        "this Python cannot make environments: install the package python3-venv of your system"
    ),
    "ResolutionImpossible|conflicting dependencies": "the packages contradict each other",
    "ConnectTimeout|NewConnectionError|ConnectionError|NameResolutionError|ReadTimeout": (
        "the package index cannot be reached: try again, or give --index or --find-links"
    ),
    "No matching distribution|Could not find a version": (
        "there is no such package, or none for this Python and machine"
    ),
    "No space left": "the disk is full",
    "Failed to build|error: subprocess-exited": "a package cannot be built here",
}


class InstallFailed(Exception):
    """Nothing was installed; the message says why in plain words."""


@contextmanager
def new_environment(name: str, python: str) -> Iterator[Path]:
    """The folder of a new venv with a linked Dragoman, to be filled; what is in its place comes
    back if that fails. Raises ``InstallFailed``.
    """
    folder = folder_of(name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    old = folder.with_name(f".{name}.old")
    with (folder.parent / f".{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InstallFailed(f"{name} is being installed by another process") from error
        if is_complete(folder):
            shutil.rmtree(old, ignore_errors=True)
            folder.rename(old)
        elif folder.exists():  # somebody ended an installation; an older one may be kept aside
            shutil.rmtree(folder)
        try:
            _run([python, "-I", "-m", "venv", str(folder)])
            link_dragoman(site_of(folder))
            yield folder
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            if old.exists():
                old.rename(folder)
            raise
        shutil.rmtree(old, ignore_errors=True)


def link_dragoman(site: Path) -> None:
    """Make this Dragoman importable there, and known to pip with all its engines."""
    (site / "dragoman").symlink_to(PACKAGE, target_is_directory=True)
    ours = metadata.distribution("dragoman")
    told = site / f"dragoman-{ours.version}.dist-info"
    told.mkdir()
    needs = "".join(f"Requires-Dist: {need}\n" for need in worker_requirements())
    (told / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: dragoman\nVersion: {ours.version}\n{needs}", "utf-8"
    )
    (told / "entry_points.txt").write_text(ours.read_text("entry_points.txt") or "", "utf-8")
    (told / "INSTALLER").write_text("dragoman\n", "utf-8")
    (told / "RECORD").write_text("", "utf-8")


def worker_requirements(*, of_ours: bool = False) -> list[str]:
    """What a worker process imports, with the versions that this Dragoman wants; ``of_ours``: with
    what engines of ours import besides.
    """
    wanted = _WORKER_NEEDS + _OUR_ENGINES_NEED * of_ours
    return [need for need in metadata.requires("dragoman") or [] if name_of(need) in wanted]


def name_of(requirement: str) -> str:
    """The package that a requirement is about; empty if it does not say."""
    found = REQUIREMENT_NAME.match(requirement)
    return found[0].lower() if found else ""


def fill(folder: Path, wanted: Sequence[str], *, index: str = "", find_links: str = "") -> None:
    """Have the environment's pip install these. Its address is given to pip by a variable, so that
    a password in it is in no list of processes. Raises ``InstallFailed``.
    """
    pip = [str(folder / "bin" / "python"), "-I", "-m", "pip", "install"]
    pip += ["--disable-pip-version-check"]
    if find_links:
        pip += ["--no-index", "--find-links", find_links]
    ours = f"dragoman=={metadata.version('dragoman')}"  # is there: pip must not fetch another one
    _run([*pip, ours, *wanted], {"PIP_INDEX_URL": index} if index else {})


def found_engines(folder: Path) -> tuple[str, ...]:
    """The names of the engines that packages of the environment register, but for ours."""
    return tuple(
        sorted(
            point.name
            for package in metadata.distributions(path=[str(site_of(folder))])
            if package.name != "dragoman"
            for point in package.entry_points.select(group=ENTRY_POINT_GROUP)
        )
    )


def version_of(python: str) -> tuple[int, ...]:
    """The version of an interpreter. Raises ``InstallFailed`` if it does not run."""
    code = "import sys; print(*sys.version_info[:3])"
    try:
        done = subprocess.run([python, "-I", "-c", code], capture_output=True, check=True)
        return tuple(map(int, done.stdout.split()))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise InstallFailed(f"{python} is no Python that runs here") from error


def _run(command: Sequence[str], variables: Mapping[str, str] | None = None) -> None:
    """Run it; what it prints is shown, and what it prints to standard error explains a failure."""
    environment = {**os.environ, **(variables or {})}
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment, text=True
    ) as program:
        assert program.stderr is not None
        lines = []
        for line in program.stderr:
            sys.stderr.write(line)
            lines.append(line)
    if program.returncode:
        raise InstallFailed(_explained(lines))


def _explained(lines: Sequence[str]) -> str:
    text = "".join(lines)
    for pattern, meaning in _PLAIN_WORDS.items():
        if re.search(pattern, text):
            return meaning
    return "see the lines above"
