"""Fail when a wheel holds what is not its own: benchmarks or tests in ``dragoman``'s, or anything
but ``dragoman_bench`` in ``dragoman-bench``'s.

Builds both wheels into a temporary folder, without network, and looks at the names in them.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {ROOT: "dragoman", ROOT / "bench": "dragoman_bench"}
FOREIGN = ("bench", "tests")


def built(project: Path, folder: Path) -> list[str]:
    """The names of all files in the project's wheel."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=project, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def wrong(package: str, names: Iterable[str]) -> list[str]:
    """What is wrong with the files of the wheel of ``package``, one line each."""
    found = []
    folders = [name.split("/")[:-1] for name in names]
    if [package] not in folders:
        found.append(f"there is no package {package} in it")
    for folder in sorted({"/".join(folder) for folder in folders}):
        top, *rest = folder.split("/")
        if top != package and not top.endswith(".dist-info"):
            found.append(f"{folder} is not part of it")
        elif any(part in FOREIGN for part in rest):
            found.append(f"{folder} does not belong in it")
    return found


def main() -> None:
    """Build and check both."""
    complaints = []
    for project, package in PACKAGES.items():
        with tempfile.TemporaryDirectory() as folder:
            names = built(project, Path(folder))
        complaints += [f"wheel of {package}: {line}" for line in wrong(package, names)]
    if complaints:
        sys.exit("\n".join(complaints))


if __name__ == "__main__":
    main()
