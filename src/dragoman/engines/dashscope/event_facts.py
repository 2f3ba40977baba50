"""Events of an interpretation as the facts of ``dragoman.speech``: both dialects, one meaning.

Scope: pure; no socket, no clock. Turns are numbered over all connections of a session, and their
times are those of the session's audio: ``begin`` says where the audio of a new connection starts.
Snapshots (``text`` and ``stash``) are facts as they are, deltas are summed up. Each turn gets its
facts in the one legal order and exactly one ``TurnDone``; what a server leaves out is filled in.

A response belongs to the oldest turn without one, because servers answer turns in order. A turn in
which nothing was recognised may stay without a response: then its transcript ends it, except that a
turn which the client ended always has one.
"""

from __future__ import annotations

import msgspec
import pybase64

from dragoman.audio.resample import Resampler
from dragoman.engines.dashscope.session_settings import OUTPUT_RATE_HZ
from dragoman.engines.dashscope.upstream import Event, number_in, text_in
from dragoman.engines.shared.endpoint_errors import EndpointNonsense
from dragoman.speech import (
    Heard,
    Result,
    SpeechStarted,
    SpeechStopped,
    Status,
    Translated,
    TurnDone,
    Voiced,
)

_SOURCE = "conversation.item.input_audio_transcription."
_TARGETS = ("response.audio_transcript.", "response.text.")
_STATUSES: dict[str, Status] = {"failed": "failed", "incomplete": "incomplete"}
_MOST_TURNS = 64
"""Turns open at once; a server with more is not to be believed."""


class UpstreamTurn(msgspec.Struct):
    """A turn that is not done: its texts so far and what was reported of it."""

    number: int
    started_ms: int
    rate_out: int
    committed: bool = False
    response: str = ""
    heard: str = ""
    translated: str = ""
    language: str | None = None
    stopped_ms: int | None = None
    heard_final: bool = False
    translated_final: bool = False
    resampler: Resampler | None = None


class EventFacts:
    """The facts of one session. ``pushed_ms`` is how much audio the session has sent in all,
    ``commits`` where the audio of each turn began that the client ended and the server has not
    yet acknowledged. ``completed`` counts turns that ended well.
    """

    def __init__(self) -> None:
        self.pushed_ms = 0
        self.rate_out = OUTPUT_RATE_HZ
        self.commits: list[int] = []
        self.completed = 0
        self._base_ms = 0
        self._turns = 0
        self._open: dict[str, UpstreamTurn] = {}
        self._translations: set[str] = set()

    # ------------------------------------------------------------ connections
    def begin(self) -> None:
        """A new connection: its audio begins here."""
        self._base_ms = self.pushed_ms

    def lost(self) -> list[Result]:
        """The connection is gone: every turn that it owed ends as failed."""
        facts: list[Result] = []
        for item, turn in list(self._open.items()):
            facts += self._done(item, turn, "failed")
        for start_ms in self.commits:
            facts += self.failed_turn(start_ms)
        self.commits.clear()
        self._translations.clear()
        return facts

    def failed_turn(self, start_ms: int) -> list[Result]:
        """A turn that the client ended and no server took."""
        self._turns += 1
        turn = UpstreamTurn(self._turns, start_ms, self.rate_out)
        return [SpeechStarted(turn.number, start_ms), *self._done("", turn, "failed")]

    # ------------------------------------------------------------ events
    def take(self, event: Event) -> list[Result]:
        """The facts of one event; none for one that says nothing new."""
        kind: str = event["type"]
        if kind.startswith(_SOURCE):
            return self._source(kind.removeprefix(_SOURCE), event)
        if kind.startswith("response."):
            return self._response(kind, event)
        item = text_in(event, "item_id") or text_in(event, "item", "id")
        match kind:
            case "input_audio_buffer.speech_started":
                at_ms = self._base_ms + (number_in(event, "audio_start_ms") or 0)
                return self._started(item, at_ms, speaker=number_in(event, "speaker_id") or 0)
            case "input_audio_buffer.speech_stopped" if item in self._open:
                end_ms = number_in(event, "audio_end_ms")
                return self._stopped(self._open[item], end_ms)
            case "input_audio_buffer.committed":
                return self._committed(item)
            case "conversation.item.created" if item in self._translations:
                self._translations.discard(item)
            case "conversation.item.created":
                return self._started(item, self._base_ms)
        return []

    def _started(self, item: str, at_ms: int, *, speaker: int = 0) -> list[Result]:
        if not item or item in self._open:
            return []
        if len(self._open) == _MOST_TURNS:
            raise EndpointNonsense(f"more than {_MOST_TURNS} turns are open")
        self._turns += 1
        self._open[item] = UpstreamTurn(self._turns, at_ms, self.rate_out)
        return [SpeechStarted(self._turns, at_ms, speaker=speaker)]

    def _committed(self, item: str) -> list[Result]:
        """The turn that the client ended; others are committed, too, in some generations."""
        if not self.commits:
            return []
        facts = self._started(item, self.commits.pop(0))
        if item in self._open:
            self._open[item].committed = True
        return facts

    def _stopped(self, turn: UpstreamTurn, end_ms: int | None = None) -> list[Result]:
        if turn.stopped_ms is not None:
            return []
        at_ms = self.pushed_ms if end_ms is None else self._base_ms + end_ms
        turn.stopped_ms = max(turn.started_ms, at_ms)
        return [SpeechStopped(turn.number, turn.stopped_ms)]

    # ------------------------------------------------------------ texts and sound
    def _source(self, kind: str, event: Event) -> list[Result]:
        item = text_in(event, "item_id")
        turn = self._open.get(item)
        if turn is None or turn.heard_final:
            return []
        turn.language = text_in(event, "language") or turn.language
        match kind:
            case "text":
                turn.heard, stash = text_in(event, "text"), text_in(event, "stash")
                return [Heard(turn.number, turn.heard, stash, language=turn.language)]
            case "delta":
                turn.heard += text_in(event, "delta")
                return [Heard(turn.number, turn.heard, language=turn.language)]
            case "completed":
                turn.heard = text_in(event, "transcript") or turn.heard
        facts = self._heard_final(turn)
        if not turn.heard and not turn.response and not turn.committed:
            facts += self._done(item, turn, "completed" if kind == "completed" else "failed")
        return facts

    def _heard_final(self, turn: UpstreamTurn) -> list[Result]:
        if turn.heard_final:
            return []
        turn.heard_final = True
        final = Heard(turn.number, turn.heard, final=True, language=turn.language)
        return [*self._stopped(turn), final]

    def _response(self, kind: str, event: Event) -> list[Result]:
        name = text_in(event, "response_id") or text_in(event, "response", "id")
        if kind == "response.output_item.added":
            self._translations.add(text_in(event, "item", "id"))
        item, turn = self._answered(name)
        if turn is None:
            return []
        if kind == "response.done":
            status = text_in(event, "response", "status")
            return self._done(item, turn, _STATUSES.get(status, "completed"))
        if kind == "response.audio.delta":
            return self._voiced(turn, text_in(event, "delta"))
        prefix = next((prefix for prefix in _TARGETS if kind.startswith(prefix)), None)
        return [] if prefix is None else self._target(turn, kind.removeprefix(prefix), event)

    def _answered(self, response: str) -> tuple[str, UpstreamTurn | None]:
        """The turn of a response, with its source item."""
        waiting = None
        for item, turn in self._open.items():
            if turn.response == response:
                return item, turn
            if waiting is None and not turn.response:
                waiting = (item, turn)
        if waiting is None or not response:
            return "", None
        waiting[1].response = response
        return waiting

    def _target(self, turn: UpstreamTurn, kind: str, event: Event) -> list[Result]:
        if turn.translated_final:
            return []
        match kind:
            case "text":
                turn.translated, stash = text_in(event, "text"), text_in(event, "stash")
                return [Translated(turn.number, turn.translated, stash)]
            case "delta":
                turn.translated += text_in(event, "delta")
                return [Translated(turn.number, turn.translated)]
            case "done":
                whole = text_in(event, "transcript") or text_in(event, "text")
                turn.translated, turn.translated_final = whole or turn.translated, True
                return [Translated(turn.number, turn.translated, final=True)]
        return []

    def _voiced(self, turn: UpstreamTurn, delta: str) -> list[Result]:
        try:
            pcm = pybase64.b64decode(delta)
        except ValueError:
            raise EndpointNonsense("the server sent sound that is none") from None
        if turn.resampler is None:
            turn.resampler = Resampler(OUTPUT_RATE_HZ, turn.rate_out)
        pcm = turn.resampler.feed(pcm)
        return [Voiced(pcm, turn.number)] if pcm else []

    def _done(self, item: str, turn: UpstreamTurn, status: Status) -> list[Result]:
        facts = self._heard_final(turn)
        if not turn.translated_final:
            facts.append(Translated(turn.number, turn.translated, final=True))
        if turn.resampler is not None and (rest := turn.resampler.flush()):
            facts.append(Voiced(rest, turn.number))
        self._open.pop(item, None)
        self.completed += status == "completed"
        length_ms = (turn.stopped_ms or turn.started_ms) - turn.started_ms
        return [*facts, TurnDone(turn.number, length_ms, status)]
