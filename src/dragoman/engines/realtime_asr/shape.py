"""What the dialects of realtime recognition share: one turn as frames out and frames in.

Scope: pure; no socket, no clock. A ``TurnDialect`` is made for one turn. It says what is sent to
open, for audio and to end the turn, and reads what comes back. What was heard is kept as
``TurnText``: segments in the order in which they appeared, each revisable until it is final.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit, urlunsplit

import msgspec
import pybase64

from dragoman.engines.shared.endpoint_errors import NO_JSON, EndpointFailed, EndpointNonsense
from dragoman.engines.shared.transcript_words import TimedPiece, transcript_words
from dragoman.engines.shared.websocket_link import Frame
from dragoman.speech import Hints, Hypothesis, Word

MOST_LETTERS = 20_000
"""Of one turn, which lasts half a minute at most: beyond it the server is not to be believed."""
MOST_TERMS = 100
"""Terms that are sent as hints. Deepgram takes 500 tokens of them; more cost accuracy elsewhere."""
MOST_CONTEXT = 1_000
"""Characters of the client's context that are sent as a prompt."""


class AsrServer(msgspec.Struct, frozen=True):
    """What the operator told about the server. ``language`` is sent where a client declares none;
    ``locales`` maps primary tags to what the server calls them (``en`` to ``en-US``).
    """

    url: str
    model: str = ""
    key: str = ""
    language: str = ""
    locales: Mapping[str, str] = {}

    def code(self, language: str | None) -> str:
        """What the server calls a language; "" to let it find out."""
        return self.locales.get(language, language) if language else self.language


class HeardSegment(msgspec.Struct):
    """A part of a turn's text."""

    words: tuple[Word, ...] = ()
    final: bool = False
    letters: int = 0


class TurnText:
    """What was heard in a turn so far."""

    def __init__(self) -> None:
        self._segments: dict[Hashable, HeardSegment] = {}
        self.language: str | None = None
        self.confidences: list[tuple[float, int]] = []
        """Of final segments: the confidence and how many words it judges."""

    def put(self, key: Hashable, words: Sequence[Word], *, final: bool = False) -> None:
        """The words of a segment are these now; one that is final is not changed any more.
        Raises ``EndpointNonsense`` for more text than a turn can hold.
        """
        segment = self._segments.setdefault(key, HeardSegment())
        if not segment.final:
            segment.words, segment.final = tuple(words), final
            segment.letters = sum(len(word.text) for word in words)
        letters = sum(segment.letters for segment in self._segments.values())
        if letters + len(self._segments) > MOST_LETTERS:
            raise EndpointNonsense(f"more than {MOST_LETTERS} letters for one turn")

    def hypothesis(self, *, certain: int = 0) -> Hypothesis:
        """All words. Stable are those of the final segments at the beginning, and ``certain``
        words at least.
        """
        words: list[Word] = []
        stable, leads = 0, True
        for segment in self._segments.values():
            words += segment.words
            leads = leads and segment.final
            stable = len(words) if leads else stable
        stable = max(stable, min(certain, len(words)))
        return Hypothesis(tuple(words), self._confidence(), self.language, stable)

    def _confidence(self) -> float:
        judged = sum(count for _, count in self.confidences)
        if not judged:
            return 1.0
        mean = sum(value * count for value, count in self.confidences) / judged
        return min(1.0, max(0.0, mean))


class TurnDialect(ABC):
    """One turn in one dialect. ``done``: the final text has come."""

    rate_hz: ClassVar[int] = 16_000
    path: ClassVar[str]
    keep_alive: ClassVar[Frame | None] = None

    def __init__(self, server: AsrServer, language: str | None, hints: Hints) -> None:
        self.server, self.hints = server, hints
        self.language = server.code(language)
        self.text = TurnText()
        self.done = False

    # ------------------------------------------------------------ out
    @property
    def query(self) -> list[tuple[str, str]]:
        """What is added to the query of the address."""
        return []

    @property
    def address(self) -> str:
        """The operator's URL with these settings, and with the dialect's path if it has none. What
        the operator wrote into the query stays and wins.
        """
        parts = urlsplit(self.server.url)
        given = {pair.partition("=")[0] for pair in parts.query.split("&") if pair}
        added = urlencode([(name, value) for name, value in self.query if name not in given])
        query = "&".join(filter(None, (parts.query, added)))
        path = parts.path if parts.path not in {"", "/"} else self.path
        return urlunsplit((parts.scheme, parts.netloc, path, query, ""))

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the handshake."""
        return {"Authorization": f"Bearer {self.server.key}"} if self.server.key else {}

    @property
    def terms(self) -> list[str]:
        """The source terms of the session's glossary that are sent."""
        return list(self.hints.phrases)[:MOST_TERMS]

    @property
    def prompt(self) -> str:
        """The client's context as it is sent."""
        return self.hints.context[:MOST_CONTEXT]

    def opening(self) -> list[Frame]:
        """What is sent before the audio; nothing has to be waited for."""
        return []

    def audio(self, pcm: bytes) -> Frame:
        """The frame for some audio at ``rate_hz``."""
        return as_json(type="input_audio_buffer.append", audio=pybase64.b64encode_as_string(pcm))

    @abstractmethod
    def ending(self) -> list[Frame]:
        """What is sent after the audio."""

    # ------------------------------------------------------------ in
    def read(self, frame: Frame) -> None:
        """Take a frame. What is not understood is left aside, as servers have events of their own.
        Raises ``EndpointFailed`` for an error of the server.
        """
        try:
            event = msgspec.json.decode(frame)
        except NO_JSON:
            raise EndpointNonsense("the server sent a frame that is no JSON") from None
        if isinstance(event, dict) and isinstance(event.get("type"), str):
            self.on_event(event["type"], event)

    @abstractmethod
    def on_event(self, kind: str, event: dict[str, Any]) -> None:
        """Take an event."""

    def closed(self, code: int) -> bool:
        """The server closed the connection; whether the turn is complete with what came."""
        return False

    @property
    def hypothesis(self) -> Hypothesis:
        """What was heard so far."""
        return self.text.hypothesis()


def as_json(**fields: Any) -> str:
    """A text frame."""
    return msgspec.json.encode(fields).decode()


def text_of(event: Mapping[str, Any], name: str) -> str:
    """A string in an event, "" if there is none."""
    value = event.get(name)
    return value if isinstance(value, str) else ""


def number_of(event: Mapping[str, Any], name: str) -> float:
    """A number in an event, 0 if there is none."""
    value = event.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def timed_words(
    text: str, listed: Any, names: tuple[str, ...], start: str, end: str, *, per_s: float = 1.0
) -> tuple[Word, ...]:
    """A text in words, with times and confidence from a server's list of words: objects that have
    the word under the first of ``names`` that they have, and times of which ``per_s`` are a second.
    """
    given = [word for word in listed if isinstance(word, dict)] if isinstance(listed, list) else []
    pieces = [
        TimedPiece(
            next(filter(None, (text_of(word, name) for name in names)), ""),
            number_of(word, start) / per_s,
            number_of(word, end) / per_s,
        )
        for word in given
    ]
    words = transcript_words(text, pieces)
    if len(words) != len(given):  # cut otherwise; times are spread, confidences are not
        return words
    judged = [min(1.0, max(0.0, number_of(word, "confidence"))) or None for word in given]
    return tuple(
        msgspec.structs.replace(word, confidence=confidence)
        for word, confidence in zip(words, judged, strict=True)
    )


def server_error(event: Mapping[str, Any]) -> EndpointFailed:
    """An error event as an exception: its code, if that looks like one, and never its message,
    which may quote what was said.
    """
    body = event.get("error")
    found = body if isinstance(body, dict) else event
    code = text_of(found, "code") or text_of(found, "type") or text_of(found, "err_code")
    shown = code if len(code) <= 64 and code.replace("_", "").replace(".", "").isalnum() else ""
    return EndpointFailed(f"the server reported an error ({shown or 'without a code'})")
