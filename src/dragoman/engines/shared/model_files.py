"""What engines need of installed packages: where one is, how to install it, an ONNX session.

Scope: packages are located and not imported. Which files a model has, and whether they are right,
is the business of ``model_store``.
"""

from __future__ import annotations

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
