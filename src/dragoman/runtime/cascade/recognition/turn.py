"""One open turn: its settings as they were when it opened, and what is heard in it.

Law of this file: a turn's own state and what it publishes; opening, closing and cutting turns is
listening's. What is new goes first to the client, then to the next stage.
"""

from __future__ import annotations

import msgspec

from dragoman.policy.recognition.source_language import SourceLanguage
from dragoman.policy.translation.flicker import FlickerFilter
from dragoman.runtime.cascade.diarizer import Diarizer
from dragoman.runtime.cascade.recognition.decoder import TurnDecoder
from dragoman.runtime.cascade.word_mailbox import WordMailbox, stash_behind
from dragoman.runtime.driver.driver import Emit
from dragoman.speech import Heard, Interpret, SpeechStarted, Word, joined_text


class Turn:
    """See the head of this file. ``started`` is told as soon as it is known who speaks."""

    def __init__(
        self,
        started: SpeechStarted,
        settings: Interpret,
        hearing: TurnDecoder,
        language: SourceLanguage,
        voices: Diarizer | None = None,
    ) -> None:
        self.number = started.turn
        self.begin_ms = started.at_ms
        self.settings = settings
        self.hearing = hearing
        self.language = language
        self.voices = voices
        self.failed = False
        self.told = 0
        """How many of its words are committed before the client: they stay this turn's."""
        self.is_announced = False
        self._started = started
        self._calm = FlickerFilter()
        self._shown = ("", "")
        self._held = False  # words wait until it is known which language they are

    def hears_as(self, settings: Interpret) -> bool:
        """Whether with these the same recogniser would be chosen and called in the same way."""
        own = self.settings
        same_step = settings.conduct.step_ms == own.conduct.step_ms
        return same_step and settings.source == own.source

    @property
    def is_doubtful(self) -> bool:
        """Whether what is said now may be another speaker's."""
        voices = self.voices
        return voices is not None and (voices.speaker is None or voices.doubt_ms is not None)

    async def announce(self, emit: Emit, *, at_last: bool = False) -> bool:
        """Tell that the turn has begun, once that may be told; whether it has been.
        ``at_last``: it may, whoever it is.
        """
        if not self.is_announced:
            speaker = 0 if self.voices is None else self.voices.speaker
            if speaker is None and not at_last:
                return False
            self.is_announced = True
            await emit(msgspec.structs.replace(self._started, speaker=speaker or 0))
        return True

    @property
    def is_bounded(self) -> bool:
        """Whether it is the server that ends this turn."""
        return self.settings.endpointing is not None

    async def tell(self, emit: Emit, texts: WordMailbox, now_s: float, *, paused: bool) -> None:
        """Publish what is new."""
        agreement = self.hearing.agreement
        words, tail = agreement.committed, agreement.tail
        self.language.add_hypothesis(self.hearing.language, len(words) + len(tail), final=paused)
        if self.language.settled is not None:
            self.hearing.settle(self.language.settled)
        language = self.language.best
        self.told = len(words)
        text = joined_text(words)
        # The end of the audio cuts the last word short, so half of the time it is another one a
        # moment later; alone it is shown all the same, since what waits must be seen to wait.
        stash = self._calm.show(text, stash_behind(text, tail[:-1] or tail), now_s)
        if (text, stash) != self._shown:
            self._shown = (text, stash)
            await emit(Heard(self.number, text, stash, language=language))
        if self.language.is_doubtful:
            self._held = self._held or paused
        else:
            texts.put(self.number, words, tail, language, paused=paused or self._held)
            self._held = False

    async def tell_end(self, words: list[Word], emit: Emit, texts: WordMailbox) -> str | None:
        """Publish its words, which are all; returns the language they are in."""
        language = self.language.end()
        if not self.failed:  # else there is no whole text: the turn's end says that it failed
            await emit(Heard(self.number, joined_text(words), "", final=True, language=language))
        texts.put(self.number, words, (), language, final=True, failed=self.failed)
        return language
