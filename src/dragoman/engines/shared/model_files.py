"""Model files that came inside an installed wheel: found without importing the wheel, and checked.

Scope: finding data files and comparing their SHA-256. The packages are never imported (one of them
would open sound devices, another loads a library of its own). A file that is missing or different
is ``EngineUnavailable`` with the command that mends it: another model file might load without an
error and give worse results.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shlex
import sys
from pathlib import Path
from typing import Any

from dragoman.engines.base import EngineUnavailable


def pip_install(*words: str) -> str:
    """The command that installs something for this interpreter; a bare ``pip`` may be another's."""
    return shlex.join([sys.executable, "-m", "pip", "install", *words])


def package_dir(package: str, requirement: str) -> Path:
    """Where an installed package's files are.

    ``requirement`` is what ``pip install`` needs. Raises ``EngineUnavailable``.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EngineUnavailable(
            f"The Python package {package!r} is not installed. "
            f"Mend it with: {pip_install(requirement)}"
        )
    return Path(spec.submodule_search_locations[0])


def checked_file(path: Path, sha256: str, requirement: str) -> Path:
    """The file itself, after its hash was compared. Raises ``EngineUnavailable``."""
    reinstall = pip_install("--force-reinstall", "--no-deps", requirement)
    if not path.is_file():
        raise EngineUnavailable(
            f"The model file {path.name} is missing from its package (other releases of that "
            f"package come without it). Mend it with: {reinstall}"
        )
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise EngineUnavailable(
            f"The model file {path.name} is not the one this engine knows (SHA-256 {found[:12]}…, "
            f"expected {sha256[:12]}…). "
            f"Mend it with: {reinstall}"
        )
    return path


def onnx_session(model: Path | bytes, threads: int) -> Any:
    """An onnxruntime session on the CPU. Raises ``EngineUnavailable`` without onnxruntime.

    ``threads`` counts the threads of one call; 1 is right for servers, which get their
    parallelism from serving several sessions at once.
    """
    try:
        import onnxruntime  # noqa: PLC0415 - heavy, and only engines that load need it
    except ImportError as error:
        raise EngineUnavailable(
            "The Python package 'onnxruntime' is not installed. "
            f"Mend it with: {pip_install('onnxruntime>=1.20')}"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
