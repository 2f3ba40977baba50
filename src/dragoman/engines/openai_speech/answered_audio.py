"""The body of an answer to a speech request, as PCM: raw s16le, or WAV.

Scope: pure; bytes in, cut anywhere, samples out as soon as they are whole. A WAV header is
recognised by its first bytes, whatever was asked for, because some servers always send one. Servers
that stream write a length of 0, 0xFFFFFFFF or any other into it: it is not believed, audio goes on
to the end of the answer. Source: RIFF specification of IBM and Microsoft, 1991.
"""

from __future__ import annotations

import re
import struct

import numpy as np

from dragoman.audio.pcm import SAMPLE_BYTES, as_int16
from dragoman.audio.resample import Resampler

_LONGEST_HEADER = 65_536
_RIFF = b"RIFF"
_PCM, _EXTENSIBLE = 1, 0xFFFE
_PARAMETER = re.compile(r";\s*([\w-]+)\s*=\s*\"?(\d{1,6})\b")
_MOST_CHANNELS = 8
_LEAST_HZ, _MOST_HZ = 4_000, 192_000
_RAW = {"", "application/octet-stream", "binary/octet-stream", "audio/raw", "audio/x-raw"}
_RAW |= {"audio/pcm", "audio/x-pcm", "audio/l16", "audio/s16le", "audio/basic"}
_WAV = {"audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"}


class NotPcm(Exception):
    """The answer is no audio that can be used; the message says why and quotes nothing of it."""


class AnsweredAudio:
    """PCM s16le mono at ``rate_hz`` out of an answer. ``raw_hz`` is the rate of raw audio whose
    ``content_type`` does not say another one. Raises ``NotPcm``.
    """

    def __init__(self, content_type: str, *, raw_hz: int, rate_hz: int) -> None:
        media = content_type.partition(";")[0].strip().lower()
        if media not in _RAW | _WAV:
            raise NotPcm(
                f"it is {media if media.startswith('audio/') else 'no audio'}, not PCM or WAV"
            )
        said = {name.lower(): int(value) for name, value in _PARAMETER.findall(content_type)}
        self._raw = said.get("rate") or said.get("sample_rate") or raw_hz, said.get("channels", 1)
        self._rate_hz = rate_hz
        self._head = b""
        self._resampler: Resampler | None = None  # None: it is not known yet what comes
        self._channels = 1
        self._half = b""  # less than a sample of every channel

    def feed(self, data: bytes) -> bytes:
        """The samples that are complete now; may be b"". Raises ``NotPcm``."""
        if self._resampler is not None:
            return self._samples(self._resampler, data)
        self._head += data
        if self._head.startswith(_RIFF):
            found = _wav_format(self._head)
            if found is not None:
                return self._begin(*found)
            if len(self._head) > _LONGEST_HEADER:
                raise NotPcm("its WAV header has no end")
        elif not _RIFF.startswith(self._head):
            return self._begin(*self._raw, 0)
        return b""

    def finish(self) -> bytes:
        """The last samples; half a sample left over is dropped. Raises ``NotPcm``."""
        rest = b""
        if self._resampler is None:
            if self._head.startswith(_RIFF):
                raise NotPcm("its WAV header is cut off")
            rest = self._begin(*self._raw, 0)
        assert self._resampler is not None
        return rest + self._resampler.flush()

    def _begin(self, rate_hz: int, channels: int, at: int) -> bytes:
        if not (_LEAST_HZ <= rate_hz <= _MOST_HZ and 1 <= channels <= _MOST_CHANNELS):
            raise NotPcm(f"its {channels} channels at {rate_hz} Hz are not possible")
        self._resampler, self._channels = Resampler(rate_hz, self._rate_hz), channels
        head, self._head = self._head[at:], b""
        return self._samples(self._resampler, head)

    def _samples(self, resampler: Resampler, data: bytes) -> bytes:
        if self._channels == 1:
            return resampler.feed(data)  # it waits for the other half of a sample itself
        data = self._half + data
        whole = len(data) - len(data) % (SAMPLE_BYTES * self._channels)
        self._half = data[whole:]
        frames = as_int16(data[:whole]).reshape(-1, self._channels)
        return resampler.feed(bytes(np.rint(frames.mean(axis=1)).astype("<i2").tobytes()))


def _wav_format(head: bytes) -> tuple[int, int, int] | None:
    """Rate, channels, and where the audio begins; None if the header is not complete."""
    at, found = 12, None
    while len(head) >= at + 8:
        name, size = struct.unpack_from("<4sI", head, at)
        at += 8
        if name == b"data":
            if found is None:
                raise NotPcm("its WAV header says no format")
            return *found, at
        if name == b"fmt " and len(head) >= at + 16:
            coding, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", head, at)
            if coding not in {_PCM, _EXTENSIBLE} or bits != 8 * SAMPLE_BYTES:
                raise NotPcm("its WAV is not of 16-bit PCM")
            found = rate_hz, channels
        at += size + size % 2
    return None
