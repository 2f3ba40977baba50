"""Latency of an interpretation, from the client's events and their arrival times.

Scope: arithmetic; no clock. Times are ms since the start of sending at real-time pace, so a media
time of the source is also the time at which it was spoken. If the source was sent faster, only
counts and totals mean anything.

A piece of speech is played when it arrives or after the piece before it:
``start = max(arrival, end of the one before)``. Latencies count from the first detected speech.
"""

from __future__ import annotations

import msgspec

from dragoman.client.events import (
    Event,
    SourceSpeechStarted,
    SourceSpeechStopped,
    SourceText,
    SpeechAudio,
    TranslatedText,
)


class Playback:
    """Simulates playback of speech that arrives in pieces. ``end_ms`` is the end of the last."""

    def __init__(self, rate_hz: int = 24_000) -> None:
        self._rate_hz = rate_hz
        self.end_ms = 0.0
        self.longest_gap_ms = 0.0
        self._playing = False

    def place(self, arrival_ms: float, pcm: bytes) -> float:
        """Add a piece; returns the silence before it in ms."""
        silence_ms = max(0.0, arrival_ms - self.end_ms)
        if self._playing:
            self.longest_gap_ms = max(self.longest_gap_ms, silence_ms)
        self._playing = True
        self.end_ms += silence_ms + len(pcm) * 1000 / (self._rate_hz * 2)
        return silence_ms


class LatencySummary(msgspec.Struct, frozen=True, kw_only=True):
    """Latencies in ms after the speaker began; None for what never came.

    ``voice_end_lag_ms``: how much later than the speaker the translated speech ended.
    ``longest_gap_ms``: the longest silence inside the translated speech.
    """

    first_text_ms: float | None = None
    first_translation_ms: float | None = None
    first_voice_ms: float | None = None
    longest_gap_ms: float | None = None
    voice_end_lag_ms: float | None = None
    voice_ms: float = 0.0


class Latency:
    """The latencies of one session; ``note`` each event with its arrival time."""

    def __init__(self) -> None:
        self.playback = Playback()
        self._speech_start_ms: float | None = None
        self._speech_end_ms: float | None = None
        self._first: dict[str, float] = {}
        self._voice_ms = 0.0

    def note(self, at_ms: float, event: Event) -> float:
        """Add an event; for ``SpeechAudio`` returns the silence before it in ms."""
        match event:
            case SourceSpeechStarted(audio_start_ms=start):
                if self._speech_start_ms is None:
                    self._speech_start_ms = float(start)
            case SourceSpeechStopped(audio_end_ms=end):
                self._speech_end_ms = float(end)
            case SourceText() if event.text or event.stash:
                self._first.setdefault("text", at_ms)
            case TranslatedText() if event.text or event.stash:
                self._first.setdefault("translation", at_ms)
            case SpeechAudio(data=pcm) if pcm:
                self._first.setdefault("voice", at_ms)
                end_ms = self.playback.end_ms
                silence_ms = self.playback.place(at_ms, pcm)
                self._voice_ms += self.playback.end_ms - end_ms - silence_ms
                return silence_ms
        return 0.0

    def summary(self, source_ms: float) -> LatencySummary:
        """The latencies; without a detected end of speech it is the end of the source."""
        start = self._speech_start_ms or 0.0
        end = source_ms if self._speech_end_ms is None else min(self._speech_end_ms, source_ms)
        has_audio = "voice" in self._first

        def since(name: str) -> float | None:
            at = self._first.get(name)
            return None if at is None else at - start

        return LatencySummary(
            first_text_ms=since("text"),
            first_translation_ms=since("translation"),
            first_voice_ms=since("voice"),
            longest_gap_ms=self.playback.longest_gap_ms if has_audio else None,
            voice_end_lag_ms=self.playback.end_ms - end if has_audio else None,
            voice_ms=self._voice_ms,
        )
