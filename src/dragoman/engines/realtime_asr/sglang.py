"""The dialect of SGLang-Omni's ``/v1/realtime?intent=transcription`` (Qwen3-ASR).

Scope: one turn, without the server's own turn detection: the turn is committed and done at its end.
Audio is PCM at 16 kHz. A partial text replaces the one before it of the same segment; a final
segment never changes.

Source: the page "Qwen3-ASR" of its cookbook and the tests of its realtime session. It takes no
terms over this way.
"""

from __future__ import annotations

from typing import Any

from dragoman.engines.realtime_asr.shape import TurnDialect, as_json, server_error, text_of
from dragoman.engines.shared.transcript_words import transcript_words
from dragoman.engines.shared.websocket_link import Frame


class SglangTurn(TurnDialect):
    """One turn for SGLang-Omni."""

    path = "/v1/realtime"

    @property
    def query(self) -> list[tuple[str, str]]:
        """See ``TurnDialect``."""
        return [("intent", "transcription")]

    def opening(self) -> list[Frame]:
        """The settings."""
        session: dict[str, Any] = {"turn_detection": None}
        if self.language:
            session["language"] = self.language
        return [as_json(type="session.update", session=session)]

    def ending(self) -> list[Frame]:
        """The commit, and the end of the session."""
        return [as_json(type="input_audio_buffer.commit"), as_json(type="transcription.done")]

    def on_event(self, kind: str, event: dict[str, Any]) -> None:
        """See ``TurnDialect``."""
        if kind == "transcription.segment":
            words = transcript_words(text_of(event, "text"))
            self.text.put(event.get("segment_id"), words, final=event.get("is_final") is True)
        elif kind == "transcription.completed":
            self.done = True
        elif kind == "error":
            raise server_error(event)
