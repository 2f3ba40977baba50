"""The turns of a session, one after the other: opened, fed, cut and closed.

Scope: the life of the open turn. What the server ends is cut where it reads well: behind a sentence
that ends ``InterpretationOptions.turn_s`` after the turn's begin (a closing mark and another
committed word, or a pause of sentence length), at the next soft pause after ``turn_most_s``, at
30 s at the quietest recent moment. A cut behind a sentence lies between committed words: the window
of audio goes on, so nothing is decoded twice or lost.

A failed decode fails its turn; failures in three turns in a row end the job. A turn that the
capacity refuses fails, too, and costs nothing; it does not count as a failure of the engine.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import numpy as np

from dragoman.policy.diarization.change_detection import SpeakerChange
from dragoman.policy.pauses import SENTENCE_PAUSE_MS
from dragoman.runtime.cascade.recognition.decoder import TurnDecoder
from dragoman.runtime.cascade.recognition.turn import Turn, TurnPublisher
from dragoman.runtime.cascade.recognition.turn_finder import TurnFinder
from dragoman.runtime.cascade.recognition.turn_opener import TurnOpener
from dragoman.runtime.cascade.vad_frames import VadFrame
from dragoman.runtime.hosts.host import EngineFailed
from dragoman.speech import HEARING_RATE_HZ, Word

LOG = logging.getLogger("dragoman.session")

_PER_MS = HEARING_RATE_HZ // 1000
_LONGEST_S = 30
_FAILURES_IN_A_ROW = 3

T = TypeVar("T")


class TurnSequence:
    """All turns of one session; at most one is open."""

    def __init__(self, finder: TurnFinder, opener: TurnOpener, publisher: TurnPublisher) -> None:
        self.current: Turn | None = None
        """The open turn."""
        self._finder = finder
        self._opener = opener
        self._publisher = publisher
        self._ended_ms = 0
        self._fed_ms = 0  # where the audio ends that was given to turns
        self._failures = 0

    def abandon(self) -> None:
        """The session is over, whatever is open."""
        if self.current is not None:
            self.current.decoder.abandon()
        self._opener.abandon()

    # ------------------------------------------------------------ audio
    async def open(self, at_ms: int) -> None:
        """A turn begins there, with the audio that was kept."""
        at_ms = max(at_ms, self._ended_ms)
        decoder = self._opener.decoder()
        if (diarizer := self._opener.diarizer()) is not None:
            diarizer.open(at_ms)
        await self._begin(decoder, at_ms)
        await self._feed_kept()

    def buffer(self, frame: VadFrame) -> bool:
        """Give the open turn a frame if nothing else has to be done; whether it was given. This is
        the way of most frames, so nothing is awaited.
        """
        turn = self.current
        if turn is None or turn.diarizer is not None or not turn.is_announced:
            return False
        if self._opener.speaker.is_refused and not turn.failed:
            return False
        if not (turn.failed or turn.decoder.buffer(frame.samples, frame.at_ms, frame.probability)):
            return False
        self._fed_ms = frame.at_ms + len(frame.samples) // _PER_MS
        return True

    async def feed(self, frame: VadFrame) -> None:
        """Give the open turn a frame, and publish what it brings."""
        turn = self.current
        if turn is not None and turn.diarizer is not None:
            change = await turn.diarizer.feed(*frame)
            if change is not None:
                await self.cut(change)
            turn = self.current
        if turn is None:
            return
        if self._opener.speaker.is_refused and not turn.failed:
            self._refuse(turn)
        turn.decoder.hold_steps = turn.is_doubtful
        self._fed_ms = frame.at_ms + len(frame.samples) // _PER_MS
        step = partial(turn.decoder.feed, frame.samples, frame.at_ms, frame.probability)
        if await self._attempt(turn, step, failed=False) or not turn.is_announced:
            await self._publish(turn)

    async def take_result(self) -> None:
        """Publish what the decode in flight brought."""
        turn = self.current
        if turn is None:
            return

        async def result() -> bool:
            return turn.decoder.take_result()

        if await self._attempt(turn, result, failed=False) or not turn.is_announced:
            await self._publish(turn)

    # ------------------------------------------------------------ pauses and ends
    async def pause(self, at_ms: int) -> None:
        """The speaker pauses: what is held back is committed, or the turn ends."""
        turn = self.current
        if turn is None:
            return
        if turn.has_lasted(at_ms, turn.settings.conduct.turn_most_s):
            await self._end_at_pause()
        elif not turn.is_doubtful:
            await self._attempt(turn, turn.decoder.pause, failed=False)
            await self._publish(turn, paused=True)

    async def resume(self, at_ms: int) -> None:
        """Speech goes on at this time."""
        if self.current is not None:
            self.current.decoder.resume(at_ms - self._finder.paused_ms)
            await self._feed_kept()

    def is_long(self) -> bool:
        """Whether ``end_long`` may have something to do."""
        turn = self.current
        return turn is not None and turn.has_lasted(
            self._finder.now_ms, turn.settings.conduct.turn_s
        )

    async def end_long(self) -> None:
        """End the open turn if it is so long that it may end here."""
        turn, finder = self.current, self._finder
        if turn is None:
            return
        if turn.has_lasted(finder.now_ms, _LONGEST_S):
            await (self._end_at_pause() if finder.silent_ms else self.cut())
        elif finder.silent_ms >= SENTENCE_PAUSE_MS and turn.has_lasted(
            finder.paused_ms, turn.settings.conduct.turn_s
        ):
            await self._end_at_pause()

    async def _end_at_pause(self) -> None:
        self._finder.end_turn()
        await self.close(self._finder.paused_ms)

    async def close(self, at_ms: int) -> None:
        """The open turn ends here, if one is open."""
        turn = self.current
        if turn is not None and turn.diarizer is not None:
            change = await turn.diarizer.close()
            if change is not None:
                await self.cut(change)
                turn = self.current
        if turn is not None:
            await self._attempt(turn, turn.decoder.finish, failed=None)
            self._finder.forget_kept()
            await self._conclude(turn, at_ms, turn.decoder.agreement.committed)

    async def clear(self) -> None:
        """The open turn ends with what is committed, if one is open."""
        turn = self.current
        if turn is not None:
            turn.decoder.abandon()
            self._finder.end_turn()
            await self._conclude(turn, self._finder.now_ms, turn.decoder.agreement.committed)

    # ------------------------------------------------------------ cuts inside speech
    async def cut(self, change: SpeakerChange | None = None) -> None:
        """The turn ends inside speech, because it is full or another speaker has begun."""
        before = self.current
        if before is None:
            return
        split = partial(before.decoder.split, None if change is None else change.at_ms)
        rest = await self._attempt(before, split, failed=np.zeros(0, np.float32))
        at_ms = self._fed_ms - len(rest) // _PER_MS
        if change is None and before.diarizer is not None:
            before.diarizer.go_on()
        await self._conclude(before, at_ms, before.decoder.agreement.committed)
        decoder = self._opener.decoder()
        decoder.continue_from(before.decoder, in_sentence=change is None)
        turn = await self._begin(decoder, at_ms)
        await self._attempt(turn, partial(decoder.feed, rest, at_ms), failed=False)
        await self._publish(turn)

    async def _cut_behind_sentence(self, turn: Turn) -> Turn | None:
        """If the turn is long enough and a sentence ended: the next turn, which goes on with the
        same decoder.
        """
        settings, now_ms = self._opener.settings, self._finder.now_ms
        turn_s = turn.settings.conduct.turn_s
        if not turn.has_lasted(now_ms, turn_s) or turn.failed or turn.is_doubtful:
            return None
        if settings.endpointing is None or not turn.can_share_decoder(settings):
            return None  # another recogniser is wanted, which could not take the window over
        agreement = turn.decoder.agreement
        count = agreement.sentence_end(turn.begin_ms + int(turn_s * 1000), turn.sent_words)
        if count is None:
            return None
        words = agreement.release(count)
        at_ms = min(words[-1].end_ms or now_ms, now_ms)
        if turn.diarizer is not None:
            turn.diarizer.go_on()
        await self._conclude(turn, at_ms, words)
        turn.decoder.begin_next_turn(settings.hints)
        return await self._begin(turn.decoder, at_ms)

    # ------------------------------------------------------------ inside
    async def _begin(self, decoder: TurnDecoder, at_ms: int) -> Turn:
        turn = self.current = self._opener.turn(decoder, at_ms, self._finder.now_ms)
        if not self._opener.speaker.may_speak():
            self._refuse(turn)
        await self._publisher.open(turn)
        return turn

    def _refuse(self, turn: Turn) -> None:
        """More people speak than the engines carry, and this one came last."""
        LOG.info("turn %d is refused: too many speakers", turn.number)
        turn.failed = turn.refused = True
        turn.decoder.abandon()

    async def _feed_kept(self) -> None:
        """Give the turn the kept frames, as far as they lie in its own time."""
        if self.current is not None:
            for frame in self._finder.take_kept(self.current.begin_ms):
                await self.feed(frame)

    async def _publish(self, turn: Turn, *, paused: bool = False) -> None:
        # Cut first: words that are published stay this turn's and cannot be the next one's.
        while await self._publisher.announce(turn):
            following = await self._cut_behind_sentence(turn)
            if following is None:
                await self._publisher.publish(turn, paused=paused)
                return
            turn, paused = following, paused or not self._finder.speaking

    async def _conclude(self, turn: Turn, at_ms: int, words: list[Word]) -> None:
        self.current = None
        self._finder.configure(self._opener.settings.endpointing)
        self._ended_ms = max(at_ms, turn.begin_ms)
        self._failures = self._failures if turn.failed else 0
        language = await self._publisher.close(turn, self._ended_ms, words)
        self._opener.turn_closed(words, language)

    async def _attempt(self, turn: Turn, decode: Callable[[], Awaitable[T]], *, failed: T) -> T:
        """What the decoder returns; ``failed`` for a turn that has failed."""
        if turn.failed:
            return failed
        try:
            return await decode()
        except EngineFailed as failure:
            values = {"turn": turn.number, "failure": failure}
            LOG.warning("turn %(turn)d is not recognised to its end: %(failure)s", values)
            turn.failed = True
            turn.decoder.abandon()
            self._failures += 1
            if self._failures >= _FAILURES_IN_A_ROW:
                raise
            return failed
