"""The dialect of OpenAI's Realtime API in transcription mode (``intent=transcription``).

Scope: one turn of a session of type ``transcription`` without turn detection: the turn is
committed at its end. Audio is PCM at 24 kHz. Deltas add to the text of their item; the text of
``completed`` replaces them and may correct them, so nothing is promised before it.

Source: the guide "Realtime transcription" and the types of the ``openai`` package 3.57. The form of
the beta (``transcription_session.update``) is not spoken. ``keywords`` are sent to the models that
take them, to others terms go into the prompt.
"""

from __future__ import annotations

from typing import Any

from dragoman.engines.realtime_asr.shape import TurnDialect, as_json, server_error, text_of
from dragoman.engines.shared.transcript_words import transcript_words
from dragoman.engines.shared.websocket_link import Frame
from dragoman.text.language_names import language_tag

DEFAULT_MODEL = "gpt-live-transcribe"
_EVENTS = "conversation.item.input_audio_transcription."
_TAKES_KEYWORDS = ("gpt-transcribe", "gpt-live-transcribe")
_TAKES_NO_PROMPT = ("gpt-realtime-whisper", "gpt-4o-transcribe-diarize")


class OpenAiTurn(TurnDialect):
    """One turn for OpenAI and servers that speak as it does."""

    rate_hz = 24_000
    path = "/v1/realtime"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._deltas: dict[str, str] = {}

    @property
    def query(self) -> list[tuple[str, str]]:
        """The model stands in the settings only: in the address it would mean a conversation."""
        return [("intent", "transcription")]

    def opening(self) -> list[Frame]:
        """The settings."""
        model = self.server.model or DEFAULT_MODEL
        transcription: dict[str, Any] = {"model": model}
        if self.language:
            transcription["language"] = self.language
        prompt = self.prompt
        if model.startswith(_TAKES_KEYWORDS):
            transcription |= {"keywords": self.terms} if self.terms else {}
        else:
            prompt = "\n".join(filter(None, (prompt, ", ".join(self.terms))))
        if prompt and not model.startswith(_TAKES_NO_PROMPT):
            transcription["prompt"] = prompt
        audio = {
            "format": {"type": "audio/pcm", "rate": self.rate_hz},
            "transcription": transcription,
            "turn_detection": None,
        }
        session = {"type": "transcription", "audio": {"input": audio}}
        return [as_json(type="session.update", session=session)]

    def ending(self) -> list[Frame]:
        """The commit."""
        return [as_json(type="input_audio_buffer.commit")]

    def on_event(self, kind: str, event: dict[str, Any]) -> None:
        """See ``TurnDialect``."""
        item = text_of(event, "item_id")
        if kind == _EVENTS + "delta":
            self._deltas[item] = self._deltas.get(item, "") + text_of(event, "delta")
            self.text.put(item, transcript_words(self._deltas[item]))
        elif kind == _EVENTS + "completed":
            self.text.put(item, transcript_words(text_of(event, "transcript")), final=True)
            self.text.language = _language(event) or self.text.language
            self.done = True
        elif kind in {"error", _EVENTS + "failed"}:
            raise server_error(event)


def _language(event: dict[str, Any]) -> str | None:
    """The first of the languages that some models report."""
    found = event.get("languages")
    first = found[0] if isinstance(found, list) and found else None
    return language_tag(text_of(first, "code")) if isinstance(first, dict) else None
