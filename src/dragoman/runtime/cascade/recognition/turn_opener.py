"""What a new turn begins with: its number, its settings, a decoder, and what is known so far.

Scope: what turns of one session hand on to each other. A turn has the settings that held when it
was found. ``SpeechStarted.found_ms`` tells the session which: more than what had come in when those
settings did.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dragoman.policy.recognition.source_language import SourceLanguage
from dragoman.runtime.capacity import Speaker
from dragoman.runtime.cascade.diarizer import Diarizer
from dragoman.runtime.cascade.recognition.decoder import TurnDecoder
from dragoman.runtime.cascade.recognition.open_decoder import open_decoder
from dragoman.runtime.cascade.recognition.turn import Turn
from dragoman.runtime.engine_set import EngineSet
from dragoman.speech import Interpret, SpeechStarted, Word

_KNOWN_WORDS = 4
"""A speaker of whom so many words were recognised in one turn is understood."""


class TurnOpener:
    """Makes the turns of one session. ``onscreen`` gives the names and terms that are shown now."""

    def __init__(
        self,
        settings: Interpret,
        engines: EngineSet,
        onscreen: Callable[[], tuple[str, ...]],
        speaker: Speaker,
    ) -> None:
        self.speaker = speaker
        """Who speaks, as the capacity sees it."""
        self.settings = settings
        """What the next turn will have."""
        self._settings_ms = -1  # how much audio had come in when the settings did
        self._engines = engines
        self._onscreen = onscreen
        self._count = 0
        self._speaker_is_understood = False
        self._failed: set[str] = set()  # recognisers that failed in the last turn
        self._usual_language = engines.only_source
        self._diarizer: Diarizer | None = None

    def configure(self, settings: Interpret, received_ms: int) -> None:
        """New settings, which came behind so much audio."""
        self.settings, self._settings_ms = settings, received_ms

    def diarizer(self) -> Diarizer | None:
        """What tells the speakers apart, where the client asks for it and an engine can."""
        if not self.settings.by_speaker or (encoder := self._engines.speaker_encoder) is None:
            return None
        if self._diarizer is None:
            self._diarizer = Diarizer(encoder)
        return self._diarizer

    def decoder(self) -> TurnDecoder:
        """A new decoder, elsewhere than where the last turn failed. Raises ``EngineFailed``."""
        avoid, self._failed = self._failed, set()
        return open_decoder(
            self._engines,
            self.settings,
            self.speaker,
            trusted=self._speaker_is_understood,
            onscreen=self._onscreen,
            avoid=avoid,
            failed=self._failed,
            usual=self._usual_language,
        )

    def turn(self, decoder: TurnDecoder, at_ms: int, now_ms: int) -> Turn:
        """A turn whose audio begins at ``at_ms``; ``now_ms`` is how much was listened to."""
        self._count += 1
        found_ms = max(now_ms, self._settings_ms + 1)
        started = SpeechStarted(self._count, at_ms, found_ms)
        language = SourceLanguage(self.settings.source, self._usual_language)
        return Turn(started, self.settings, decoder, language, self.diarizer())

    def turn_closed(self, words: Sequence[Word], language: str | None) -> None:
        """A turn had these words, in this language."""
        if words:
            self._usual_language = language
        if len(words) >= _KNOWN_WORDS:
            self._speaker_is_understood = True

    def abandon(self) -> None:
        """The session is over."""
        if self._diarizer is not None:
            self._diarizer.abandon()
