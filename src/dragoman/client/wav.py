"""WAV files that are written while the sound is still coming.

Law of this file: 16-bit mono PCM only. The header goes out first, with a length that means
"unknown"; a file gets its true length when it is closed, a pipe keeps the unknown one.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from dragoman.audio.pcm import UNKNOWN_LENGTH, wav_header

_SILENCE = bytes(48_000)


def _header(rate_hz: int, data_bytes: int) -> bytes:
    """The final header; sound too long for its fields keeps the mark for "unknown"."""
    return wav_header(rate_hz, size=data_bytes if data_bytes < UNKNOWN_LENGTH - 36 else None)


class WavWriter:
    """Writes to a path, or to standard output for ``-``. A context manager.

    ``written_ms`` is how much sound was written. The file is playable up to what was written
    even if the program is stopped in between.
    """

    def __init__(self, target: str | Path, rate_hz: int) -> None:
        """Open at once, so that a path that cannot be written is known before any work.

        Raises:
            OSError: the path cannot be written.

        """
        self._rate_hz = rate_hz
        self._piped = str(target) == "-"
        if self._piped:
            self._file: BinaryIO = sys.stdout.buffer
        else:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            self._file = Path(target).open("wb")  # noqa: SIM115  closed by close()
        self._bytes = 0
        self._odd = b""
        self._file.write(wav_header(rate_hz))

    @property
    def written_ms(self) -> float:
        """Length of what was written."""
        return self._bytes * 1000 / (self._rate_hz * 2)

    def write(self, pcm: bytes) -> None:
        """Add s16le samples; an odd byte waits for its other half."""
        pcm = self._odd + pcm
        whole = len(pcm) // 2 * 2
        self._odd = pcm[whole:]
        self._file.write(pcm[:whole])
        self._bytes += whole
        if self._piped:
            self._file.flush()

    def silence(self, duration_ms: float) -> None:
        """Add silence."""
        left = int(duration_ms * self._rate_hz / 1000) * 2
        while left > 0:
            piece = _SILENCE[:left]
            self.write(piece)
            left -= len(piece)

    def close(self) -> None:
        """Write the true length into the header of a file."""
        if self._piped:
            self._file.flush()
            return
        if not self._file.closed:
            self._file.seek(0)
            self._file.write(_header(self._rate_hz, self._bytes))
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()
