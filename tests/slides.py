"""Slides, drawn by the tests: lines of text as a JPEG or PNG, without any font file of ours.

The letters are those of OpenCV's built-in strokes, so who draws slides needs the extra ``vision``
(``pytest.importorskip("cv2")``).
"""

from __future__ import annotations

import pytest


def slide(
    *lines: str, width: int = 960, height: int = 540, kind: str = ".jpg", shade: int = 245
) -> bytes:
    """Black on light, one line below the other."""
    cv2 = pytest.importorskip("cv2")
    np = pytest.importorskip("numpy")
    image = np.full((height, width, 3), shade, np.uint8)
    for row, text in enumerate(lines):
        at = (width // 16, height // 5 + row * height // 6)
        cv2.putText(image, text, at, cv2.FONT_HERSHEY_DUPLEX, height / 450, (20, 20, 20), 2, 16)
    done, data = cv2.imencode(kind, image)
    assert done
    return bytes(data)
