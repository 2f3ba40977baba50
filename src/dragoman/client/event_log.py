"""The event log of a session: one JSON object per line.

Scope: the format only. ``t`` is ms since ``start``. Sent audio has ``audio_ms``, the total so far;
received text is a snapshot for every generation; received speech has ``audio_ms``, the length of
that piece. The audio itself is not logged. ``dragoman bench interpret --log`` scores such files
(docs/benchmarks.md).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from dragoman.client.events import Event, SourceText, SpeechAudio, TranslatedText

_INPUT_BYTES_PER_MS = 32
_OUTPUT_BYTES_PER_MS = 48


class EventLog:
    """Writes a log to a file, or nothing if ``path`` is None; ``now_ms`` works in both cases."""

    def __init__(
        self, path: str | Path | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Open the file; raises ``OSError``. ``clock`` gives seconds."""
        self._clock = clock
        self._start_s = clock()
        self._sent_ms = 0.0
        self._file = None if path is None else Path(path).open("wb")  # noqa: SIM115  # closed by close()

    def start(self) -> None:
        """Set ``t`` to zero now, at the start of sending."""
        self._start_s = self._clock()

    def now_ms(self) -> float:
        """Milliseconds since ``start``."""
        return (self._clock() - self._start_s) * 1000

    def sent(self, type_: str, pcm: bytes = b"") -> None:
        """Log a client event; ``pcm`` is its audio, s16le at 16 kHz."""
        row: dict[str, Any] = {"t": round(self.now_ms(), 1), "dir": "out", "type": type_}
        if pcm:
            self._sent_ms += len(pcm) / _INPUT_BYTES_PER_MS
            row["audio_ms"] = round(self._sent_ms, 1)
        self._write(row)

    def received(self, at_ms: float, event: Event) -> None:
        """Log an event that arrived at this time."""
        row: dict[str, Any] = {"t": round(at_ms, 1), "dir": "in", "type": event.raw.get("type")}
        for name in ("item_id", "response_id", "audio_start_ms", "audio_end_ms", "error"):
            if name in event.raw:
                row[name] = event.raw[name]
        if event.raw.get("type") == "response.created":
            row["response_id"] = event.raw.get("response", {}).get("id")
        if isinstance(event, TranslatedText):
            row |= {"response_id": event.response_id, "item_id": event.item_id}
        if isinstance(event, SourceText | TranslatedText):
            row |= {"text": event.text, "stash": event.stash}
            if event.final:
                row["final"] = True
        elif isinstance(event, SpeechAudio):
            row["audio_ms"] = round(len(event.data) / _OUTPUT_BYTES_PER_MS, 1)
        self._write(row)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, row: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(msgspec.json.encode(row) + b"\n")
