"""What a client sends into an interpretation session: speech and pictures, checked and counted.

Law of this file: base64 in, whole samples and lawful pictures out, or ``Rejected`` with nothing
changed. Media time is counted here, in samples that went to the job.
"""

from __future__ import annotations

from dragoman.families.livetranslate import Tariff
from dragoman.policy.images import LONG_SIDE_PX, SHORT_SIDE_PX, ImageBucket, inspect
from dragoman.session.base import Rejected
from dragoman.speech import Image
from dragoman.wire.codec import base64_bytes

_INVALID = "invalid_value"


def payload(text: str, param: str) -> bytes:
    """The bytes of a base64 field."""
    try:
        return base64_bytes(text)
    except ValueError:
        raise Rejected(_INVALID, f"'{param}' is not valid base64.", param) from None


class Speech:
    """The client's speech. In manual mode it waits here, at most ``max_waiting`` bytes of it."""

    def __init__(self, max_waiting: int) -> None:
        self._max_waiting = max_waiting
        self._waiting = bytearray()
        self._half = b""
        self._samples = 0
        self.has_come = False
        self.pushed_ms = 0

    @property
    def waiting(self) -> bool:
        """Whether speech waits for a commit."""
        return bool(self._waiting)

    def accept(self, audio: str, rate_hz: int, *, keep: bool) -> bytes:
        """Take an append. Whole samples to push, or b"" where they are kept for a commit.

        A byte that is half a sample stays for the next append.
        """
        data = self._half + payload(audio, "audio")
        pcm, half = (data[:-1], data[-1:]) if len(data) % 2 else (data, b"")
        if keep and len(self._waiting) + len(pcm) > self._max_waiting:
            seconds = self._max_waiting // (rate_hz * 2)
            raise Rejected(
                _INVALID,
                f"The audio buffer is full: it holds at most {self._max_waiting} bytes "
                f"({seconds} s). Commit or clear it first.",
                "audio",
            )
        self._half = half
        self.has_come = self.has_come or bool(pcm)
        if not keep:
            return pcm
        self._waiting += pcm
        return b""

    def take(self) -> bytes:
        """What waited; nothing waits any more."""
        pcm = bytes(self._waiting)
        self._waiting.clear()
        return pcm

    def pushed(self, size: int, rate_hz: int) -> None:
        """So many bytes went to the job."""
        self._samples += size // 2
        self.pushed_ms = self._samples * 1000 // rate_hz

    def clear(self) -> None:
        """Forget what waits, and a half sample."""
        self._waiting.clear()
        self._half = b""


class Images:
    """The client's pictures."""

    def __init__(self, tariff: Tariff, max_bytes: int, *, strict: bool) -> None:
        self._tariff, self._max_bytes, self._strict = tariff, max_bytes, strict
        self._bucket = ImageBucket()
        self._tokens = 0.0

    def accept(self, image: str, at_ms: int, now: float) -> Image | None:
        """A lawful picture; None if it came too fast and is dropped without an error."""
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
    return Rejected(_INVALID, message, "image")
