"""Change of sample rate for a stream of PCM, with state across pieces.

Law of this file: one class, blocking and cheap (thousands of times real time); 16-bit mono only.
It stands on PyAV's ``AudioResampler`` because that withholds only 1-2 ms of the input while
streaming; resampling piece by piece without state costs some 30 dB. PyAV is imported when the
first resampler that needs it is made, so importing this module costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from av import AudioFrame
    from av.audio.resampler import AudioResampler

_BYTES = 2


class Resampler:
    """PCM s16le mono from ``from_hz`` to ``to_hz``.

    Any piece sizes may be fed, odd ones too: half a sample waits for its other half. After
    ``flush`` exactly ``round(samples_in * to_hz / from_hz)`` samples have come out in all.
    Raises ``ValueError`` for rates below 1 Hz.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        if from_hz < 1 or to_hz < 1:
            raise ValueError(f"not a sample rate: {min(from_hz, to_hz)}")
        self.from_hz = from_hz
        self.to_hz = to_hz
        self._half = b""
        self._taken = 0  # samples in
        self._given = 0  # samples out
        self._flushed = False
        self._inner: AudioResampler | None = None
        if from_hz != to_hz:
            from av.audio.resampler import AudioResampler  # noqa: PLC0415 - heavy, see above

            self._inner = AudioResampler("s16", "mono", to_hz)

    def feed(self, pcm: bytes) -> bytes:
        """Take more input; the output that is ready (may be empty)."""
        if self._flushed:
            raise ValueError("this stream has been flushed; make a new resampler")
        data = self._half + pcm if self._half else pcm
        whole = len(data) - len(data) % _BYTES
        data, self._half = data[:whole], data[whole:]
        if not data:
            return b""
        self._taken += whole // _BYTES
        if self._inner is None:
            return data
        out = _joined(self._inner.resample(_frame(data, self.from_hz)))
        self._given += len(out) // _BYTES
        return out

    def flush(self) -> bytes:
        """No more input: the rest of the output. Half a sample left over is dropped."""
        if self._flushed:
            return b""
        self._flushed = True
        if self._inner is None or not self._taken:
            return b""
        out = _joined(self._inner.resample(None))
        # the filter's tail may be a sample or two off; lengths are promised, so make them exact
        due = (self._taken * self.to_hz * 2 + self.from_hz) // (2 * self.from_hz) - self._given
        out = out[: max(0, due) * _BYTES].ljust(max(0, due) * _BYTES, b"\0")
        self._given += len(out) // _BYTES
        return out


def _frame(pcm: bytes, rate_hz: int) -> AudioFrame:
    from av import AudioFrame  # noqa: PLC0415 - heavy, see above

    samples = np.frombuffer(pcm, dtype="<i2").reshape(1, -1)
    frame = AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.sample_rate = rate_hz
    return frame


def _joined(frames: Sequence[AudioFrame]) -> bytes:
    return b"".join(frame.to_ndarray().tobytes() for frame in frames)
