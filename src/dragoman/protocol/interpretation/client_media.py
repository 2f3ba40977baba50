"""What a client sends into an interpretation session: speech and pictures, checked and counted.

Law of this file: base64 in, whole samples (or Opus packets) and lawful pictures out, or
``Rejected`` with nothing changed. Media time is counted here, in samples that went to the job.
"""

from __future__ import annotations

from dragoman.policy.vision.images import LONG_SIDE_PX, SHORT_SIDE_PX, ImageBucket, inspect
from dragoman.protocol.core.codec import base64_bytes
from dragoman.protocol.core.session import Rejected
from dragoman.protocol.interpretation.family import Tariff
from dragoman.protocol.interpretation.opus_packets import OpusFraming
from dragoman.protocol.interpretation.settings import InterpretationSettings
from dragoman.speech import Audio, Image

_INVALID = "invalid_value"
_PIECE_S = 1


def payload(text: str, param: str) -> bytes:
    """The bytes of a base64 field."""
    try:
        return base64_bytes(text)
    except ValueError:
        raise Rejected(_INVALID, f"'{param}' is not valid base64.", param) from None


class SpeechIntake:
    """The client's speech, PCM or Opus. In manual mode it waits here, at most ``max_waiting``
    bytes of it as PCM.
    """

    def __init__(self, max_waiting: int) -> None:
        self._max_waiting = max_waiting
        self._waiting = bytearray()
        self._packets: list[Audio] = []
        self._packets_ms = 0.0
        self._half = b""
        self._framing = OpusFraming()
        self._samples = 0
        self.has_come = False
        self.pushed_ms = 0

    @property
    def waiting(self) -> bool:
        """Whether speech waits for a commit."""
        return bool(self._waiting or self._packets)

    def accept(self, audio: str, settings: InterpretationSettings, *, keep: bool) -> list[Audio]:
        """Take an append: what to push, nothing where it is kept for a commit.

        A byte that is half a sample, or a piece of an Ogg page, stays for the next append.
        """
        data = payload(audio, "audio")
        rate_hz = settings.hearing_rate
        if settings.opus_in:
            return self._accept_opus(data, rate_hz, keep=keep)
        data = self._half + data
        pcm, half = (data[:-1], data[-1:]) if len(data) % 2 else (data, b"")
        if keep:
            self._check_room(len(self._waiting) + len(pcm), rate_hz)
        self._half = half
        self.has_come = self.has_come or bool(pcm)
        if not keep:
            return _pieces(pcm, rate_hz)
        self._waiting += pcm
        return []

    def _accept_opus(self, data: bytes, rate_hz: int, *, keep: bool) -> list[Audio]:
        try:
            packets = self._framing.feed(data)
        except ValueError:
            raise Rejected(
                _INVALID, "'audio' is neither an Opus packet nor part of an Ogg stream.", "audio"
            ) from None
        audio = [Audio(packet.data, packet.ms) for packet in packets]
        if keep:
            waiting_ms = self._packets_ms + sum(packet.ms for packet in packets)
            self._check_room(int(waiting_ms * rate_hz * 2 / 1000), rate_hz)
            self._packets_ms = waiting_ms
            self._packets += audio
        self.has_come = self.has_come or bool(audio)
        return [] if keep else audio

    def _check_room(self, size: int, rate_hz: int) -> None:
        if size <= self._max_waiting:
            return
        seconds = self._max_waiting // (rate_hz * 2)
        raise Rejected(
            _INVALID,
            f"The audio buffer is full: it holds at most {self._max_waiting} bytes "
            f"({seconds} s). Commit or clear it first.",
            "audio",
        )

    def take(self, rate_hz: int) -> list[Audio]:
        """What waited; nothing waits any more."""
        audio = self._packets or _pieces(bytes(self._waiting), rate_hz)
        self._forget()
        return audio

    def pushed(self, audio: Audio, rate_hz: int) -> None:
        """Count what went to the job."""
        if audio.opus_ms:
            self._samples += int(audio.opus_ms * rate_hz / 1000)
        else:
            self._samples += len(audio.pcm) // 2
        self.pushed_ms = self._samples * 1000 // rate_hz

    def clear(self) -> None:
        """Forget what waits, and a half sample."""
        self._forget()
        self._half = b""

    def _forget(self) -> None:
        self._waiting.clear()
        self._packets, self._packets_ms = [], 0.0


def _pieces(pcm: bytes, rate_hz: int) -> list[Audio]:
    """In pieces of a second, so that no input of the job is out of proportion."""
    size = rate_hz * 2 * _PIECE_S
    return [Audio(pcm[at : at + size]) for at in range(0, len(pcm), size)]


class ImageIntake:
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
