"""Environments for tests, made from local files in a moment: a venv without pip whose packages are
written by the test, and wheels of packages that are installed here.
"""

from __future__ import annotations

import sys
import venv
import zipfile
from importlib.metadata import version as version_of
from pathlib import Path
from sysconfig import get_path

from dragoman.cli.new_environment import link_dragoman, name_of, worker_requirements
from dragoman.engines.base import ENTRY_POINT_GROUP
from dragoman.engines.environments import Environment, folder_of, save, site_of

HERE = get_path("purelib")


def make_environment(
    name: str, files: dict[str, str], engines: dict[str, str], packages: tuple[str, ...] = ()
) -> Environment:
    """An environment in the folder that ``DRAGOMAN_ENVIRONMENTS`` names: ``files`` are modules,
    ``engines`` what they register. What a worker needs comes from this installation.
    """
    folder = folder_of(name)
    venv.create(folder, with_pip=False, symlinks=True)
    site = site_of(folder)
    link_dragoman(site)
    (site / "needed.pth").write_text(HERE)
    for path, text in files.items():
        (site / path).write_text(text)
    if engines:
        told = site / f"{name.replace('-', '_')}_engines-1.0.dist-info"
        told.mkdir()
        for file, text in _told(told.name.partition("-")[0], "1.0", engines).items():
            (told / file).write_text(text)
    version = ".".join(map(str, sys.version_info[:3]))
    made = Environment(name, name, version, tuple(engines) or packages, packages)
    save(made)
    return made


def wheel(
    folder: Path,
    name: str,
    version: str,
    files: dict[str, str],
    *,
    needs: tuple[str, ...] = (),
    **engines: str,
) -> Path:
    """Write a wheel of these files, with these engines, that needs other packages."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    told = f"{name}-{version}.dist-info"
    content = files | {
        f"{told}/{file}": t for file, t in _told(name, version, engines, needs).items()
    }
    content[f"{told}/WHEEL"] = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    content[f"{told}/RECORD"] = "".join(f"{file},,\n" for file in [*content, f"{told}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in content.items():
            archive.writestr(file, text)
    return path


def wheels_of_what_workers_need(folder: Path) -> None:
    """Wheels that stand for the packages installed here: each holds a path to them."""
    for need in worker_requirements():
        package = name_of(need)
        wheel(folder, package, version_of(package), {f"{package}_here.pth": HERE})


def _told(
    name: str, version: str, engines: dict[str, str], needs: tuple[str, ...] = ()
) -> dict[str, str]:
    wanted = "".join(f"Requires-Dist: {need}\n" for need in needs)
    points = "".join(f"{engine} = {where}\n" for engine, where in engines.items())
    return {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{wanted}",
        "entry_points.txt": f"[{ENTRY_POINT_GROUP}]\n{points}" if engines else "",
    }
