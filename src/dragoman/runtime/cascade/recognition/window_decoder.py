"""A stateless window transcriber as a stream.

Law of this file: a window of audio is kept and decoded again each step. It is closed at a pause
or, in speech without pauses, at its quietest moment, so that it stays short: the cost of a decode
grows with the window, and many sessions share few cores.

A step decode runs beside the listening and at most one is in flight; decodes that commit (pause,
cut, end) wait for it and are waited for. So words come out in order by construction. With a fixed
step every decode is waited for, at the same sample whatever the chunks: then the text depends on
the audio alone.

What an engine claims is held against what the detector saw (``policy.recognition.speech_evidence``)
before it is taken, as far as the audio of that decode goes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence

import numpy as np
from msgspec.structs import replace

from dragoman.engines.base import Samples, Window
from dragoman.policy.pauses import SENTENCE_PAUSE_MS
from dragoman.policy.recognition.local_agreement import DecodePosition, LocalAgreement
from dragoman.policy.recognition.speech_evidence import SpeechEvidence
from dragoman.runtime.cascade.recognition.decode_schedule import DecodeSchedule
from dragoman.runtime.cascade.recognition.decoder import TurnDecoder
from dragoman.runtime.hosts.host import EngineHost
from dragoman.runtime.hosts.load import RecognitionLag
from dragoman.speech import HEARING_RATE_HZ, Hints, Hypothesis, Word, joined_text
from dragoman.text.words import fold

_PER_MS = HEARING_RATE_HZ // 1000

CLOSE_AFTER_MS = 5_000
"""A pause closes a window at least this long; shorter ones give the recogniser its context."""
_CUT_FROM_MS = 4_000
_CUT_TO_MS = 80
_QUIET_MS = 120
_SETTLE_MS = 200
_SNIPPET_MS = 2_000
"""Shorter windows are unreliable: a pause commits nothing of them, and their gate is full."""
_KNOWN_WORDS = 4


class WindowDecoder:
    """See the head of this file. ``trusted``: this session's speaker was understood before.
    ``threshold`` is the probability from which on the detector's word counts as speech;
    ``phantoms`` is what the engine is known to say of silence.
    """

    def __init__(
        self,
        host: EngineHost,
        language: str | None,
        hints: Hints,
        schedule: DecodeSchedule,
        *,
        trusted: bool = False,
        threshold: float = 0.5,
        phantoms: Collection[str] = (),
    ) -> None:
        self.agreement = LocalAgreement(host.info.confidence_gate)
        self._evidence = SpeechEvidence(threshold)
        self._inherits = False  # what is fed first is in there already
        self.language: str | None = None
        self.lag = RecognitionLag()
        self.held = False
        self.onscreen: Callable[[], tuple[str, ...]] = tuple
        self.flight: asyncio.Task[Hypothesis] | None = None
        self._host = host
        self._asked = language
        self._hints = hints
        self._schedule = schedule
        self._phantoms = phantoms
        self._window: Samples = np.zeros(0, np.float32)
        self._begin_ms = 0  # where the window begins in the session's audio
        self._decoded = 0  # samples of the window that were in the last decode asked for
        self._answered = 0  # samples that were in the last decode answered
        self._agreed = 0  # samples in which everything committed was heard
        self._longest_ms = int(host.info.max_window_s * 1000)
        self._trusted = trusted
        self._paused: Hypothesis | None = None  # what was heard up to the pause we are in
        self._dates: list[tuple[str, int]] = []  # words of the last hypothesis, when first heard

    async def feed(self, samples: Samples, at_ms: int, probability: float = 1.0) -> bool:
        """See ``TurnDecoder``."""
        self._schedule.load.speaking(self.lag)
        if len(self._window) and at_ms != self._begin_ms + len(self._window) // _PER_MS:
            await self._commit(len(self._window), DecodePosition.PAUSE)
            self._close(len(self._window), SENTENCE_PAUSE_MS)
        if not len(self._window):
            self._begin_ms = at_ms
        if not self._inherits:
            self._evidence.feed(probability, len(samples) / _PER_MS)
        self._inherits = False
        news = self.land()
        while len(samples):  # every decode at its own sample, however much comes at once
            room = self._room()
            self._window = np.concatenate((self._window, samples[:room]))
            samples = samples[room:]
            news = await self._step() or news
        self._measure()
        return news

    async def pause(self) -> bool:
        """See ``TurnDecoder``."""
        self._schedule.load.paused(self.lag)
        snippet = len(self._window) < _SNIPPET_MS * _PER_MS
        self._paused = await self._commit(
            len(self._window), DecodePosition.STEP if snippet else DecodePosition.PAUSE
        )
        return True

    def resume(self, silent_ms: int) -> None:
        """See ``TurnDecoder``. A window that is long enough ends at the pause; all its words are
        before it, and a little of the silence is kept as run-up.
        """
        if self._paused is not None and len(self._window) >= CLOSE_AFTER_MS * _PER_MS:
            self._close(len(self._window) - _SETTLE_MS * _PER_MS, silent_ms)
        self._paused = None

    async def finish(self) -> None:
        """See ``TurnDecoder``. What was heard at the pause before the end is not decoded again."""
        self._schedule.load.closed(self.lag)
        if self._paused is not None:
            self._take(self._paused, DecodePosition.END)
        else:
            await self._commit(len(self._window), DecodePosition.END)
        self._window = self._window[:0]

    async def split(self, at_ms: int | None = None) -> Samples:
        """See ``TurnDecoder``."""
        self._schedule.load.closed(self.lag)
        await self._settle()
        ahead = self.agreement.tail
        if at_ms is None:
            end, at = (
                self._quiet_moment(),
                DecodePosition.PAUSE,
            )  # the mark it closes with is not the speaker's
        else:
            place = (at_ms - self._begin_ms) * _PER_MS
            end, at = min(max(place, self._certain()), len(self._window)), DecodePosition.END
        self._paused = None
        await self._commit(end, at)
        self._close(end, 0, ahead)
        rest, self._window = self._window, self._window[:0]
        return rest

    def go_on(self, hints: Hints) -> None:
        """See ``TurnDecoder``. The window goes on, and with it the trust in its speaker."""
        self._hints = hints
        self.agreement.use_hints(hints)
        self._trusted = True

    def follow(self, before: TurnDecoder, *, in_sentence: bool) -> None:
        """See ``TurnDecoder``."""
        if in_sentence:
            self.agreement.follow(before.agreement)
        if isinstance(before, WindowDecoder):
            self._evidence, self._inherits = before._evidence, True

    def settle(self, language: str) -> None:
        """See ``TurnDecoder``."""
        self._asked = self._asked or language

    def abandon(self) -> None:
        """See ``TurnDecoder``."""
        self._schedule.load.closed(self.lag)
        if self.flight is not None:
            self.flight.cancel()
            self.flight = None
        self._window = self._window[:0]
        self.agreement.drop_tail()

    def land(self) -> bool:
        """See ``TurnDecoder``."""
        if self.flight is None or not self.flight.done():
            return False
        flight, self.flight = self.flight, None
        self._take(flight.result(), DecodePosition.STEP)
        return True

    # ------------------------------------------------------------ when to decode
    def _room(self) -> int:
        """How many samples may come before something is due."""
        room = self._longest - len(self._window)
        if self._schedule.fixed_ms is not None:
            due = self._decoded + self._schedule.fixed_ms * _PER_MS
            if due > len(self._window):  # else it waits for something else than audio
                room = min(room, due - len(self._window))
        return max(room, 1)

    @property
    def _longest(self) -> int:
        return self._schedule.window_ms(self._longest_ms) * _PER_MS

    async def _step(self) -> bool:
        """Do what is due; whether there may be news."""
        if len(self._window) >= self._longest:
            await self._cut()
            return True
        fresh_ms = (len(self._window) - self._decoded) // _PER_MS
        if self.flight is not None or fresh_ms < self._schedule.step_ms:
            return False
        if self.held or not self._evidence.is_any:  # so far there is only the run-up of a turn
            return False
        self._agreed, self._decoded = self._decoded, len(self._window)
        self.flight = asyncio.create_task(self._decode(self._window))
        if self._schedule.fixed_ms is None:
            return False
        await asyncio.wait([self.flight])
        return self.land()

    async def _settle(self) -> None:
        if self.flight is not None:
            await asyncio.wait([self.flight])
            self.land()

    async def _commit(self, end: int, at: DecodePosition) -> Hypothesis | None:
        await self._settle()
        if not end:
            return None
        hypothesis = await self._decode(self._window[:end])
        self._agreed = self._decoded = end
        self._take(hypothesis, at)
        return hypothesis

    async def _cut(self) -> None:
        """No pause came: commit up to the quietest moment of the last seconds and go on there."""
        await self._settle()
        end, ahead = self._quiet_moment(), self.agreement.tail
        await self._commit(end, DecodePosition.PAUSE)
        self._close(end, 0, ahead)

    def _quiet_moment(self) -> int:
        """Where to cut: behind all committed words."""
        size = len(self._window)
        last = max(size - _CUT_TO_MS * _PER_MS, 0)
        first = max(self._certain(), size - _CUT_FROM_MS * _PER_MS)
        return quietest(self._window, first, last)

    def _certain(self) -> int:
        """A place behind all committed words: they agreed in two hypotheses, so the earlier of
        these had heard them, or even one before.
        """
        words = self.agreement.window
        heard_ms = words[-1].end_ms if words else self._begin_ms
        if heard_ms is None:
            return self._agreed
        return max(0, min(self._agreed, (heard_ms - self._begin_ms) * _PER_MS))

    def _close(self, end: int, silent_ms: int, ahead: Sequence[Word] = ()) -> None:
        self.agreement.close_window(silent_ms, ahead)
        self._begin_ms += end // _PER_MS
        self._evidence.cut(end / _PER_MS)
        self._window = self._window[end:].copy()
        self._agreed = self._decoded = self._answered = 0
        self._dates = []

    def _measure(self) -> None:
        self.lag.undecoded_ms = (len(self._window) - self._answered) // _PER_MS

    # ------------------------------------------------------------ decoding
    async def _decode(self, samples: Samples) -> Hypothesis:
        shown = self.onscreen()
        request = Window(
            samples=samples.tobytes(),
            language=self._asked,
            hints=replace(self._hints, onscreen=shown) if shown else self._hints,
            prefix=joined_text(self.agreement.window),
            at_ms=self._begin_ms,
        )
        loop, load = asyncio.get_running_loop(), self._schedule.load
        began_s, sharing = loop.time(), load.decode_started()
        try:
            hypothesis = await self._host.call(request)
        finally:
            load.decode_ended()
        self._schedule.decode_took(loop.time() - began_s, sharing)
        if not isinstance(hypothesis, Hypothesis):
            raise TypeError(f"{self._host.info.name} answered a window with no hypothesis")
        return hypothesis

    def _take(self, hypothesis: Hypothesis, at: DecodePosition) -> None:
        self._answered = self._decoded
        self._measure()
        words = self._dated(hypothesis.words)
        self.language = hypothesis.language or self.language
        known = self._trusted or len(self.agreement.committed) >= _KNOWN_WORDS
        trusted = known and self._decoded >= _SNIPPET_MS * _PER_MS
        borne = self._evidence.is_plausible(words, self._decoded / _PER_MS, self._phantoms)
        confidence = hypothesis.confidence if borne else -1.0
        dated = Hypothesis(words, confidence, hypothesis.language, hypothesis.stable)
        self.agreement.update(dated, at, trusted=trusted)

    def _dated(self, words: Sequence[Word]) -> tuple[Word, ...]:
        """Window time to session time; without an engine's times, when it was first heard."""
        begin, now_ms = self._begin_ms, self._begin_ms + self._decoded // _PER_MS
        dated, dates = [], []
        for place, word in enumerate(words):
            key, end_ms = fold(word.text), now_ms
            if word.end_ms is not None:
                end_ms = begin + word.end_ms
            elif place < len(self._dates) and self._dates[place][0] == key:
                end_ms = self._dates[place][1]
            start_ms = None if word.start_ms is None else begin + word.start_ms
            dates.append((key, end_ms))
            dated.append(Word(word.text, word.confidence, start_ms, end_ms, word.joined))
        self._dates = dates
        return tuple(dated)


def quietest(samples: Samples, first: int, last: int) -> int:
    """The middle of the quietest 120 ms that begin between two positions (in samples)."""
    size = _QUIET_MS * _PER_MS
    last = max(first, last)
    energy = np.concatenate((np.zeros(1), np.cumsum(samples.astype(np.float64) ** 2)))
    starts = np.arange(first, last + 1, size // 4)
    ends = np.minimum(starts + size, len(samples))
    best = int(starts[np.argmin(energy[ends] - energy[np.minimum(starts, len(samples))])])
    return min(best + size // 2, len(samples))
