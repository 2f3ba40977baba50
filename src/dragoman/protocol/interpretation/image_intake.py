"""The pictures a client sends as context: size, format and rate are checked, tokens counted.

Scope: base64 in, a picture the rules allow out, or ``Rejected`` with nothing changed.
"""

from __future__ import annotations

from dragoman.policy.vision.images import LONG_SIDE_PX, SHORT_SIDE_PX, ImageBucket, inspect
from dragoman.protocol.audio_input.speech_intake import payload
from dragoman.protocol.core.fields import INVALID_VALUE
from dragoman.protocol.core.session import Rejected
from dragoman.protocol.interpretation.generation import Tariff
from dragoman.speech import Image


class ImageIntake:
    """The pictures of one session."""

    def __init__(self, tariff: Tariff, max_bytes: int, *, strict: bool) -> None:
        self._tariff, self._max_bytes, self._strict = tariff, max_bytes, strict
        self._bucket = ImageBucket()
        self._tokens = 0.0

    def accept(self, image: str, at_ms: int, now: float) -> Image | None:
        """The picture; None if it came too fast and is dropped without an error."""
        data = payload(image, "image")
        if len(data) > self._max_bytes:
            raise _refused(
                f"An image may have at most {self._max_bytes} bytes, this one has {len(data)}."
            )
        picture = inspect(data)
        if picture is None:
            raise _refused("The image is not a JPEG.")
        if not picture.fits:
            raise _refused(
                f"An image may have at most {LONG_SIDE_PX}x{SHORT_SIDE_PX} pixels, "
                f"this one has {picture.width_px}x{picture.height_px}."
            )
        if not self._bucket.admit(now):
            if self._strict:
                raise _refused("Images may come at most twice a second.")
            return None
        self._tokens += picture.tokens(self._tariff.image_square_px)
        return Image(data, at_ms)

    def take_tokens(self) -> float:
        """The price of the pictures since the last call."""
        tokens, self._tokens = self._tokens, 0.0
        return tokens


def _refused(message: str) -> Rejected:
    return Rejected(INVALID_VALUE, message, "image")
