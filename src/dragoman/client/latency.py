"""How long one had to wait: figures taken from what a client sent and received, and when.

Law of this file: arithmetic over times that are given to it; it reads no clock. Times are
milliseconds on one clock whose zero is the start of microphone pacing, so that a media time of
the source is also the moment at which it could have been heard. With a sender that runs faster
than real time only counts and totals mean anything.

How it works. Speech that arrives is played when it arrives or, if something is still being said,
right after that: ``start = max(arrival, end of the one before)``. Figures count from the first
detected speech, as a listener would.
"""

from __future__ import annotations

import msgspec

from dragoman.client.events import (
    Audio,
    Event,
    SourceText,
    SpeechStarted,
    SpeechStopped,
    TargetText,
)


class Playback:
    """When speech that arrives in pieces is heard. ``end_ms`` is when the last of it is over."""

    def __init__(self, rate_hz: int = 24_000) -> None:
        self._rate_hz = rate_hz
        self.end_ms = 0.0
        self.longest_gap_ms = 0.0
        self._playing = False

    def place(self, arrival_ms: float, pcm: bytes) -> float:
        """Take a piece; returns the silence in ms between the piece before (or zero) and it."""
        silence_ms = max(0.0, arrival_ms - self.end_ms)
        if self._playing:
            self.longest_gap_ms = max(self.longest_gap_ms, silence_ms)
        self._playing = True
        self.end_ms += silence_ms + len(pcm) * 1000 / (self._rate_hz * 2)
        return silence_ms


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Waiting times in ms after the speaker began; None for what never came.

    ``voice_end_lag_ms``: how long the voice went on after the speaker had ended.
    ``longest_gap_ms``: the longest silence inside the translated speech.
    """

    first_text_ms: float | None = None
    first_translation_ms: float | None = None
    first_voice_ms: float | None = None
    longest_gap_ms: float | None = None
    voice_end_lag_ms: float | None = None
    voice_ms: float = 0.0


class Latency:
    """Collects one session; ``note`` each typed event with its time of arrival."""

    def __init__(self) -> None:
        self.playback = Playback()
        self._speech_start_ms: float | None = None
        self._speech_end_ms: float | None = None
        self._first: dict[str, float] = {}
        self._voice_ms = 0.0

    def note(self, at_ms: float, event: Event) -> float:
        """Take an event in; for ``Audio`` returns the silence before it, see ``Playback``."""
        match event:
            case SpeechStarted(audio_start_ms=start):
                if self._speech_start_ms is None:
                    self._speech_start_ms = float(start)
            case SpeechStopped(audio_end_ms=end):
                self._speech_end_ms = float(end)
            case SourceText() if event.text or event.stash:
                self._first.setdefault("text", at_ms)
            case TargetText() if event.text or event.stash:
                self._first.setdefault("translation", at_ms)
            case Audio(pcm=pcm) if pcm:
                self._first.setdefault("voice", at_ms)
                end_ms = self.playback.end_ms
                silence_ms = self.playback.place(at_ms, pcm)
                self._voice_ms += self.playback.end_ms - end_ms - silence_ms
                return silence_ms
        return 0.0

    def summary(self, source_ms: float) -> Summary:
        """The figures, for a source of this length (used where no end of speech was seen)."""
        start = self._speech_start_ms or 0.0
        end = source_ms if self._speech_end_ms is None else min(self._speech_end_ms, source_ms)
        spoke = "voice" in self._first

        def since(name: str) -> float | None:
            at = self._first.get(name)
            return None if at is None else at - start

        return Summary(
            first_text_ms=since("text"),
            first_translation_ms=since("translation"),
            first_voice_ms=since("voice"),
            longest_gap_ms=self.playback.longest_gap_ms if spoke else None,
            voice_end_lag_ms=self.playback.end_ms - end if spoke else None,
            voice_ms=self._voice_ms,
        )
