"""Third stage of the cascade: committed target text to speech, in time with the listener.

Scope: only committed text ever arrives, and it is spoken in the order in which it was committed, in
chunks worth speaking (``policy.speaking.speech_chunks``), each begun as soon as it is ripe and the
one before it is made. Every turn ends here with ``TurnDone``. ``policy.speaking.catch_up`` decides
how fast a chunk is spoken and whether it is skipped; here the times are measured that it decides
by. A chunk that has begun is spoken to its end.

A chunk that cannot be spoken fails its turn, and its text stands. Speech goes on behind it: the
next chunk may be fine. After a second engine failure (a refused text is none) the rest of the turn
stays unspoken, so that a broken voice costs a turn two attempts, not one for each chunk.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import aclosing

from dragoman.audio.pcm import SAMPLE_BYTES
from dragoman.engines.base import Utterance
from dragoman.policy.speaking.catch_up import (
    CatchUp,
    ListenerBuffer,
    SourceClock,
    SpeakingStyle,
    SpeechPace,
    is_terse,
)
from dragoman.runtime.cascade.speech.speech_queue import SpeechQueue
from dragoman.runtime.cascade.speech.turn_chunks import CommittedText, EndOfTurn, TurnChunks
from dragoman.runtime.driver.driver import Emit
from dragoman.runtime.engine_set import EngineSet
from dragoman.runtime.hosts.host import EngineFailed, TextRefused
from dragoman.runtime.observer import (
    Observer,
    SpeechPlayed,
    SpeechSkipped,
    TurnEnded,
    current_turn,
)
from dragoman.speech import Interpret, Status, TurnDone, Voiced
from dragoman.text import clause_data

LOG = logging.getLogger("dragoman.session")

_MOST_FAILURES = 2
_AHEAD_S = 0.25
"""A chunk that waits for more text is begun this long before the listener's buffer is empty."""
_IDLE_S = 1.0
"""If less than this is queued for playback, skipping the next chunk leaves an audible gap."""


class SpeechStage:
    """The stage of one session: give ``run`` to one task; translation calls the rest.
    ``listened_s`` tells how much of the source was listened to.
    """

    def __init__(
        self,
        engines: EngineSet,
        emit: Emit,
        observer: Observer,
        now_s: Callable[[], float],
        *,
        listened_s: Callable[[], float],
    ) -> None:
        self._engines = engines
        self._emit = emit
        self._observer = observer
        self._now_s = now_s
        self._listened_s = listened_s
        self._queue: SpeechQueue[CommittedText | EndOfTurn | None] = SpeechQueue()
        self._turn = TurnChunks()
        self._source = SourceClock()
        self._catch_up = CatchUp()
        self._playback = ListenerBuffer()
        self._pace = SpeechPace()
        self._skipped_s = 0.0  # of the skip that is under way

    # ------------------------------------------------------------ what translation calls
    async def say(
        self,
        turn: int,
        settings: Interpret,
        text: str,
        *,
        ends: bool = False,
        closes: bool = False,
    ) -> None:
        """Queue committed text, which brings its own leading space; waits while too much does.
        ``ends``: a clause is complete with it; ``closes``: a sentence is.
        """
        if settings.speak:
            item = CommittedText(turn, settings, text, self._source_s(), ends=ends, closes=closes)
            await self._queue.put(item, self._seconds(item))

    async def close(self, turn: int, *, failed: bool) -> None:
        """The turn has no more text."""
        await self._queue.put(EndOfTurn(turn, failed))

    async def end(self) -> None:
        """No more turns."""
        await self._queue.put(None)

    def backlog_s(self) -> float:
        """How long after now text that is committed now would begin to be heard."""
        return self._playback.queued_s(self._source_s()) + self._queue.seconds

    def wants_terse(self, settings: Interpret) -> bool:
        """Whether a translator that can should choose the shortest wording."""
        return settings.speak and is_terse(self.backlog_s(), settings.conduct)

    # ------------------------------------------------------------ the loop
    async def run(self) -> None:
        """Until ``end``."""
        while True:
            try:
                item = await self._queue.get(self._wait_s())
            except TimeoutError:
                busy = self._playback.queued_s(self._source_s()) > _AHEAD_S
                await self._speak(self._turn.ripe(self._now_s(), busy=busy))
                continue
            match item:
                case None:
                    self._log_skipped()
                    return
                case EndOfTurn():
                    await self._speak(self._turn.flush())
                    await self._close_turn(item)
                case CommittedText():
                    await self._speak(self._turn.add(item, self._now_s()))

    def _wait_s(self) -> float | None:
        """How long to wait for more text at most."""
        due_s = self._turn.due_s
        if due_s is None:
            return None
        playing_s = self._playback.queued_s(self._source_s()) - _AHEAD_S
        return max(due_s - self._now_s(), playing_s, 0.0)

    async def _speak(self, chunks: list[CommittedText]) -> None:
        for number, chunk in enumerate(chunks, 1):
            starts_sentence = self._turn.starts_sentence(chunk)
            if self._turn.failures >= _MOST_FAILURES or not chunk.is_speakable:
                continue
            is_last = number == len(chunks) and not self._queue.seconds
            style = self._style(chunk, starts_sentence=starts_sentence, is_last=is_last)
            if style is None:
                seconds = self._seconds(chunk)
                self._skipped_s += seconds
                self._observer.on(SpeechSkipped(seconds))
            else:
                self._log_skipped()
                await self._speak_chunk(chunk, style)

    # ------------------------------------------------------------ catching up
    def _style(
        self, chunk: CommittedText, *, starts_sentence: bool, is_last: bool
    ) -> SpeakingStyle | None:
        """How to speak the chunk; None to skip it."""
        now_s = max(self._now_s(), chunk.at_s)
        return self._catch_up.style(
            max(self._playback.ends_s, now_s) - chunk.at_s,
            chunk.settings.conduct,
            begins=starts_sentence,
            playing_s=self._playback.longest_s(now_s),
            idle=is_last and self._playback.queued_s(now_s) < _IDLE_S,
        )

    def _log_skipped(self) -> None:
        """Speech goes on, or is over: one line in the log for all that was skipped before."""
        if self._skipped_s:
            LOG.info("%(seconds).1f s of speech skipped to keep up", {"seconds": self._skipped_s})
            self._skipped_s = 0.0

    def _source_s(self) -> float:
        """Now, on the clock of the source: audio that came in faster than real time is ahead."""
        return self._source.at_s(self._now_s(), self._listened_s())

    def _seconds(self, text: CommittedText) -> float:
        language, voice = text.settings.target, text.settings.voice
        spaced = clause_data.is_spaced(language)
        return self._pace.expected_s(text.text, language, voice, spaced=spaced)

    # ------------------------------------------------------------ sound
    async def _speak_chunk(self, chunk: CommittedText, style: SpeakingStyle) -> None:
        try:
            length_s = await self._synthesize(chunk, style)
        except EngineFailed as failure:
            if not self._turn.failed:
                values = {"turn": chunk.turn, "failure": failure}
                LOG.warning("turn %(turn)d is not spoken to its end: %(failure)s", values)
            self._turn.failed = True
            self._turn.failures += not isinstance(failure, TextRefused)
        else:
            self._pace.measure(chunk.text, length_s * style.rate)

    async def _synthesize(self, chunk: CommittedText, style: SpeakingStyle) -> float:
        """Speak the chunk; how many seconds it has. Raises ``EngineFailed``."""
        settings, turn = chunk.settings, self._turn
        turn.rate_hz = settings.rate_out
        current_turn.set(chunk.turn)
        utterance = Utterance(
            text=chunk.text.strip(),
            voice=settings.voice,
            language=settings.target,
            rate=style.rate,
            pause=style.pause,
        )
        host = self._engines.synthesizer(settings.target)
        slack_s = self._playback.queued_s(self._source_s())
        length_s = 0.0
        async with aclosing(host.speak(utterance, settings.rate_out, slack_s=slack_s)) as sounds:
            async for pcm in sounds:
                now_s = max(self._now_s(), chunk.at_s)
                if not length_s:
                    lag_s = self._playback.begin(now_s) - chunk.at_s
                    self._observer.on(SpeechPlayed(lag_s, style.rate, chunk.at_s))
                seconds = len(pcm) / SAMPLE_BYTES / settings.rate_out
                self._playback.add(seconds, now_s)
                length_s += seconds
                turn.audio_bytes += len(pcm)
                await self._emit(Voiced(pcm, chunk.turn))
        return length_s

    async def _close_turn(self, end: EndOfTurn) -> None:
        turn, self._turn = self._turn, TurnChunks()
        audio_ms = turn.audio_bytes * 1000 // SAMPLE_BYTES // turn.rate_hz
        status: Status = "failed" if end.failed or turn.failed else "completed"
        await self._emit(TurnDone(end.turn, audio_ms, status))
        self._observer.on(TurnEnded(end.turn))
