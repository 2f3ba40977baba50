"""A Whisper model with random weights, as small as the format allows: for what needs a model and
no recognition.
"""

from __future__ import annotations

from pathlib import Path

import ctranslate2

from dragoman_bench.engines import random_whisper


def write(folder: Path, real_tokenizer: Path, *, mels: int = 80, seed: int = 0) -> Path:
    """Write it, with the vocabulary of a real one; returns the folder."""
    shape = random_whisper.SHAPES["smallest"]._replace(mels=mels)
    return random_whisper.write(folder, real_tokenizer, shape, seed=seed)


def has_gpu() -> bool:
    return bool(ctranslate2.get_cuda_device_count())
