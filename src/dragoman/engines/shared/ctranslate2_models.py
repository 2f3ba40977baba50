"""CTranslate2 as a library: imported, on which device, and its errors in plain words.

Scope: what the engines on it share: recognition by Whisper and translation. It releases the GIL and
spreads calls over its own workers, which share the weights.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any, Literal

from dragoman.engines.base import EngineUnavailable

Device = Literal["cpu", "cuda", "auto"]
COMPUTE_TYPES = {"cpu": "int8", "cuda": "float16"}


def ctranslate2_library(tokenizer: str, mend: str) -> Any:
    """The library, if it and the package with the tokenizer are installed. Raises
    ``EngineUnavailable`` that ends in ``mend``.
    """
    try:
        library = importlib.import_module("ctranslate2")
        importlib.import_module(tokenizer)
    except ImportError as error:
        raise EngineUnavailable(
            f"{error.name or 'ctranslate2'} cannot be imported. Mend it with: {mend}"
        ) from error
    return library


def device_here(library: Any, device: str) -> str:
    """``cpu`` or ``cuda``. Raises ``EngineUnavailable``."""
    if device not in {"cpu", "cuda", "auto"}:
        raise EngineUnavailable(f"The option device is cpu, cuda or auto, not {device!r}.")
    has_gpu = device != "cpu" and library.get_cuda_device_count() > 0
    if device == "cuda" and not has_gpu:
        raise EngineUnavailable(
            "CTranslate2 finds no GPU of NVIDIA here. Use device=auto or device=cpu, or mend the "
            "driver and its libraries (cuBLAS 12, cuDNN 9)."
        )
    return "cuda" if has_gpu else "cpu"


def workers_for(device: str, threads: int) -> int:
    """How many calls at a time suit the machine: as many as cores, one on a GPU."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
    return max(1, cores // max(threads, 1)) if device == "cpu" else 1


def not_opened(folder: Path, error: Exception) -> EngineUnavailable:
    """What to say when the library refuses a model."""
    text = str(error)
    if "out of memory" in text.lower():
        return EngineUnavailable(
            "The GPU has no room for this model. Use a smaller one, or compute_type=int8_float16."
        )
    if "compute type" in text.lower():
        return EngineUnavailable(f"This compute type is not possible here: {text}")
    return broken(folder / "model.bin", error)


def broken(path: Path, error: Exception) -> EngineUnavailable:
    """What to say about a file that cannot be read."""
    return EngineUnavailable(f"{path} cannot be read: {error}. The folder needs a complete model.")
