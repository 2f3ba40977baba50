"""A saved event log, sorted into what was heard, said and spoken.

Law of this file: it reads what ``client.log`` writes and judges nothing. Any client's log of the
same layout will do: JSON lines on one clock in ms, ``dir`` "out" or "in", sent speech with the
cumulative ``audio_ms``, received texts as snapshots (``text`` certain, ``stash`` not), received
speech with the ``audio_ms`` of the piece.

How it works. Source texts belong to the item that names them, translations and speech to their
response. A response belongs to the oldest item that has been heard and has no response yet: that
is when servers open one. Without any ``response.created`` in the log, responses belong to items
in the order of their first text.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from dragoman_bench.figures import BenchFailed
from dragoman_bench.interpret.shown_text import Heard, Shown, played

_SOURCE = "conversation.item.input_audio_transcription."
_TARGET = ("response.audio_transcript.", "response.text.", "response.done")


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of translated speech: when it arrived, how long it is, when it is heard."""

    arrived_ms: float
    length_ms: float
    heard_ms: float

    @property
    def end_ms(self) -> float:
        """When it has been heard."""
        return self.heard_ms + self.length_ms


class Turn(msgspec.Struct, kw_only=True):
    """One item of the source and its response."""

    start_ms: float
    """Where the server says its speech began (0 where it never did)."""
    end_ms: float | None = None
    source: list[Shown] = []
    target: list[Shown] = []
    speech: list[Piece] = []

    @property
    def source_text(self) -> str:
        """What was heard in the end."""
        return self.source[-1].text if self.source else ""

    @property
    def target_text(self) -> str:
        """What was said in the end."""
        return self.target[-1].text if self.target else ""


class Log(msgspec.Struct, kw_only=True):
    """One session. ``sent`` is (time, ms of speech sent by then), rising."""

    turns: list[Turn]
    sent: list[tuple[float, float]]
    finished_ms: float | None = None
    problems: list[str] = []

    @property
    def pieces(self) -> list[Piece]:
        """All speech, in the order of playback."""
        found = [piece for turn in self.turns for piece in turn.speech]
        return sorted(found, key=lambda piece: piece.heard_ms)

    def sent_by(self, at_ms: float) -> float:
        """How much speech had been sent at that time, in ms of the source."""
        index = bisect.bisect_right(self.sent, (at_ms, float("inf")))
        return self.sent[index - 1][1] if index else 0.0


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
    """Rows of a log to what they amount to."""
    sorting = _Sorting()
    for row in rows:
        sorting.take(row)
    return sorting.log()


class _Sorting:
    def __init__(self) -> None:
        self._items: dict[str, Turn] = {}
        self._responses: dict[str, Turn] = {}
        self._waiting: list[Turn] = []
        self._sent: list[tuple[float, float]] = []
        self._sounds: list[tuple[float, float, Turn]] = []
        self._finished_ms: float | None = None
        self._problems: list[str] = []

    def take(self, row: dict[str, Any]) -> None:
        """One row."""
        at_ms, kind = float(row["t"]), str(row["type"])
        if row["dir"] == "out":
            if kind == "input_audio_buffer.append" and "audio_ms" in row:
                self._sent.append((at_ms, float(row["audio_ms"])))
        elif kind.startswith(_SOURCE) and "text" in row:
            turn = self._item(str(row.get("item_id", "")))
            turn.source.append(_shown(at_ms, row))
        elif kind.startswith(_TARGET) and "text" in row:
            turn = self._response(str(row.get("response_id") or row.get("item_id", "")))
            turn.target.append(_shown(at_ms, row))
        elif kind == "response.audio.delta" and row.get("audio_ms"):
            turn = self._response(str(row.get("response_id", "")))
            self._sounds.append((at_ms, float(row["audio_ms"]), turn))
        else:
            self._rest(at_ms, kind, row)

    def log(self) -> Log:
        """What it all amounts to."""
        heard: list[Heard] = played([(at, length) for at, length, _ in self._sounds])
        for (at, length, turn), piece in zip(self._sounds, heard, strict=True):
            turn.speech.append(Piece(arrived_ms=at, length_ms=length, heard_ms=piece.start_ms))
        turns = list(self._items.values())
        return Log(
            turns=turns, sent=self._sent, finished_ms=self._finished_ms, problems=self._problems
        )

    def _rest(self, at_ms: float, kind: str, row: dict[str, Any]) -> None:
        if kind == "input_audio_buffer.speech_started":
            self._item(str(row.get("item_id", ""))).start_ms = float(row["audio_start_ms"])
        elif kind == "input_audio_buffer.speech_stopped":
            self._item(str(row.get("item_id", ""))).end_ms = float(row["audio_end_ms"])
        elif kind == "response.created" and row.get("response_id"):
            self._response(str(row["response_id"]))
        elif kind == "session.finished":
            self._finished_ms = at_ms
        elif kind == "error":
            error = row.get("error")
            self._problems.append(str(error.get("code")) if isinstance(error, dict) else "error")

    def _item(self, item_id: str) -> Turn:
        turn = self._items.get(item_id)
        if turn is None:
            turn = self._items[item_id] = Turn(start_ms=0.0)
            self._waiting.append(turn)
        return turn

    def _response(self, response_id: str) -> Turn:
        turn = self._responses.get(response_id)
        if turn is None:
            heard = next((turn for turn in self._waiting if turn.source), None)
            turn = heard or next(iter(self._waiting), None)
            if turn is None:  # a translation of nothing: an item of its own
                turn = self._item(f"of {response_id}")
            self._waiting.remove(turn)
            self._responses[response_id] = turn
        return turn


def _shown(at_ms: float, row: dict[str, Any]) -> Shown:
    return Shown(at_ms, str(row["text"]), str(row.get("stash", "")))
