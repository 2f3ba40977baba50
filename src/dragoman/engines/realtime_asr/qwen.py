"""The dialect of Qwen's realtime recognition (``qwen3-asr-flash-realtime``): the cloud, another
Dragoman, or a server of its kind.

Scope: one turn, a session of its own. In manual mode no text comes before the commit, so the server
detects speech, too, as sensitively as it can and with the longest silence. Audio is PCM at 16 kHz.
``text`` is committed and only grows, ``stash`` is the tentative tail. Terms of the glossary go into
the context.

Source: Alibaba's pages "Qwen-ASR-Realtime client events" and "server events".
"""

from __future__ import annotations

from typing import Any

from dragoman.engines.realtime_asr.shape import TurnDialect, as_json, server_error, text_of
from dragoman.engines.shared.transcript_words import transcript_words
from dragoman.engines.shared.websocket_link import Frame
from dragoman.speech import Hypothesis
from dragoman.text.language_tags import primary_tag

DEFAULT_MODEL = "qwen3-asr-flash-realtime"
_DETECTION = {"type": "server_vad", "threshold": -1.0, "silence_duration_ms": 6000}
_EVENTS = "conversation.item.input_audio_transcription."


class QwenTurn(TurnDialect):
    """One turn for Qwen's realtime recognition."""

    path = "/api-ws/v1/realtime"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._certain = 0

    @property
    def query(self) -> list[tuple[str, str]]:
        """The model."""
        return [("model", self.server.model or DEFAULT_MODEL)]

    def opening(self) -> list[Frame]:
        """The settings."""
        transcription: dict[str, Any] = {}
        if self.language:
            transcription["language"] = self.language
        if context := "\n".join(filter(None, (self.prompt, ", ".join(self.terms)))):
            transcription["corpus"] = {"text": context}
        session = {
            "modalities": ["text"],
            "input_audio_format": "pcm",
            "sample_rate": self.rate_hz,
            "input_audio_transcription": transcription,
            "turn_detection": _DETECTION,
        }
        return [as_json(type="session.update", session=session)]

    def ending(self) -> list[Frame]:
        """The end of the session."""
        return [as_json(type="session.finish")]

    def on_event(self, kind: str, event: dict[str, Any]) -> None:
        """See ``TurnDialect``."""
        if kind in {_EVENTS + "text", _EVENTS + "completed"}:
            self.text.language = primary_tag(text_of(event, "language")) or self.text.language
        item = text_of(event, "item_id")
        if kind == _EVENTS + "text":
            text = text_of(event, "text")
            words = transcript_words(text + text_of(event, "stash"))
            self.text.put(item, words)
            tail = len(words) - len(transcript_words(text))
            self._certain = max(0, len(self.text.hypothesis().words) - tail - 1)
        elif kind == _EVENTS + "completed":
            self.text.put(item, transcript_words(text_of(event, "transcript")), final=True)
        elif kind == "session.finished":
            self.done = True
        elif kind in {"error", _EVENTS + "failed"}:
            raise server_error(event)

    @property
    def hypothesis(self) -> Hypothesis:
        """See ``TurnDialect``; the last committed word may still get a mark behind it."""
        return self.text.hypothesis(certain=self._certain)
