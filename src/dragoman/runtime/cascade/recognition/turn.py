"""One open turn: its settings as they were when it opened, and what the client knows of it.

Scope: the state of a turn, and what is published of it. What is new goes first to the client, then
to the next stage. ``turns`` opens, cuts and closes turns.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from dragoman.policy.recognition.source_language import SourceLanguage
from dragoman.policy.translation.flicker import FlickerFilter
from dragoman.runtime.cascade.diarizer import Diarizer
from dragoman.runtime.cascade.recognition.decoder import TurnDecoder
from dragoman.runtime.cascade.word_mailbox import WordMailbox, stash_behind
from dragoman.runtime.driver.driver import Emit
from dragoman.runtime.observer import (
    Observer,
    TurnClosed,
    TurnOpened,
    WordsCommitted,
    WordsRecognised,
    current_turn,
)
from dragoman.speech import Heard, Interpret, SpeechStarted, SpeechStopped, Word, joined_text


class Turn:
    """The state of one turn. ``started`` is sent as soon as it is known who speaks."""

    def __init__(
        self,
        started: SpeechStarted,
        settings: Interpret,
        decoder: TurnDecoder,
        language: SourceLanguage,
        diarizer: Diarizer | None = None,
    ) -> None:
        self.number = started.turn
        self.begin_ms = started.at_ms
        self.started = started
        self.settings = settings
        self.decoder = decoder
        self.language = language
        self.diarizer = diarizer
        self.heard_ms = started.at_ms
        """Where the audio ends that its language was last judged by."""
        self.failed = False
        self.refused = False
        """It failed because more people speak than the engines carry."""
        self.is_announced = False
        self.sent_words = 0
        """How many committed words the client has: they stay this turn's."""
        self.flicker = FlickerFilter()
        self.shown = ("", "")
        self.pause_pending = False
        """A pause that the next stage was not told of, because the language was in doubt."""

    @property
    def is_bounded(self) -> bool:
        """Whether the server ends this turn (else the client does)."""
        return self.settings.endpointing is not None

    @property
    def is_doubtful(self) -> bool:
        """Whether what is said now may be another speaker's."""
        diarizer = self.diarizer
        return diarizer is not None and (diarizer.speaker is None or diarizer.doubt_ms is not None)

    def judge_language(self, words: int, *, final: bool) -> None:
        """Count what the decoder says of the language of its newest hypothesis, of ``words``."""
        decoder = self.decoder
        self.language.add_hypothesis(
            decoder.language,
            words,
            confidence=decoder.language_confidence,
            new_s=max(0, decoder.heard_ms - self.heard_ms) / 1000,
            final=final,
        )
        self.heard_ms = max(self.heard_ms, decoder.heard_ms)

    def has_lasted(self, until_ms: int, seconds: float) -> bool:
        """Whether it is so long already that the server may end it."""
        return self.is_bounded and until_ms - self.begin_ms >= seconds * 1000

    def can_share_decoder(self, settings: Interpret) -> bool:
        """Whether a turn with these settings would get the same recogniser, called the same way."""
        own = self.settings
        same_step = settings.conduct.step_ms == own.conduct.step_ms
        return same_step and settings.source == own.source


class TurnPublisher:
    """Publishes turns: facts to the client, words to the next stage, events to the observer.
    ``arrived_s`` tells how much audio has come in.
    """

    def __init__(
        self,
        emit: Emit,
        words: WordMailbox,
        observer: Observer,
        now_s: Callable[[], float],
        arrived_s: Callable[[], float],
    ) -> None:
        self._emit = emit
        self._mailbox = words
        self._observer = observer
        self._now_s = now_s
        self._arrived_s = arrived_s

    async def open(self, turn: Turn) -> None:
        """A turn begins. Waits while the next stage has too many turns to do."""
        current_turn.set(turn.number)
        await self._mailbox.open(turn.number, turn.settings)
        await self.announce(turn)

    async def announce(self, turn: Turn, *, speaker: int | None = None) -> bool:
        """Send that the turn has begun, once its speaker is known; whether it has been sent.
        ``speaker``: the one to name if none is known.
        """
        if not turn.is_announced:
            known = 0 if turn.diarizer is None else turn.diarizer.speaker
            known = speaker if known is None else known
            if known is None:
                return False
            turn.is_announced = True
            self._observer.on(TurnOpened(turn.number, turn.begin_ms))
            await self._emit(msgspec.structs.replace(turn.started, speaker=known))
        return True

    async def publish(self, turn: Turn, *, paused: bool) -> None:
        """Send the words as they are now, if there is anything new in them."""
        agreement, language = turn.decoder.agreement, turn.language
        words, tail = agreement.committed, agreement.tail
        turn.judge_language(len(words) + len(tail), final=paused)
        if language.settled is not None:
            turn.decoder.fix_language(language.settled)
        self._measure(turn, words)
        text = joined_text(words)
        # The end of the audio cuts the last word short, so half of the time it is another one a
        # moment later. Alone it is shown all the same: a reader must see that something comes.
        stash = turn.flicker.show(text, stash_behind(text, tail[:-1] or tail), self._now_s())
        if (text, stash) != turn.shown:
            turn.shown = (text, stash)
            await self._emit(Heard(turn.number, text, stash, language=language.best))
        if language.is_doubtful:
            turn.pause_pending = turn.pause_pending or paused
        else:
            is_paused = paused or turn.pause_pending
            self._put(turn, words, tail, language.best, turn.decoder.heard_ms, paused=is_paused)
            turn.pause_pending = False

    async def close(self, turn: Turn, at_ms: int, words: list[Word]) -> str | None:
        """Send the end of the turn and its words, which are all; returns their language."""
        await self.announce(turn, speaker=0)
        words_refused = turn.decoder.agreement.refused > 0
        self._observer.on(TurnClosed(turn.number, at_ms, words_refused, turn.refused))
        await self._emit(SpeechStopped(turn.number, at_ms, turn.refused))
        if words:  # those of the last decode, which may be the only one, were not published
            turn.judge_language(len(words), final=True)
        language = turn.language.end()
        if not turn.failed:  # else there is no whole text: the turn's end says that it failed
            self._measure(turn, words)
            text = joined_text(words)
            await self._emit(Heard(turn.number, text, "", final=True, language=language))
        self._put(turn, words, (), language, at_ms, final=True)
        return language

    def end(self) -> None:
        """No more turns."""
        self._mailbox.end()

    def _measure(self, turn: Turn, words: list[Word]) -> None:
        """Count the words that are committed, and tell the lag of the last one if there are more
        now than the client has.
        """
        end_ms = words[-1].end_ms if len(words) > turn.sent_words else None
        turn.sent_words = len(words)
        if end_ms is not None:
            lag_s = max(0.0, self._arrived_s() - end_ms / 1000)
            self._observer.on(WordsCommitted(turn.number, lag_s))

    def _put(
        self,
        turn: Turn,
        words: list[Word],
        tail: tuple[Word, ...],
        language: str | None,
        heard_ms: int,
        *,
        paused: bool = False,
        final: bool = False,
    ) -> None:
        source, target = turn.settings.source or language, turn.settings.target
        self._observer.on(
            WordsRecognised(turn.number, words, tail, source, target, paused=paused, final=final)
        )
        self._mailbox.put(
            turn.number,
            words,
            tail,
            language,
            paused=paused,
            final=final,
            failed=final and turn.failed,
            span_ms=(turn.begin_ms, max(turn.begin_ms, heard_ms)),
        )
