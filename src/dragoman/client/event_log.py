"""The event log of a session: one JSON object a line, times on one clock.

Law of this file: the layout, and nothing that judges it. ``t`` is in ms since ``start``; what
was sent carries ``audio_ms``, the total so far; what came carries the texts as snapshots in both
dialects, and for speech ``audio_ms``, the length of that piece. Speech itself is not logged.
``dragoman bench interpret --log`` scores such files (docs/benchmarks.md).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from dragoman.client.events import Audio, Event, SourceText, TargetText

_INPUT_BYTES_PER_MS = 32
_OUTPUT_BYTES_PER_MS = 48


class EventLog:
    """Writes a log to a file, or nowhere if ``path`` is None; ``now_ms`` works either way."""

    def __init__(
        self, path: str | Path | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Raise OSError if the path cannot be written. ``clock`` gives seconds."""
        self._clock = clock
        self._start_s = clock()
        self._sent_ms = 0.0
        self._file = None if path is None else Path(path).open("wb")  # noqa: SIM115  see close()

    def start(self) -> None:
        """Make now the zero of ``t``: the start of microphone pacing."""
        self._start_s = self._clock()

    def now_ms(self) -> float:
        """Milliseconds since ``start``."""
        return (self._clock() - self._start_s) * 1000

    def sent(self, type_: str, pcm: bytes = b"") -> None:
        """Note a client event; ``pcm`` is the speech in it, at 16 kHz."""
        row: dict[str, Any] = {"t": round(self.now_ms(), 1), "dir": "out", "type": type_}
        if pcm:
            self._sent_ms += len(pcm) / _INPUT_BYTES_PER_MS
            row["audio_ms"] = round(self._sent_ms, 1)
        self._write(row)

    def received(self, at_ms: float, event: Event) -> None:
        """Note a typed event that arrived at this time."""
        row: dict[str, Any] = {"t": round(at_ms, 1), "dir": "in", "type": event.raw.get("type")}
        for name in ("item_id", "response_id", "audio_start_ms", "audio_end_ms", "error"):
            if name in event.raw:
                row[name] = event.raw[name]
        if event.raw.get("type") == "response.created":
            row["response_id"] = event.raw.get("response", {}).get("id")
        if isinstance(event, TargetText):
            row |= {"response_id": event.response_id, "item_id": event.item_id}
        if isinstance(event, SourceText | TargetText):
            row |= {"text": event.text, "stash": event.stash}
            if event.final:
                row["final"] = True
        elif isinstance(event, Audio):
            row["audio_ms"] = round(len(event.pcm) / _OUTPUT_BYTES_PER_MS, 1)
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
