"""A saved event log, sorted into turns: source text, translation, speech.

Scope: reads what ``dragoman.client.event_log`` writes, and judges nothing. Any client's log of
the same
layout will do: JSON lines on one clock in ms, ``dir`` "out" or "in", sent speech with the
cumulative ``audio_ms``, received texts as snapshots (``text`` final, ``stash`` not), received
speech with the ``audio_ms`` of the piece.

Source texts belong to the item that names them, translations and speech to their response. A
response belongs to the oldest item that has text and no response yet: that is when servers open
one. Without any ``response.created`` in the log, responses belong to items in the order of their
first text. A piece of speech is played when it arrives, or when the piece before it is over.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from dragoman_bench.figures import BenchFailed
from dragoman_bench.interpret.shown_text import Shown

_SOURCE = "conversation.item.input_audio_transcription."
_TARGET = ("response.audio_transcript.", "response.text.", "response.done")


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of translated speech: when it arrived, how long it is, when it begins to play."""

    arrived_ms: float
    length_ms: float
    play_ms: float

    @property
    def end_ms(self) -> float:
        """When it has been played."""
        return self.play_ms + self.length_ms


class Turn(msgspec.Struct, kw_only=True):
    """One item of the source and its response."""

    start_ms: float
    """Where the server says its speech began (0 where it never did)."""
    end_ms: float | None = None
    source: list[Shown] = []
    target: list[Shown] = []
    speech: list[Piece] = []

    @property
    def has_text(self) -> bool:
        """Whether anything was recognised, tentative text included."""
        return any(step.display for step in self.source)

    @property
    def source_text(self) -> str:
        """The recognised text in the end."""
        return self.source[-1].text if self.source else ""

    @property
    def target_text(self) -> str:
        """The translation in the end."""
        return self.target[-1].text if self.target else ""

    @property
    def speech_ms(self) -> float:
        """How long its speech is."""
        return sum(piece.length_ms for piece in self.speech)

    def play_at(self, position_ms: float) -> float:
        """When the sound at this position of its speech begins to play."""
        for piece in self.speech:
            if position_ms < piece.length_ms:
                return piece.play_ms + position_ms
            position_ms -= piece.length_ms
        return self.speech[-1].end_ms


class Log(msgspec.Struct, kw_only=True):
    """One session. ``sent`` is (time, ms of speech sent by then), rising."""

    turns: list[Turn]
    sent: list[tuple[float, float]]
    finished_ms: float | None = None
    problems: list[str] = []

    def sent_by(self, at_ms: float) -> float:
        """How much speech had been sent at that time, in ms of the source."""
        index = bisect.bisect_right(self.sent, (at_ms, float("inf")))
        return self.sent[index - 1][1] if index else 0.0


def playback(turns: Sequence[Turn]) -> list[Piece]:
    """The speech of these turns, in the order in which it plays."""
    found = [piece for turn in turns for piece in turn.speech]
    return sorted(found, key=lambda piece: piece.play_ms)


def read(path: Path) -> Log:
    """Read a log file. Raises ``BenchFailed`` for what is no such log, ``OSError``."""
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line)
            if not {"t", "dir", "type"} <= row.keys():
                raise ValueError
        except (ValueError, AttributeError):
            raise BenchFailed(f"{path}, line {number}: no event of a session") from None
        rows.append(row)
    return sort(rows)


def sort(rows: Iterable[dict[str, Any]]) -> Log:
    """The turns that the rows of a log belong to."""
    sorter = _Sorter()
    for row in rows:
        sorter.take(row)
    return sorter.log


class _Sorter:
    def __init__(self) -> None:
        self.log = Log(turns=[], sent=[])
        self._items: dict[str, Turn] = {}
        self._responses: dict[str, Turn] = {}
        self._without_response: list[Turn] = []
        self._played_ms = 0.0

    def take(self, row: dict[str, Any]) -> None:
        at_ms, kind = float(row["t"]), str(row["type"])
        if row["dir"] == "out":
            if kind == "input_audio_buffer.append" and "audio_ms" in row:
                self.log.sent.append((at_ms, float(row["audio_ms"])))
        elif kind.startswith(_SOURCE) and "text" in row:
            self._item(row).source.append(_shown(at_ms, row))
        elif kind.startswith(_TARGET) and "text" in row:
            turn = self._response(str(row.get("response_id") or row.get("item_id", "")))
            turn.target.append(_shown(at_ms, row))
        elif kind == "response.audio.delta" and row.get("audio_ms"):
            self._speech(at_ms, row)
        else:
            self._other(at_ms, kind, row)

    def _speech(self, at_ms: float, row: dict[str, Any]) -> None:
        play_ms = max(at_ms, self._played_ms)
        piece = Piece(arrived_ms=at_ms, length_ms=float(row["audio_ms"]), play_ms=play_ms)
        self._played_ms = piece.end_ms
        self._response(str(row.get("response_id", ""))).speech.append(piece)

    def _other(self, at_ms: float, kind: str, row: dict[str, Any]) -> None:
        if kind == "input_audio_buffer.speech_started":
            self._item(row).start_ms = float(row["audio_start_ms"])
        elif kind == "input_audio_buffer.speech_stopped":
            self._item(row).end_ms = float(row["audio_end_ms"])
        elif kind == "response.created" and row.get("response_id"):
            self._response(str(row["response_id"]))
        elif kind == "session.finished":
            self.log.finished_ms = at_ms
        elif kind == "error":
            error = row.get("error")
            code = str(error.get("code")) if isinstance(error, dict) else "error"
            self.log.problems.append(code)

    def _item(self, row: dict[str, Any]) -> Turn:
        item_id = str(row.get("item_id", ""))
        if item_id not in self._items:
            self._items[item_id] = turn = Turn(start_ms=0.0)
            self.log.turns.append(turn)
            self._without_response.append(turn)
        return self._items[item_id]

    def _response(self, response_id: str) -> Turn:
        if response_id not in self._responses:
            waiting = self._without_response
            turn = next((turn for turn in waiting if turn.has_text), None)
            if turn is None:  # a translation of nothing gets an item of its own
                turn = waiting[0] if waiting else self._item({"item_id": f"of {response_id}"})
            waiting.remove(turn)
            self._responses[response_id] = turn
        return self._responses[response_id]


def _shown(at_ms: float, row: dict[str, Any]) -> Shown:
    return Shown(at_ms, str(row["text"]), str(row.get("stash", "")))
