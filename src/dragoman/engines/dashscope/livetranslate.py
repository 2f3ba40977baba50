"""``dashscope-livetranslate``: an interpreter upstream, the cloud's or another Dragoman's.

Scope: the connection of one session. The upstream gets the session's settings, audio (16 kHz PCM,
whatever the client sends), pictures and commits; what comes back becomes facts in ``event_facts``.
The connection opens with the first audio. If it is lost, turns that were open end as failed and the
next audio opens a new one; if that one is lost before it completed a turn, the session fails.
``feed`` never waits for an answer: the runtime asks again (``Info.answers_later``).
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pybase64

from dragoman.audio.opus_decode import OpusDecoder
from dragoman.audio.pcm import SAMPLE_BYTES
from dragoman.audio.resample import Resampler
from dragoman.engines.base import EngineUnavailable, Info, Interpretation
from dragoman.engines.dashscope.event_facts import EventFacts
from dragoman.engines.dashscope.session_settings import OUTPUT_RATE_HZ, is_flat, session_settings
from dragoman.engines.dashscope.upstream import (
    KEY_VARIABLE,
    Event,
    Upstream,
    UpstreamLink,
    error_of,
    text_in,
    upstream,
)
from dragoman.engines.shared.endpoint_errors import EndpointFailed, EndpointTimedOut
from dragoman.speech import (
    HEARING_RATE_HZ,
    Audio,
    Clear,
    EndTurn,
    Image,
    Input,
    Interpret,
    Result,
)

_MOST_AT_ONCE = 200
"""Events that one ``feed`` takes; what is left waits for the next."""
_PIECE_BYTES = 64 * 1024
"""2 s of audio in one event at most."""


class DashscopeLivetranslate:
    """``Interpreter`` upstream. ``voice`` replaces the one that clients ask for; ``final_s`` is the
    longest wait for the last facts of a session.
    """

    def __init__(
        self,
        *,
        url: str = "",
        model: str = "qwen3.5-livetranslate-flash-realtime",
        key_env: str = KEY_VARIABLE,
        voice: str = "",
        languages: tuple[str, ...] = ("*",),
        targets: tuple[str, ...] = ("*",),
        connect_s: float = 5.0,
        final_s: float = 25.0,
    ) -> None:
        self._options = (url, model, key_env, connect_s)
        self._model, self._voice, self._final_s = model, voice, final_s
        self._languages, self._targets = tuple(languages), tuple(targets)
        self._upstream: Upstream | None = None

    @property
    def info(self) -> Info:
        """Self-description."""
        pairs = [(source, target) for source in self._languages for target in self._targets]
        return Info(
            name="dashscope-livetranslate",
            role="interpreter",
            licence="as the service's",
            quality="good",
            languages=self._languages,
            pairs=tuple(pair for pair in pairs if pair[0] != pair[1] or pair[0] == "*"),
            voices=(self._voice,) if self._voice else (),
            rate_hz=OUTPUT_RATE_HZ,
            takes_images=True,
            takes_glossary=True,
            answers_later=True,
            remote=True,
            about="The cloud's live interpretation, or another Dragoman's",
        )

    def load(self) -> None:
        """Look at the options. Raises ``EngineUnavailable``."""
        url, model, key_env, connect_s = self._options
        self._upstream = upstream("dashscope-livetranslate", url, model, key_env, connect_s)

    def close(self) -> None:
        """Nothing is shared by sessions."""
        self._upstream = None

    def start(self, task: Interpret) -> Interpretation:
        """See ``Interpreter``."""
        if self._upstream is None:
            raise EngineUnavailable("The engine dashscope-livetranslate is not loaded.")
        return UpstreamSession(self._upstream, self._model, task, self._voice, self._final_s)


class UpstreamSession:
    """An ``Interpretation`` upstream."""

    def __init__(
        self, server: Upstream, model: str, task: Interpret, voice: str, final_s: float
    ) -> None:
        self._server, self._model, self._voice, self._final_s = server, model, voice, final_s
        self._facts = EventFacts()
        self._link: UpstreamLink | None = None
        self._updates: set[str] = set()
        self._lives = 1
        self._ended = False
        self._sent = 0
        self._turn_start_ms = 0
        self._opus: OpusDecoder | None = None
        self._use(task)

    # ------------------------------------------------------------ the stream
    def feed(self, item: Input) -> list[Result]:
        """See ``Interpretation``; empty audio only asks what has come. Raises ``EndpointFailed``
        when a second connection in a row brought nothing.
        """
        facts: list[Result] = []
        try:
            facts += self._send(item)
            for event in self._waiting():
                facts += self._take(event)
        except EndpointFailed:
            if not self._lives:
                self.abort()
                raise
            self._lives -= 1
            facts += self._lost()
        return facts

    def finish(self) -> list[Result]:
        """See ``Interpretation``. A turn that does not end in time ends as failed."""
        facts: list[Result] = []
        link = self._link
        if link is None:
            return facts
        try:
            link.send("session.finish")
            ends_s = time.monotonic() + self._final_s
            while not self._ended:
                event = link.receive(max(0.0, ends_s - time.monotonic()))
                if event is None:
                    raise EndpointTimedOut(f"{link.origin} did not finish in {self._final_s:g} s")
                facts += self._take(event)
        except EndpointFailed:
            pass
        return [*facts, *self._lost()]

    def abort(self) -> None:
        """Close the connection; the server is told by that."""
        if self._link is not None:
            self._link.close()
            self._link = None

    # ------------------------------------------------------------ out
    def _send(self, item: Input) -> list[Result]:
        match item:
            case Audio() if item.pcm:
                self._send_audio(item)
            case Interpret():
                self._use(item)
                if self._link is not None:
                    self._send_settings(self._link)
            case Image(data=data) if self._link is not None:
                image = pybase64.b64encode_as_string(data)
                self._link.send("input_image_buffer.append", image=image)
            case EndTurn():
                return self._commit()
            case Clear() if self._link is not None:
                self._turn_start_ms = self._facts.pushed_ms
                self._link.send("input_audio_buffer.clear")
        return []

    def _use(self, task: Interpret) -> None:
        """Take settings; at another input rate the audio begins anew."""
        self._task = task
        self._facts.rate_out = task.rate_out
        self._resampler = Resampler(task.rate_in, HEARING_RATE_HZ)
        self._opus = None

    def _send_settings(self, link: UpstreamLink) -> None:
        settings = session_settings(self._task, self._model, self._voice)
        self._updates.add(link.send("session.update", session=settings))

    def _send_audio(self, audio: Audio) -> None:
        pcm = audio.pcm
        if audio.opus_ms:
            if self._opus is None:
                self._opus = OpusDecoder(self._task.rate_in)
            pcm = self._opus.feed(pcm, audio.opus_ms)
        pcm = self._resampler.feed(pcm)
        if self._link is None:
            self._link = self._server.connect()
            self._facts.begin()
            self._turn_start_ms = self._facts.pushed_ms
            self._updates.clear()
            self._send_settings(self._link)
        for start in range(0, len(pcm), _PIECE_BYTES):
            piece = pybase64.b64encode_as_string(pcm[start : start + _PIECE_BYTES])
            self._link.send("input_audio_buffer.append", audio=piece)
        self._sent += len(pcm)
        self._facts.pushed_ms = self._sent * 1000 // (HEARING_RATE_HZ * SAMPLE_BYTES)

    def _commit(self) -> list[Result]:
        """The client ended a turn. Where the server finds turns itself, only some models listen."""
        manual = self._task.endpointing is None
        start_ms, self._turn_start_ms = self._turn_start_ms, self._facts.pushed_ms
        if manual and start_ms == self._facts.pushed_ms:
            return []
        if self._link is None:  # the turn's audio was lost with the connection
            return self._facts.failed_turn(start_ms) if manual else []
        if manual:
            self._facts.commits.append(start_ms)
        if manual or not is_flat(self._model):
            self._link.send("input_audio_buffer.commit")
        return []

    # ------------------------------------------------------------ in
    def _waiting(self) -> Iterator[Event]:
        for _ in range(_MOST_AT_ONCE):
            event = None if self._link is None else self._link.receive()
            if event is None:
                return
            yield event

    def _take(self, event: Event) -> list[Result]:
        if event["type"] == "session.finished":
            self._ended = True
        if event["type"] == "error":
            self._on_error(event)
        before = self._facts.completed
        facts = self._facts.take(event)
        if self._facts.completed > before:
            self._lives = 1
        return facts

    def _on_error(self, event: Event) -> None:
        """Settings that are refused are the end; other requests may be refused, as a picture too
        many. What is fatal, the server says once more by closing.
        """
        assert self._link is not None
        if text_in(event, "error", "event_id") in self._updates:
            self._lives = 0
            raise error_of(event, self._link.origin)
        if text_in(event, "error", "type") != "invalid_request_error":
            raise error_of(event, self._link.origin)

    def _lost(self) -> list[Result]:
        self.abort()
        return self._facts.lost()
