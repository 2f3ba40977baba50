"""sherpa-onnx as a library: imported, with its processor, and its errors in plain words.

Scope: what the engines of this folder share. sherpa-onnx brings an onnxruntime of its own and ends
the process over a model that it does not like, so these engines run in worker processes. Since
version 2 nothing under the GPL is in it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from dragoman.engines.base import EngineUnavailable
from dragoman.engines.shared.model_files import pip_install

Provider = Literal["cpu", "cuda"]
REQUIREMENT = "sherpa-onnx>=2.0,<3"


def sherpa(provider: Provider) -> Any:
    """The library. Raises ``EngineUnavailable`` where it is missing, or was built without CUDA: it
    would go on on the CPU then.
    """
    try:
        import sherpa_onnx  # noqa: PLC0415 - heavy, and only engines that load need it
    except ImportError:
        raise EngineUnavailable(
            f"sherpa-onnx is not installed. Mend it with: {pip_install(REQUIREMENT)}"
        ) from None
    folder = Path(sherpa_onnx.__path__[0])
    if provider == "cuda" and not list(folder.glob("lib/*onnxruntime_providers_cuda*")):
        raise EngineUnavailable(
            "This sherpa-onnx was built for the CPU. Use provider=cpu, or install a wheel with "
            "CUDA (its version ends in +cuda) from the project's own index of wheels, "
            "https://k2-fsa.github.io/sherpa/onnx/cuda.html"
        )
    return sherpa_onnx


@contextmanager
def opening(folder: Path) -> Iterator[None]:
    """What the library raises while it opens a model becomes ``EngineUnavailable``."""
    try:
        yield
    except (RuntimeError, ValueError, AssertionError, OSError) as error:
        raise EngineUnavailable(
            f"sherpa-onnx cannot open the model in {folder}: {error}"
        ) from error


_STDERR = 2
_lock = threading.Lock()
_calls = 0
_saved = -1


@contextmanager
def nothing_logged() -> Iterator[None]:
    """Calls in which the library would write what users say or hear to stderr, such as words that
    it cannot read. Several may overlap; whatever else writes to stderr meanwhile is lost, too.
    """
    global _calls, _saved  # noqa: PLW0603 - there is one stderr
    with _lock:
        if not _calls:
            _saved = os.dup(_STDERR)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, _STDERR)
            os.close(nowhere)
        _calls += 1
    try:
        yield
    finally:
        with _lock:
            _calls -= 1
            if not _calls:
                os.dup2(_saved, _STDERR)
                os.close(_saved)
