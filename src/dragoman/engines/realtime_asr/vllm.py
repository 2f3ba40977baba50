"""The dialect of vLLM's ``/v1/realtime`` (Voxtral Realtime and other streaming models).

Scope: one turn. The first commit starts the generation, which takes audio as it comes; a commit
with ``final`` ends it. Audio is PCM at 16 kHz. Deltas are what the model generated, appended and
never taken back, so all words but the last are stable.

Source: ``vllm/entrypoints/openai/realtime/connection.py``. It has no settings for language or
terms.
"""

from __future__ import annotations

from typing import Any

from dragoman.engines.realtime_asr.shape import TurnDialect, as_json, server_error, text_of
from dragoman.engines.shared.transcript_words import transcript_words
from dragoman.engines.shared.websocket_link import Frame
from dragoman.speech import Hypothesis


class VllmTurn(TurnDialect):
    """One turn for vLLM."""

    path = "/v1/realtime"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._so_far, self._certain = "", 0

    def opening(self) -> list[Frame]:
        """The model, and the start."""
        return [
            as_json(type="session.update", model=self.server.model),
            as_json(type="input_audio_buffer.commit", final=False),
        ]

    def ending(self) -> list[Frame]:
        """No more audio."""
        return [as_json(type="input_audio_buffer.commit", final=True)]

    def on_event(self, kind: str, event: dict[str, Any]) -> None:
        """See ``TurnDialect``."""
        if kind == "transcription.delta":
            self._so_far += text_of(event, "delta")
            words = transcript_words(self._so_far)
            self.text.put("turn", words)
            self._certain = max(0, len(words) - 1)
        elif kind == "transcription.done":
            self.text.put("turn", transcript_words(text_of(event, "text")), final=True)
            self.done = True
        elif kind == "error":
            raise server_error(event)

    @property
    def hypothesis(self) -> Hypothesis:
        """See ``TurnDialect``."""
        return self.text.hypothesis(certain=self._certain)
