"""The dialect of NVIDIA's ASR NIM (Riva): ``/v1/realtime?intent=transcription``.

Scope: one turn. Audio is PCM at 16 kHz. A delta is the present guess of the running segment and
replaces the one before it; a ``completed`` closes the segment and brings its words with times (ms)
and confidence; the one with ``is_last_result`` is the last. It may repeat the whole text.
``input_audio_buffer.done`` ends the audio. Languages are locales (``en-US``), see ``locales``.

Source: NVIDIA's "Realtime API Reference" and ``riva/client/realtime.py`` of its Python clients.
"""

from __future__ import annotations

from typing import Any

from dragoman.engines.realtime_asr.shape import (
    TurnDialect,
    as_json,
    server_error,
    text_of,
    timed_words,
)
from dragoman.engines.shared.transcript_words import transcript_words
from dragoman.engines.shared.websocket_link import Frame
from dragoman.speech import Word, joined_text

_EVENTS = "conversation.item.input_audio_transcription."
_BOOST = 4.0
"""The default of NVIDIA's own client."""


class NimTurn(TurnDialect):
    """One turn for a NIM."""

    path = "/v1/realtime"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._running = 0

    @property
    def query(self) -> list[tuple[str, str]]:
        """See ``TurnDialect``."""
        return [("intent", "transcription")]

    def opening(self) -> list[Frame]:
        """The settings."""
        transcription = {"model": self.server.model, "language": self.language}
        session: dict[str, Any] = {
            "modalities": ["text"],
            "input_audio_format": "pcm16",
            "input_audio_transcription": {k: v for k, v in transcription.items() if v},
            "input_audio_params": {"sample_rate_hz": self.rate_hz, "num_channels": 1},
            "recognition_config": {
                "max_alternatives": 1,
                "enable_automatic_punctuation": True,
                "enable_word_time_offsets": True,
            },
        }
        if self.terms:
            session["word_boosting"] = {
                "enable_word_boosting": True,
                "word_boosting_list": [{"phrases": self.terms, "boost": _BOOST}],
            }
        return [as_json(type="transcription_session.update", session=session)]

    def ending(self) -> list[Frame]:
        """The commit, and no more audio."""
        return [as_json(type="input_audio_buffer.commit"), as_json(type="input_audio_buffer.done")]

    def on_event(self, kind: str, event: dict[str, Any]) -> None:
        """See ``TurnDialect``."""
        if kind == _EVENTS + "delta":
            self.text.put(self._running, transcript_words(text_of(event, "delta")))
        elif kind == _EVENTS + "completed":
            info = event.get("words_info")
            listed = info.get("words") if isinstance(info, dict) else None
            text, times = text_of(event, "transcript"), ("start_time", "end_time")
            self._complete(timed_words(text, listed, ("word",), *times, per_s=1000))
            self.done = event.get("is_last_result") is True
        elif kind in {"error", _EVENTS + "failed"}:
            raise server_error(event)

    def _complete(self, words: tuple[Word, ...]) -> None:
        earlier = self.text.hypothesis()
        closed = joined_text(earlier.words[: earlier.stable])
        if closed and joined_text(words).startswith(closed):  # the whole text, not the segment
            words = words[earlier.stable :]
        self.text.put(self._running, words, final=True)
        self._running += 1
