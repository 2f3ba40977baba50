"""The speech a client sends: base64 in, whole samples or Opus packets out.

Scope: checks and counting; ``Rejected`` leaves everything as it was. Media time is counted here, in
samples that went to the job. In manual mode speech waits here for the commit.
"""

from __future__ import annotations

from dragoman.protocol.audio_input.opus_packets import MOST_PARTS, OpusFraming, TooManyParts
from dragoman.protocol.core.codec import base64_bytes
from dragoman.protocol.core.fields import INVALID_VALUE
from dragoman.protocol.core.session import Rejected
from dragoman.speech import Audio

_PIECE_S = 1
_PACKET = 100
"""What a packet costs besides its data, roughly. It may last 2.5 ms, or have 61 kB."""


def payload(text: str, param: str) -> bytes:
    """The bytes of a base64 field. Raises ``Rejected``."""
    try:
        return base64_bytes(text)
    except ValueError:
        raise Rejected(INVALID_VALUE, f"'{param}' is not valid base64.", param) from None


class SpeechIntake:
    """PCM or Opus of one session; at most ``max_waiting`` bytes wait for a commit. Opus counts by
    what it takes or by its PCM, whichever is more.
    """

    def __init__(self, max_waiting: int) -> None:
        self._max_waiting = max_waiting
        self._waiting = bytearray()
        self._packets: list[Audio] = []
        self._packets_ms, self._packets_size = 0.0, 0
        self._half_sample = b""
        self._framing = OpusFraming()
        self._samples = 0
        self.has_come = False
        self.pushed_ms = 0
        """Media time of what went to the job."""

    @property
    def waiting(self) -> bool:
        """Whether speech waits for a commit."""
        return bool(self._waiting or self._packets)

    @property
    def waiting_bytes(self) -> int:
        """About how much memory the speech takes that waits for a commit."""
        return len(self._waiting) + self._packets_size

    def waiting_ms(self, rate_hz: int) -> int:
        """How much speech waits for a commit, media time."""
        return int(self._packets_ms) or len(self._waiting) // 2 * 1000 // rate_hz

    def accept(self, audio: str, rate_hz: int, *, opus: bool, keep: bool) -> list[Audio]:
        """Take an append: what to push, nothing where it is kept for a commit.

        A byte that is half a sample, or a piece of an Ogg page, stays for the next append.
        """
        data = payload(audio, "audio")
        if opus:
            return self._accept_opus(data, rate_hz, keep=keep)
        data = self._half_sample + data
        pcm, half = (data[:-1], data[-1:]) if len(data) % 2 else (data, b"")
        if keep:
            self._check_room(len(self._waiting) + len(pcm), rate_hz)
        self._half_sample = half
        self.has_come = self.has_come or bool(pcm)
        if not keep:
            return _pieces(pcm, rate_hz)
        self._waiting += pcm
        return []

    def _accept_opus(self, data: bytes, rate_hz: int, *, keep: bool) -> list[Audio]:
        try:
            packets = self._framing.feed(data)
        except TooManyParts:
            raise Rejected(
                INVALID_VALUE,
                f"'audio' has more than {MOST_PARTS} Ogg segments: send it in several appends.",
                "audio",
            ) from None
        except ValueError:
            raise Rejected(
                INVALID_VALUE,
                "'audio' is neither an Opus packet nor part of an Ogg stream.",
                "audio",
            ) from None
        audio = [Audio(packet.data, packet.ms) for packet in packets]
        if keep:
            waiting_ms = self._packets_ms + sum(packet.ms for packet in packets)
            size = self._packets_size + sum(_PACKET + len(packet.data) for packet in packets)
            self._check_room(max(size, int(waiting_ms * rate_hz * 2 / 1000)), rate_hz)
            self._packets_ms, self._packets_size = waiting_ms, size
            self._packets += audio
        self.has_come = self.has_come or bool(audio)
        return [] if keep else audio

    def _check_room(self, size: int, rate_hz: int) -> None:
        if size <= self._max_waiting:
            return
        seconds = self._max_waiting // (rate_hz * 2)
        raise Rejected(
            INVALID_VALUE,
            f"The audio buffer is full: it holds at most {self._max_waiting} bytes "
            f"({seconds} s). Commit or clear it first.",
            "audio",
        )

    def take(self, rate_hz: int) -> list[Audio]:
        """What waited; nothing waits any more."""
        audio = self._packets or _pieces(bytes(self._waiting), rate_hz)
        self._drop_waiting()
        return audio

    def count_pushed(self, audio: Audio, rate_hz: int) -> None:
        """Count what went to the job."""
        if audio.opus_ms:
            self._samples += int(audio.opus_ms * rate_hz / 1000)
        else:
            self._samples += len(audio.pcm) // 2
        self.pushed_ms = self._samples * 1000 // rate_hz

    def clear(self) -> None:
        """Drop what waits, and a half sample."""
        self._drop_waiting()
        self._half_sample = b""

    def _drop_waiting(self) -> None:
        self._waiting.clear()
        self._packets, self._packets_ms, self._packets_size = [], 0.0, 0


def _pieces(pcm: bytes, rate_hz: int) -> list[Audio]:
    """In pieces of a second, so that no single input of the job is large."""
    size = rate_hz * 2 * _PIECE_S
    return [Audio(pcm[at : at + size]) for at in range(0, len(pcm), size)]
