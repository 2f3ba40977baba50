"""Third stage of the cascade: committed target text to speech, as late as need be and no later.

Law of this file: only committed text ever arrives, and it is voiced in the order in which it was
committed, in pieces worth speaking (``policy.speaking.speech_chunks``), each begun as soon as it is
ripe and the one before it is made. Every turn ends here with ``TurnDone``. How fast a piece is
spoken, and whether at all, is ``policy.speaking.catch_up``'s to say; here the times are measured
that it decides by, and what it leaves out is counted. A piece that has begun is spoken to its end.

A piece that cannot be spoken fails its turn, and its text stands. Speech goes on behind it: the
next piece may be fine. After a second engine failure (a refused text is none) the rest of the turn
stays unspoken, so that a broken voice costs a turn two attempts, not one for each piece.
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
from dragoman.runtime.cascade.speech.speech_observer import NoSpeechObserver, SpeechObserver
from dragoman.runtime.cascade.speech.speech_queue import SpeechQueue
from dragoman.runtime.cascade.speech.turn_chunks import CommittedText, EndOfTurn, TurnChunks
from dragoman.runtime.driver.driver import Emit
from dragoman.runtime.engine_set import EngineSet
from dragoman.runtime.hosts.host import EngineFailed, TextRefused
from dragoman.speech import Interpret, Status, TurnDone, Voiced
from dragoman.text import clause_data

LOG = logging.getLogger("dragoman.session")

_MOST_FAILURES = 2
_CUSHION_S = 0.25
"""A piece that waits for more text is begun so long before the listener hears nothing."""
_SILENCE_S = 1.0
"""Who has less to hear would hear a silence if what is next were left out."""


class SpeechStage:
    """See the head of this file. ``listened_s`` tells how much of the source was listened to."""

    def __init__(
        self,
        stack: EngineSet,
        emit: Emit,
        *,
        listened_s: Callable[[], float] = lambda: 0.0,
        watch: SpeechObserver | None = None,
    ) -> None:
        self._stack = stack
        self._emit = emit
        self._listened_s = listened_s
        self._watch = watch or NoSpeechObserver()
        self._line: SpeechQueue[CommittedText | EndOfTurn | None] = SpeechQueue()
        self._turn = TurnChunks()
        self._source = SourceClock()
        self._catch_up = CatchUp()
        self._playback = ListenerBuffer()
        self._pace = SpeechPace()
        self._left_out_s = 0.0  # of the skip that is under way

    # ------------------------------------------------------------ what translating calls
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
            piece = CommittedText(turn, settings, text, self._now_s(), ends=ends, closes=closes)
            await self._line.put(piece, self._seconds(piece))

    async def close(self, turn: int, *, failed: bool) -> None:
        """The turn has no more text."""
        await self._line.put(EndOfTurn(turn, failed))

    async def end(self) -> None:
        """No more turns."""
        await self._line.put(None)

    def backlog_s(self) -> float:
        """How long after now text that is committed now would begin to be heard."""
        return self._playback.queued_s(self._now_s()) + self._line.seconds

    def wants_terse(self, settings: Interpret) -> bool:
        """Whether a translator that can should choose the shortest wording."""
        return settings.speak and is_terse(self.backlog_s(), settings.conduct)

    # ------------------------------------------------------------ the loop
    async def run(self) -> None:
        """Until ``end``."""
        while True:
            try:
                item = await self._line.get(self._nap_s())
            except TimeoutError:
                busy = self._playback.queued_s(self._now_s()) > _CUSHION_S
                await self._speak(self._turn.ripe(self._stack.now_s(), busy=busy))
                continue
            match item:
                case None:
                    self._resume()
                    return
                case EndOfTurn():
                    await self._speak(self._turn.flush())
                    await self._close(item)
                case CommittedText():
                    await self._speak(self._turn.add(item, self._stack.now_s()))

    def _nap_s(self) -> float | None:
        """How long to wait for more text at most."""
        due_s = self._turn.due_s
        if due_s is None:
            return None
        heard_s = self._playback.queued_s(self._now_s()) - _CUSHION_S
        return max(due_s - self._stack.now_s(), heard_s, 0.0)

    async def _speak(self, pieces: list[CommittedText]) -> None:
        for number, piece in enumerate(pieces, 1):
            begins = self._turn.begins(piece)
            if self._turn.failures >= _MOST_FAILURES or not piece.is_speakable:
                continue
            manner = self._manner(piece, begins=begins, newer=len(pieces) - number)
            if manner is None:
                self._leave_out(piece)
            else:
                self._resume()
                await self._voiced(piece, manner)

    # ------------------------------------------------------------ keeping up
    def _manner(self, piece: CommittedText, *, begins: bool, newer: int) -> SpeakingStyle | None:
        now_s = max(self._stack.now_s(), piece.at_s)
        return self._catch_up.style(
            max(self._playback.ends_s, now_s) - piece.at_s,
            piece.settings.conduct,
            begins=begins,
            playing_s=self._playback.longest_s(now_s),
            idle=self._playback.queued_s(now_s) < _SILENCE_S
            and not newer
            and not self._line.seconds,
        )

    def _leave_out(self, piece: CommittedText) -> None:
        seconds = self._seconds(piece)
        self._left_out_s += seconds
        self._watch.skipped(seconds)

    def _resume(self) -> None:
        """Speech goes on, or is over; if something was left out, the operator is told once."""
        if self._left_out_s:
            LOG.info("%.1f s of speech skipped to keep up", self._left_out_s)
            self._left_out_s = 0.0

    def _now_s(self) -> float:
        return self._source.at_s(self._stack.now_s(), self._listened_s())

    def _seconds(self, piece: CommittedText) -> float:
        language, voice = piece.settings.target, piece.settings.voice
        spaced = clause_data.is_spaced(language)
        return self._pace.expected_s(piece.text, language, voice, spaced=spaced)

    # ------------------------------------------------------------ sound
    async def _voiced(self, piece: CommittedText, manner: SpeakingStyle) -> None:
        try:
            length_s = await self._made(piece, manner)
        except EngineFailed as failure:
            if not self._turn.failed:
                LOG.warning("turn %d is not spoken to its end: %s", piece.turn, failure)
            self._turn.failed = True
            self._turn.failures += not isinstance(failure, TextRefused)
        else:
            self._pace.measure(piece.text, length_s * manner.rate)

    async def _made(self, piece: CommittedText, manner: SpeakingStyle) -> float:
        """Speak the piece; how many seconds it has. Raises ``EngineFailed``."""
        settings, turn = piece.settings, self._turn
        turn.rate_hz = settings.rate_out
        utterance = Utterance(
            text=piece.text.strip(),
            voice=settings.voice,
            language=settings.target,
            rate=manner.rate,
            pause=manner.pause,
        )
        host = self._stack.voice(settings.target)
        slack_s = self._playback.queued_s(self._now_s())
        length_s = 0.0
        async with aclosing(host.speak(utterance, settings.rate_out, slack_s=slack_s)) as sounds:
            async for pcm in sounds:
                now_s = max(self._stack.now_s(), piece.at_s)
                if not length_s:
                    lag_s = self._playback.begin(now_s) - piece.at_s
                    self._watch.spoke(lag_s, manner.rate, piece.at_s)
                seconds = len(pcm) / SAMPLE_BYTES / settings.rate_out
                self._playback.add(seconds, now_s)
                length_s += seconds
                turn.size += len(pcm)
                await self._emit(Voiced(pcm, piece.turn))
        return length_s

    async def _close(self, end: EndOfTurn) -> None:
        turn, self._turn = self._turn, TurnChunks()
        audio_ms = turn.size * 1000 // SAMPLE_BYTES // turn.rate_hz
        status: Status = "failed" if end.failed or turn.failed else "completed"
        await self._emit(TurnDone(end.turn, audio_ms, status))
