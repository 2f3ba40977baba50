"""A long session of a soak: a talk at the pace of a microphone, observed while it runs.

Scope: counts what is still to come of the session, and how much speech has not been played; the log
is scored when the talk is over. Nothing here grows with the talk but the log on the disk.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from dragoman.client.event_log import EventLog
from dragoman.client.events import (
    Event,
    Other,
    Problem,
    ResponseFinished,
    SourceSpeechStarted,
    SourceText,
    SpeechAudio,
)
from dragoman.client.interpretation import OUTPUT_RATE_HZ
from dragoman_bench.interpret.play import Played, SessionRequest, play
from dragoman_bench.interpret.stream import Stream

_OUT_BYTES_PER_MS = OUTPUT_RATE_HZ * 2 // 1000


class TalkOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """Turns and responses of a talk, and those that were not completed when it was over."""

    turns: int
    open_items: int
    open_responses: int
    failed: list[str]
    late_ms: float


class OpenWork:
    """What one session has begun and not completed. Fed with typed events."""

    def __init__(self) -> None:
        self.turns = 0
        self.failed: list[str] = []
        self._items: set[str] = set()
        self._responses: set[str] = set()
        self._played_ms = 0.0

    def take(self, at_ms: float, event: Event) -> None:
        """One event."""
        match event:
            case SourceSpeechStarted(item_id=item):
                self.turns += 1
                self._items.add(item)
            case SourceText(item_id=item, final=True):
                self._items.discard(item)
            case Other(type="response.created", raw=raw):
                self._responses.add(str(raw.get("response", {}).get("id")))
            case ResponseFinished(response_id=response, status=status):
                self._responses.discard(response)
                if status != "completed":
                    self.failed.append(status)
            case SpeechAudio(data=pcm):
                self._played_ms = max(at_ms, self._played_ms) + len(pcm) / _OUT_BYTES_PER_MS
            case Problem(code=code):
                self.failed.append(code)
            case _:
                pass

    @property
    def open_items(self) -> int:
        """Turns whose transcript is not complete."""
        return len(self._items)

    def unplayed_s(self, at_ms: float) -> float:
        """How much speech has come that has not been played yet."""
        return max(0.0, self._played_ms - at_ms) / 1000

    def outcome(self, late_ms: float) -> TalkOutcome:
        """After the talk; ``late_ms``: by how much its worst chunk was sent late."""
        return TalkOutcome(
            turns=self.turns,
            open_items=len(self._items),
            open_responses=len(self._responses),
            failed=self.failed,
            late_ms=late_ms,
        )


class Talk:
    """One long session; its events go to a log file."""

    def __init__(self, stream: Stream, path: Path) -> None:
        self.work = OpenWork()
        self._stream = stream
        self._path = path
        self._log = EventLog(path)

    async def run(self, request: SessionRequest) -> Played:
        """From the first chunk to ``session.finished``. Raises as ``play``."""
        with self._log as log:
            late_ms = await play(self._stream, request, log, on_event=self.work.take)
        return Played(self._path, self._stream.script, late_ms)

    def unplayed_s(self) -> float:
        """How much speech has come that has not been played yet, now."""
        return self.work.unplayed_s(self._log.now_ms())
