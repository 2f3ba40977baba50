"""Writes WAV files while the audio is still coming.

Scope: 16-bit mono PCM only. The header is written first, with the value for "length unknown". A
file gets its length when it is closed; a pipe keeps the unknown one.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from dragoman.audio.pcm import UNKNOWN_LENGTH, WholeSamples, bytes_in, wav_header

_SILENCE_BYTES = 48_000  # written at a time


class WavWriter:
    """Writes to a path, or to standard output for ``-``. A context manager.

    The file can be played up to what was written even if the program is stopped.
    """

    def __init__(self, target: str | Path, rate_hz: int) -> None:
        """Open the file now, so that a bad path fails early. Raises ``OSError``."""
        self._rate_hz = rate_hz
        self._piped = str(target) == "-"
        if self._piped:
            self._file: BinaryIO = sys.stdout.buffer
        else:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            self._file = Path(target).open("wb")  # noqa: SIM115  closed by close()
        self._bytes = 0
        self._whole = WholeSamples()
        self._file.write(wav_header(rate_hz))

    @property
    def written_ms(self) -> float:
        """Duration of the audio written so far."""
        return self._bytes * 1000 / (self._rate_hz * 2)

    def write(self, pcm: bytes) -> None:
        """Add s16le samples; an odd byte waits for its other half."""
        pcm = self._whole.take(pcm)
        self._file.write(pcm)
        self._bytes += len(pcm)
        if self._piped:
            self._file.flush()

    def silence(self, duration_ms: float) -> None:
        """Add silence."""
        left = bytes_in(duration_ms, self._rate_hz)
        while left > 0:
            self.write(bytes(min(left, _SILENCE_BYTES)))
            left -= _SILENCE_BYTES

    def close(self) -> None:
        """Write the length into the header of a file; more than 4 GiB stays "unknown"."""
        if self._piped:
            self._file.flush()
            return
        if not self._file.closed:
            self._file.seek(0)
            size = self._bytes if self._bytes < UNKNOWN_LENGTH - 36 else None
            self._file.write(wav_header(self._rate_hz, size=size))
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()
