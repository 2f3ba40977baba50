"""First stage of the cascade: audio to turns of committed words.

Law of this file: the only place that opens and closes turns. Audio is taken in order, frame by
frame; a mark of the endpointer is acted on before the next frame is looked at, so a turn's
words come from exactly its audio, however fast or slow the client sends. While the speaker
pauses nothing is decoded: what was heard is committed at the soft pause.

Media time is counted in received samples. A turn is at most 30 s long: from 25 s on the next
soft pause ends it, at 30 s the quietest recent moment.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

import numpy as np

from dragoman.audio.resample import Resampler
from dragoman.engines.base import Detection, Detector, Samples
from dragoman.policy.calm import Calm
from dragoman.policy.endpoint import Endpointer, Mark, Moment
from dragoman.runtime.driver import Emit
from dragoman.runtime.hearing import Hearing
from dragoman.runtime.hosts import EngineFailed
from dragoman.runtime.inbox import Inbox
from dragoman.runtime.stack import Stack
from dragoman.runtime.texts import Texts, stash_behind
from dragoman.speech import (
    HEARING_RATE_HZ,
    Audio,
    Clear,
    EndTurn,
    Heard,
    Image,
    Interpret,
    SpeechStarted,
    SpeechStopped,
    joined_text,
)

LOG = logging.getLogger("dragoman.session")

_PER_MS = HEARING_RATE_HZ // 1000
_FULL_SCALE = np.float32(1 / 32768)
TURN_MS = 30_000
TURN_SOFT_MS = 25_000
KEPT_PAUSE_MS = 1_500
"""A pause inside a turn up to this long stays part of the audio; of a longer one, the end."""
_LEAD_IN = (Mark.ONSET, Mark.RESUME)
_FAILURES_IN_A_ROW = 3
_KNOWN_WORDS = 4
_PIECE_MS = 1_000
"""Audio that has piled up is worked on in pieces of at most this."""


Frame = tuple[int, Samples]
"""A piece of audio and the time of the session it begins at."""
Step = Callable[[], Awaitable[Samples | bool | None]]


class Turn:
    """One open turn: its settings as they were when it opened, and what is heard in it."""

    def __init__(self, number: int, settings: Interpret, hearing: Hearing, begin_ms: int) -> None:
        self.number = number
        self.settings = settings
        self.hearing = hearing
        self.begin_ms = begin_ms
        self.failed = False
        self.calm = Calm()
        self.shown = ("", "")


class Listening:
    """See the head of this file."""

    def __init__(self, task: Interpret, stack: Stack, emit: Emit, texts: Texts) -> None:
        self._settings = task
        self._stack = stack
        self._emit = emit
        self._texts = texts
        detector = stack.detector_engine
        self._frame = detector.frame_samples
        self._frame_ms = self._frame // _PER_MS
        self._endpointer = Endpointer(task.endpointing, self._frame_ms)
        self._detector: Detector = detector
        self._detector_host = stack.detector
        self._detection: Detection | None = None
        self._resampler = Resampler(task.rate_in, HEARING_RATE_HZ)
        self._rest: Samples = np.zeros(0, np.float32)  # less than a frame
        self._recent: deque[Frame] = deque()  # before an onset, or inside a pause
        self._turn: Turn | None = None
        self._turns = 0
        self._ended_ms = 0
        self._paused_ms = 0
        self._now_ms = 0
        self._unclocked = 0  # samples that passed beside the frames: less than a millisecond
        self._failures = 0
        self._trusted = False  # whether this session's speaker was understood before

    async def run(self, inbox: Inbox) -> None:
        """Until the input ends; then the open turn is closed. Raises ``EngineFailed`` when the
        recogniser keeps failing.
        """
        try:
            while (item := await inbox.get()) is not None:
                match item:
                    case Audio(pcm=pcm):
                        await self._audio(self._gather(pcm, inbox))
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
            if self._turn is not None:
                self._turn.hearing.abandon()

    # ------------------------------------------------------------ inputs
    def _gather(self, pcm: bytes, inbox: Inbox) -> bytes:
        """Join audio that has piled up, so that a backlog costs fewer hops between threads."""
        limit = self._settings.rate_in * 2 * _PIECE_MS // 1000
        parts, size = [pcm], len(pcm)
        while size < limit and isinstance(waiting := inbox.peek(), Audio):
            inbox.get_now()
            parts.append(waiting.pcm)
            size += len(waiting.pcm)
        return b"".join(parts) if len(parts) > 1 else pcm

    def _configure(self, settings: Interpret) -> None:
        if settings.rate_in != self._settings.rate_in:
            self._resampler = Resampler(settings.rate_in, HEARING_RATE_HZ)
        self._settings = settings
        if self._turn is None:
            self._endpointer.configure(settings.endpointing)

    async def _audio(self, pcm: bytes) -> None:
        speech: list[Frame] = []
        for frame, probability in await self._detector_host.run(self._detect, pcm):
            if self._turn is None and self._settings.endpointing is None:
                await self._open(self._now_ms)
            at_ms = self._now_ms
            self._now_ms += self._frame_ms
            moment = self._endpointer.feed(probability)
            if self._collects() and (moment is None or moment.mark not in _LEAD_IN):
                speech.append((at_ms, frame))
            else:
                self._keep(at_ms, frame)
            if moment is not None or self._is_full():
                await self._feed(speech)
                speech = []
                await (self._split() if moment is None else self._act(moment))
        await self._feed(speech)

    def _detect(self, pcm: bytes) -> list[tuple[Samples, float]]:
        """The frames that are complete now, each with its probability of speech.

        Runs where the detector runs, one call at a time: resampling is not the loop's work.
        """
        if self._detection is None:
            self._detection = self._detector.start()
        whole = np.frombuffer(self._resampler.feed(pcm), "<i2")
        heard = np.multiply(whole, _FULL_SCALE, dtype=np.float32)
        audio = np.concatenate((self._rest, heard)) if len(self._rest) else heard
        size = self._frame
        end = len(audio) - len(audio) % size
        self._rest = audio[end:]
        frames = [audio[at : at + size] for at in range(0, end, size)]
        return [(frame, self._detection.feed(frame)) for frame in frames]

    def _collects(self) -> bool:
        """Whether frames go to the turn at once (else they are only kept)."""
        return self._turn is not None and self._endpointer.speaking

    def _keep(self, at_ms: int, frame: Samples) -> None:
        """Remember the last frames: the run-up of an onset, or the end of a pause."""
        self._recent.append((at_ms, frame))
        room_ms = KEPT_PAUSE_MS
        if self._turn is None and self._settings.endpointing is not None:
            room_ms = self._settings.endpointing.prefix_ms + 4 * self._frame_ms
        while len(self._recent) * self._frame_ms > room_ms:
            self._recent.popleft()

    # ------------------------------------------------------------ marks
    async def _act(self, moment: Moment) -> None:
        match moment.mark:
            case Mark.ONSET if self._turn is None:
                await self._open(max(moment.at_ms, self._ended_ms))
            case Mark.ONSET | Mark.RESUME:
                if self._turn is not None:
                    self._turn.hearing.resume(moment.at_ms - self._paused_ms)
                await self._release()
            case Mark.PAUSE:
                await self._pause(moment.at_ms)
            case Mark.OFFSET:
                await self._close(moment.at_ms)

    async def _open(self, at_ms: int, rest: Samples | None = None) -> None:
        settings = self._settings
        self._turns += 1
        hearing = await self._stack.hear(settings, trusted=self._trusted)
        self._turn = Turn(self._turns, settings, hearing, at_ms)
        await self._texts.open(self._turns, settings)
        await self._emit(SpeechStarted(self._turns, at_ms, self._now_ms))
        if rest is None:
            await self._release()
        else:
            await self._feed([(at_ms, rest)])

    async def _release(self) -> None:
        """Give the turn the kept frames, as far as they lie in its own time."""
        if self._turn is not None:
            begin_ms = self._turn.begin_ms
            frames = [frame for frame in self._recent if frame[0] >= begin_ms - self._frame_ms]
            self._recent.clear()
            await self._feed(frames)

    async def _pause(self, at_ms: int) -> None:
        turn = self._turn
        if turn is None:
            return
        self._paused_ms = at_ms
        if turn.settings.endpointing is not None and self._length_ms(turn) >= TURN_SOFT_MS:
            self._endpointer.reset()
            await self._close(at_ms)
            return
        await self._guarded(turn, turn.hearing.pause)
        await self._tell(turn, paused=True)

    async def _split(self) -> None:
        """Speech without a pause has filled the turn; it goes on in the next one."""
        turn = self._turn
        if turn is None:
            return
        rest = await self._guarded(turn, turn.hearing.split)
        samples = rest if isinstance(rest, np.ndarray) else np.zeros(0, np.float32)
        at_ms = self._now_ms - len(samples) // _PER_MS
        await self._conclude(turn, at_ms)
        self._endpointer.reopen(self._now_ms)
        await self._open(at_ms, samples)

    async def _close(self, at_ms: int) -> None:
        turn = self._turn
        if turn is not None:
            await self._guarded(turn, turn.hearing.finish)
            await self._conclude(turn, at_ms)

    async def _end_turn(self, *, manual: bool = False) -> None:
        """The turn ends with the audio that is here. A manual commit always makes a turn, so
        that the client gets its answer even for silence.
        """
        if self._turn is None and manual:
            await self._open(self._now_ms)
        if self._turn is not None:
            await self._feed([(self._now_ms, self._rest)] if self._collects() else [])
            self._endpointer.reset()
            await self._close(self._now_ms + len(self._rest) // _PER_MS)
        self._forget()

    async def _clear(self) -> None:
        turn = self._turn
        if turn is not None:
            turn.hearing.abandon()
            self._endpointer.reset()
            await self._conclude(turn, self._now_ms)
        self._forget()

    def _forget(self) -> None:
        """What was kept is over. The piece of a frame that is left has passed as well: without
        it the clock would fall behind the session's, a little with every commit.
        """
        self._recent.clear()
        passed_ms, self._unclocked = divmod(self._unclocked + len(self._rest), _PER_MS)
        self._now_ms += passed_ms
        self._endpointer.skip(passed_ms)
        self._rest = self._rest[:0]

    # ------------------------------------------------------------ the open turn
    async def _feed(self, frames: Iterable[Frame]) -> None:
        """Give the turn audio without gaps."""
        turn, pieces = self._turn, list(frames)
        if turn is None or not pieces:
            return
        at_ms = pieces[0][0]
        samples = np.concatenate([piece for _, piece in pieces])
        if await self._guarded(turn, lambda: turn.hearing.feed(samples, at_ms)):
            await self._tell(turn)

    async def _tell(self, turn: Turn, *, paused: bool = False) -> None:
        """Publish what is new, first to the client, then to the next stage."""
        agreement = turn.hearing.agreement
        words, tail = agreement.committed, agreement.tail
        text = joined_text(words)
        stash = turn.calm.show(text, stash_behind(text, tail), self._stack.now_s())
        if (text, stash) != turn.shown:
            turn.shown = (text, stash)
            await self._emit(Heard(turn.number, text, stash, language=turn.hearing.language))
        self._texts.put(turn.number, words, tail, turn.hearing.language, paused=paused)

    async def _conclude(self, turn: Turn, at_ms: int) -> None:
        self._turn = None
        self._endpointer.configure(self._settings.endpointing)
        self._recent.clear()
        self._ended_ms = max(at_ms, turn.begin_ms)
        self._failures = self._failures if turn.failed else 0
        self._stack.noted("words_refused" if turn.hearing.agreement.refused else "turn_heard")
        await self._emit(SpeechStopped(turn.number, self._ended_ms))
        words = turn.hearing.agreement.committed
        self._trusted = self._trusted or len(words) >= _KNOWN_WORDS
        language = turn.hearing.language
        if not turn.failed:  # else there is no whole text: the turn's end says that it failed
            text = joined_text(words)
            await self._emit(Heard(turn.number, text, "", final=True, language=language))
        self._texts.put(turn.number, words, (), language, final=True, failed=turn.failed)

    def _is_full(self) -> bool:
        turn = self._turn
        bounded = turn is not None and turn.settings.endpointing is not None
        return bounded and turn is not None and self._length_ms(turn) >= TURN_MS

    def _length_ms(self, turn: Turn) -> int:
        return self._now_ms - turn.begin_ms

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
