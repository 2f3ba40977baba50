"""The dialect of Deepgram's ``/v1/listen``, which WhisperLiveKit and others speak, too.

Scope: one turn. Settings stand in the address, audio is binary PCM at 16 kHz. A result with
``is_final`` never changes; one without replaces the one before it. Words come with times (seconds
of the stream) and confidence, in the form with punctuation. ``CloseStream`` makes the server
recognise the rest, say so in ``Metadata`` and close. A confidence of exactly 0 means that the
server has none (WhisperLiveKit). ``speech_final`` is Deepgram's own end of an utterance; turns are
ours.

Source: Deepgram's reference "Live audio"; ``whisperlivekit/deepgram_compat.py``.
"""

from __future__ import annotations

from typing import Any

from dragoman.engines.realtime_asr.shape import (
    TurnDialect,
    as_json,
    number_of,
    server_error,
    text_of,
    timed_words,
)
from dragoman.engines.shared.websocket_link import Frame


class DeepgramTurn(TurnDialect):
    """One turn for Deepgram."""

    path = "/v1/listen"
    keep_alive = as_json(type="KeepAlive")

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._running = 0
        self._ended = False

    @property
    def query(self) -> list[tuple[str, str]]:
        """All settings."""
        settings = [
            ("encoding", "linear16"),
            ("sample_rate", str(self.rate_hz)),
            ("channels", "1"),
            ("interim_results", "true"),
            ("punctuate", "true"),
        ]
        if self.server.model:
            settings.append(("model", self.server.model))
        if self.language:
            settings.append(("language", self.language))
        term = "keyterm" if self.server.model.startswith(("nova-3", "flux")) else "keywords"
        return settings + [(term, phrase) for phrase in self.terms]

    @property
    def headers(self) -> dict[str, str]:
        """Deepgram has a scheme of its own."""
        return {"Authorization": f"Token {self.server.key}"} if self.server.key else {}

    def audio(self, pcm: bytes) -> Frame:
        """Bare PCM."""
        return pcm

    def ending(self) -> list[Frame]:
        """No more audio."""
        self._ended = True
        return [as_json(type="CloseStream")]

    def on_event(self, kind: str, event: dict[str, Any]) -> None:
        """See ``TurnDialect``."""
        if kind == "Results":
            self._take(event)
        elif kind == "Metadata":  # some servers greet with one
            self.done = self.done or self._ended
        elif kind == "Error":
            raise server_error(event)

    def closed(self, code: int) -> bool:
        """Closing is how the stream ends."""
        return self._ended and code in {1000, 1005}

    def _take(self, event: dict[str, Any]) -> None:
        channel = event.get("channel")
        found = channel.get("alternatives") if isinstance(channel, dict) else None
        best = found[0] if isinstance(found, list) and found else None
        if not isinstance(best, dict):
            return
        names = ("punctuated_word", "word")
        words = timed_words(text_of(best, "transcript"), best.get("words"), names, "start", "end")
        final = event.get("is_final") is True
        self.text.put(self._running, words, final=final)
        if final:
            self._running += 1
            if confidence := number_of(best, "confidence"):
                self.text.confidences.append((confidence, len(words)))
        languages = best.get("languages")
        if isinstance(languages, list) and languages and isinstance(languages[0], str):
            self.text.language = languages[0].split("-")[0].lower()
