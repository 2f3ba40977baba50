"""First stage of the cascade: audio to turns of committed words.

Law of this file: the only place that opens and closes turns. Audio is taken in order, frame by
frame; a mark of the endpointer is acted on before the next frame is looked at, so a turn's
words come from exactly its audio, however fast or slow the client sends. While the speaker
pauses nothing is decoded: what was heard is committed at the soft pause.

Media time is counted in received samples. Somebody who talks on and on is cut into turns of
bearable length: behind a sentence that ends ``InterpretationOptions.turn_s`` after the turn's begin
(a closing mark and another committed word, or a pause of sentence length), at the next soft pause
after ``turn_most_s``, at 30 s at the quietest recent moment. A cut behind a sentence is one between
committed words: the window of audio goes on, so nothing is decoded twice or lost.

A turn has the settings that held when it was found. ``found_ms`` tells the session which: more
than what had come in when those settings did.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

import numpy as np

from dragoman.engines.base import Samples
from dragoman.policy.diarization.change_detection import SpeakerChange
from dragoman.policy.pauses import SENTENCE_PAUSE_MS
from dragoman.policy.recognition.endpointing import (
    Endpointer,
    EndpointEvent,
    EndpointKind,
)
from dragoman.policy.recognition.source_language import SourceLanguage
from dragoman.runtime.cascade.diarizer import Diarizer
from dragoman.runtime.cascade.recognition.decoder import TurnDecoder
from dragoman.runtime.cascade.recognition.input_batching import (
    batch_audio,
    take_result,
    wait_decode_or_input,
)
from dragoman.runtime.cascade.recognition.turn import Turn
from dragoman.runtime.cascade.vad_frames import RecentFrames, VadFrame, VadFramer
from dragoman.runtime.cascade.word_mailbox import WordMailbox
from dragoman.runtime.driver.driver import Emit
from dragoman.runtime.driver.inbox import Inbox
from dragoman.runtime.engine_set import EngineSet
from dragoman.runtime.hosts.host import EngineFailed
from dragoman.speech import (
    HEARING_RATE_HZ,
    Audio,
    Clear,
    EndTurn,
    Image,
    Interpret,
    SpeechStarted,
    SpeechStopped,
    Word,
)

LOG = logging.getLogger("dragoman.session")

_PER_MS = HEARING_RATE_HZ // 1000
TURN_MS = 30_000
KEPT_PAUSE_MS = 1_500
"""A pause inside a turn up to this long stays part of the audio; of a longer one, the end."""
_LEAD_IN = (EndpointKind.ONSET, EndpointKind.RESUME)
_FAILURES_IN_A_ROW = 3
_KNOWN_WORDS = 4

Step = Callable[[], Awaitable[Samples | bool | None]]


class RecognitionStage:
    """See the head of this file."""

    def __init__(self, task: Interpret, stack: EngineSet, emit: Emit, texts: WordMailbox) -> None:
        self._settings = task
        self._stack = stack
        self._emit = emit
        self._texts = texts
        self._framing = VadFramer(stack.detector, stack.detector_engine.frame_samples, task.rate_in)
        self._frame_ms = self._framing.frame_ms
        self._endpointer = Endpointer(task.endpointing, self._frame_ms)
        self._recent = RecentFrames()  # before an onset, or inside a pause
        self._turn: Turn | None = None
        self._turns = 0
        self._ended_ms = 0
        self._paused_ms = 0
        self._now_ms = 0
        self._fed_ms = 0  # where the audio ends that the turn was given
        self._unclocked = 0  # samples that passed beside the frames: less than a millisecond
        self._received = 0  # samples as they came in
        self._settled_ms = -1  # what had been received when the settings came
        self._failures = 0
        self._trusted = False  # whether this session's speaker was understood before
        self._usual: str | None = stack.only_heard  # the language spoken so far
        self._diarizing: Diarizer | None = None

    async def run(self, inbox: Inbox) -> None:
        """Until the input ends; then the open turn is closed. Raises ``EngineFailed`` when the
        recogniser keeps failing.
        """
        try:
            while (item := await self._next(inbox)) is not None:
                match item:
                    case Audio():
                        await self._audio(batch_audio(item, inbox, self._settings.rate_in))
                        self._measure(inbox)
                        if inbox.peek() is not None:
                            await asyncio.sleep(0)  # a backlog must not hold up other sessions
                    case Interpret():
                        self._configure(item)
                    case EndTurn():
                        await self._end_turn(manual=self._settings.endpointing is None)
                    case Clear():
                        await self._clear()
                    case Image(data=data):
                        self._texts.show(data)
            await self._end_turn()
            self._texts.end()
        finally:
            self._framing.abort()
            if self._turn is not None:
                self._turn.hearing.abandon()
            if self._diarizing is not None:
                self._diarizing.abandon()

    # ------------------------------------------------------------ inputs
    async def _next(self, inbox: Inbox) -> object | None:
        """The next input. A decode that comes back before it is published at once."""
        while (turn := self._turn) is not None and (flight := turn.hearing.flight) is not None:
            if not await wait_decode_or_input(flight, inbox):
                break
            await self._publish(turn, self._guarded(turn, partial(take_result, turn.hearing)))
        return await inbox.get()

    def _configure(self, settings: Interpret) -> None:
        self._framing.set_rate(settings.rate_in)
        self._settled_ms = self._received * 1000 // self._settings.rate_in
        self._settings = settings
        if self._turn is None:
            self._endpointer.configure(settings.endpointing)

    async def _audio(self, audio: list[Audio]) -> None:
        self._received += sum(part.size(self._settings.rate_in) for part in audio) // 2
        for samples, probability in await self._framing.feed(audio):
            if self._turn is None and self._settings.endpointing is None:
                await self._open(self._now_ms)
            frame = VadFrame(self._now_ms, samples, probability)
            self._now_ms += self._frame_ms
            moment = self._endpointer.feed(probability)
            if self._collects() and (moment is None or moment.mark not in _LEAD_IN):
                await self._feed((frame,))
            else:
                self._keep(frame)
            if moment is not None:
                await self._act(moment)
            elif self._is_full():
                await (self._end_at_pause() if self._endpointer.silent_ms else self._split())
            elif self._rests():
                await self._end_at_pause()

    def _collects(self) -> bool:
        """Whether frames go to the turn at once (else they are only kept)."""
        return self._turn is not None and self._endpointer.speaking

    def _keep(self, frame: VadFrame) -> None:
        """Remember the last frames: the run-up of an onset, or the end of a pause."""
        room_ms = KEPT_PAUSE_MS
        if self._turn is None and self._settings.endpointing is not None:
            room_ms = self._settings.endpointing.prefix_ms + 4 * self._frame_ms
        self._recent.keep(frame, room_ms)

    def _measure(self, inbox: Inbox) -> None:
        if self._turn is not None:
            waiting = inbox.audio_bytes // 2 * 1000 // self._settings.rate_in
            self._turn.hearing.lag.queued_ms = waiting

    # ------------------------------------------------------------ marks
    async def _act(self, moment: EndpointEvent) -> None:
        match moment.mark:
            case EndpointKind.ONSET if self._turn is None:
                await self._open(max(moment.at_ms, self._ended_ms))
            case EndpointKind.ONSET | EndpointKind.RESUME:
                if self._turn is not None:
                    self._turn.hearing.resume(moment.at_ms - self._paused_ms)
                await self._release()
            case EndpointKind.PAUSE:
                await self._pause(moment.at_ms)
            case EndpointKind.OFFSET:
                await self._close(moment.at_ms)

    async def _open(self, at_ms: int) -> None:
        """A turn, with what was kept of the audio before it was found."""
        settings = self._settings
        hearing = await self._stack.hear(settings, trusted=self._trusted)
        voices = self._voices(settings)
        if voices is not None:
            voices.open(at_ms)
        await self._begin(settings, hearing, at_ms)
        await self._release()

    def _voices(self, settings: Interpret) -> Diarizer | None:
        """Who tells the speakers apart, where that is asked for and can be done."""
        if not settings.by_speaker or (speakers := self._stack.speakers) is None:
            return None
        if self._diarizing is None:
            self._diarizing = Diarizer(speakers)
        return self._diarizing

    async def _begin(self, settings: Interpret, hearing: TurnDecoder, at_ms: int) -> Turn:
        self._turns += 1
        language = SourceLanguage(settings.source, self._usual)
        found_ms = max(self._now_ms, self._settled_ms + 1)
        voices = self._voices(settings)
        started = SpeechStarted(self._turns, at_ms, found_ms)
        hearing.onscreen = self._texts.terms
        turn = self._turn = Turn(started, settings, hearing, language, voices)
        await self._texts.open(turn.number, settings)
        await turn.announce(self._emit)
        return turn

    async def _release(self) -> None:
        """Give the turn the kept frames, as far as they lie in its own time."""
        if self._turn is not None:
            await self._feed(self._recent.take(self._turn.begin_ms - self._frame_ms))

    async def _pause(self, at_ms: int) -> None:
        turn = self._turn
        if turn is None:
            return
        self._paused_ms = at_ms
        most_ms = turn.settings.conduct.turn_most_s * 1000
        if turn.is_bounded and at_ms - turn.begin_ms >= most_ms:
            await self._end_at_pause()
        elif not turn.is_doubtful:
            await self._publish(turn, self._guarded(turn, turn.hearing.pause), paused=True)

    def _rests(self) -> bool:
        """Whether a turn that is long enough has come to a pause that ends a sentence."""
        turn = self._turn
        if turn is None or not turn.is_bounded:
            return False
        is_long = self._paused_ms - turn.begin_ms >= turn.settings.conduct.turn_s * 1000
        return is_long and self._endpointer.silent_ms >= SENTENCE_PAUSE_MS

    async def _end_at_pause(self) -> None:
        self._endpointer.reset()
        await self._close(self._paused_ms)

    def _is_full(self) -> bool:
        turn = self._turn
        return turn is not None and turn.is_bounded and self._now_ms - turn.begin_ms >= TURN_MS

    async def _split(self, change: SpeakerChange | None = None) -> None:
        """The turn ends though speech goes on, because it is full or another one speaks now."""
        before = self._turn
        if before is None:
            return
        since_ms = None if change is None else change.at_ms
        rest = await self._guarded(before, partial(before.hearing.split, since_ms))
        samples = rest if isinstance(rest, np.ndarray) else np.zeros(0, np.float32)
        at_ms = self._fed_ms - len(samples) // _PER_MS
        if change is None and before.voices is not None:
            before.voices.go_on()
        await self._conclude(before, at_ms, before.hearing.agreement.committed)
        hearing = await self._stack.hear(self._settings, trusted=self._trusted)
        hearing.follow(before.hearing, in_sentence=change is None)
        turn = await self._begin(self._settings, hearing, at_ms)
        step = partial(hearing.feed, samples, at_ms)
        await self._publish(turn, self._guarded(turn, step))

    async def _next_sentence(self, turn: Turn) -> Turn | None:
        """If the turn is long enough and a sentence ended, what follows is the next turn."""
        settings = self._settings
        since_ms = turn.begin_ms + int(turn.settings.conduct.turn_s * 1000)
        if not turn.is_bounded or turn.failed or turn.is_doubtful or self._now_ms < since_ms:
            return None
        if settings.endpointing is None or not turn.hears_as(settings):
            return None  # another recogniser is wanted, which could not take the window over
        agreement = turn.hearing.agreement
        count = agreement.sentence_end(since_ms, turn.told)
        if count is None:
            return None
        words = agreement.release(count)
        at_ms = min(words[-1].end_ms or self._now_ms, self._now_ms)
        if turn.voices is not None:
            turn.voices.go_on()
        await self._conclude(turn, at_ms, words)
        turn.hearing.go_on(settings.hints)
        return await self._begin(settings, turn.hearing, at_ms)

    async def _close(self, at_ms: int) -> None:
        turn = self._turn
        if turn is not None and turn.voices is not None:
            change = await turn.voices.close()
            if change is not None:
                await self._split(change)
                turn = self._turn
        if turn is not None:
            await self._guarded(turn, turn.hearing.finish)
            self._recent.clear()
            await self._conclude(turn, at_ms, turn.hearing.agreement.committed)

    async def _end_turn(self, *, manual: bool = False) -> None:
        """The turn ends with the audio that is here. A manual commit always makes a turn, so
        that the client gets its answer even for silence.
        """
        if self._turn is None and manual:
            await self._open(self._now_ms)
        if self._turn is not None:
            rest = self._framing.rest
            if self._collects() and len(rest):
                await self._feed((VadFrame(self._now_ms, rest, 0.0),))
            self._endpointer.reset()
            await self._close(self._now_ms + len(rest) // _PER_MS)
        self._forget()

    async def _clear(self) -> None:
        turn = self._turn
        if turn is not None:
            turn.hearing.abandon()
            self._endpointer.reset()
            await self._conclude(turn, self._now_ms, turn.hearing.agreement.committed)
        self._forget()

    def _forget(self) -> None:
        """What was kept is over. The piece of a frame that is left has passed as well: without
        it the clock would fall behind the session's, a little with every commit.
        """
        self._recent.clear()
        passed_ms, self._unclocked = divmod(self._unclocked + self._framing.forget(), _PER_MS)
        self._now_ms += passed_ms
        self._endpointer.skip(passed_ms)

    # ------------------------------------------------------------ the open turn
    async def _feed(self, frames: Iterable[VadFrame]) -> None:
        """Give the turn audio without gaps."""
        for frame in frames:
            if self._turn is None:
                return
            if self._turn.voices is not None:
                change = await self._turn.voices.hear(*frame)
                if change is not None:
                    await self._split(change)
                self._turn.hearing.held = self._turn.is_doubtful
            turn = self._turn  # perhaps another one
            if turn is not None:
                self._fed_ms = frame.at_ms + len(frame.samples) // _PER_MS
                step = partial(turn.hearing.feed, frame.samples, frame.at_ms, frame.probability)
                await self._publish(turn, self._guarded(turn, step))

    async def _publish(
        self, turn: Turn, step: Awaitable[Samples | bool | None], *, paused: bool = False
    ) -> None:
        """After a step: what is new in the turn, if anything, and whether it ends there."""
        if await step or paused or not turn.is_announced:
            # Cut first: what is told of a turn is committed there, and cannot be the next one's.
            while await turn.announce(self._emit):
                following = await self._next_sentence(turn)
                if following is None:
                    await turn.tell(self._emit, self._texts, self._stack.now_s(), paused=paused)
                    return
                turn, paused = following, paused or not self._endpointer.speaking

    async def _conclude(self, turn: Turn, at_ms: int, words: list[Word]) -> None:
        self._turn = None
        self._endpointer.configure(self._settings.endpointing)
        self._ended_ms = max(at_ms, turn.begin_ms)
        self._failures = self._failures if turn.failed else 0
        await turn.announce(self._emit, at_last=True)
        self._stack.noted("words_refused" if turn.hearing.agreement.refused else "turn_heard")
        await self._emit(SpeechStopped(turn.number, self._ended_ms))
        self._trusted = self._trusted or len(words) >= _KNOWN_WORDS
        language = await turn.tell_end(words, self._emit, self._texts)
        if words:
            self._usual = language

    async def _guarded(self, turn: Turn, step: Step) -> Samples | bool | None:
        """A failed decode fails its turn, not the session; three turns in a row, the session."""
        if turn.failed:
            return None
        try:
            return await step()
        except EngineFailed as failure:
            LOG.warning("turn %d is not recognised to its end: %s", turn.number, failure)
            turn.failed = True
            turn.hearing.abandon()
            self._failures += 1
            if self._failures >= _FAILURES_IN_A_ROW:
                raise
            return None
