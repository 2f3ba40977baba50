"""Reads what is written in pictures, with RapidOCR's PP-OCRv6 models on onnxruntime.

Scope: the package ``rapidocr`` (extra ``vision``) brings its models (30 MB, Apache-2.0)
and this engine loads those files and no others: that package would download a model that is
missing, so a missing one is ``EngineUnavailable`` before that. Pictures are untrusted input and the
reader takes 400 MB, so it runs in a worker process of low priority, which the first picture loads.
Pictures are never kept.

Measured on one core: 0.10 to 0.25 s of CPU for a slide of 1280x720, 0.9 s to load.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

import numpy as np

from dragoman.engines.base import EngineUnavailable, Info, Line
from dragoman.engines.shared.model_files import package_dir, pip_install
from dragoman.engines.shared.model_store import find_model
from dragoman.engines.shared.opened import OpensOnce

EXTRA = "dragoman[vision]"
DETECTOR, RECOGNISER = "PP-OCRv6_det_small.onnx", "PP-OCRv6_rec_small.onnx"
_LARGEST_PX = 1 << 22  # 1080p has half as many


class RapidOcr(OpensOnce[tuple[Any, Any]]):
    """``TextReader``; see the module. ``side_px`` is the longer side of the picture in which text
    is looked for (it is read at full size), ``threads`` are per call.
    """

    info = Info(
        name="rapidocr",
        role="ocr",
        licence="Apache-2.0",
        quality="good",
        runs_in="process",
        memory_mb=150,
        languages=("*",),
        about="PP-OCRv6 small on onnxruntime; the models come inside rapidocr 3.10",
    )

    def __init__(self, *, side_px: int = 640, threads: int = 1) -> None:
        if not 320 <= side_px <= 1920:
            raise ValueError("side_px must be between 320 and 1920")
        self._side_px, self._threads = side_px, threads

    def check(self) -> None:
        """See ``OnDemand``."""
        self._files()
        for module in ("cv2", "onnxruntime"):
            package_dir(module, EXTRA)

    def _open(self) -> tuple[Any, Any]:
        """The reader, and the function that decodes a picture; takes a second."""
        files = self._files()
        os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(_LARGEST_PX)  # read when it is imported
        try:
            cv2 = importlib.import_module("cv2")
            package = importlib.import_module("rapidocr")
        except ImportError as error:
            raise EngineUnavailable(
                f"rapidocr cannot be imported ({error.name}). Mend it with: {pip_install(EXTRA)}"
            ) from error
        cv2.setNumThreads(self._threads)
        return package.RapidOCR(params=self._settings(*files)), lambda data: cv2.imdecode(
            np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR
        )

    def _files(self) -> tuple[Path, Path]:
        package_dir("rapidocr", EXTRA)
        folder = find_model("rapidocr")
        return folder / DETECTOR, folder / RECOGNISER

    def _settings(self, detector: Path, recogniser: Path) -> dict[str, Any]:
        runtime = "EngineConfig.onnxruntime."
        return {
            "Global.log_level": "critical",
            "Global.use_cls": False,  # slides stand upright
            "Det.limit_type": "max",
            "Det.limit_side_len": self._side_px,
            "Det.model_path": str(detector),
            "Rec.model_path": str(recogniser),
            runtime + "intra_op_num_threads": self._threads,
            runtime + "inter_op_num_threads": 1,
        }

    def read(self, image: bytes) -> list[Line]:
        """See ``TextReader``."""
        reader, decode = self._opened
        pixels = _pixels(decode, image)
        found = reader(pixels)
        if found.boxes is None or found.txts is None:
            return []
        lines = []
        for box, text, score in zip(found.boxes, found.txts, found.scores, strict=True):
            corners = np.asarray(box, np.float64)
            left = float(np.hypot(*(corners[3] - corners[0])))
            right = float(np.hypot(*(corners[2] - corners[1])))
            height = (left + right) / 2 / pixels.shape[0]
            top = (float(corners[:, 1].min()), float(corners[:, 0].min()))
            lines.append((top, Line(str(text), float(score), height)))
        return [line for _, line in sorted(lines, key=lambda entry: entry[0])]


def _pixels(decode: Any, image: bytes) -> Any:
    if not image.startswith((b"\xff\xd8\xff", b"\x89PNG")):
        raise ValueError("not a JPEG or PNG")
    try:
        pixels = decode(image)
    except Exception as error:
        raise ValueError("a picture that cannot be decoded") from error
    if pixels is None:
        raise ValueError("a picture that cannot be decoded")
    return pixels
