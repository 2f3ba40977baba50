"""From audio to committed words: the two shapes of recogniser behind one face.

Law of this file: one ``Hearing`` per turn. It owns the turn's audio and its ``Agreement``, and
decides *when* to decode; *what* is certain is the policy's to say, *when a turn ends* the
cascade's. ``WindowHearing`` is the adapter that turns a stateless window transcriber into a
stream: it keeps a window of audio, has it decoded again each step, and closes the window at a
pause (or, in speech without pauses, at its quietest moment) so that it stays short: the cost
of a decode grows with the window, and six sessions share two cores.

A step decode runs beside the listening and at most one is in flight; decodes that commit
(pause, cut, end) wait for it and are waited for. So words come out in order by construction.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import numpy as np

from dragoman.engines.base import Recognition, Recognizer, Samples, Window
from dragoman.policy.agreement import Agreement, At
from dragoman.policy.endpoint import SENTENCE_PAUSE_MS
from dragoman.runtime.hosts import EngineHost
from dragoman.speech import HEARING_RATE_HZ, Hints, Hypothesis, Word, joined_text

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


class Cadence:
    """How much new audio makes a step worth decoding.

    Fixed, or adaptive: a multiple of the time that decodes lately took from request to answer,
    queueing included, so that load makes steps longer instead of queues.
    """

    SHORTEST_MS, LONGEST_MS = 320, 1500

    def __init__(self, fixed_ms: int | None = None) -> None:
        self.fixed_ms = fixed_ms
        self._decode_ms = 0.0

    @property
    def step_ms(self) -> int:
        """Media time between two decodes."""
        if self.fixed_ms is not None:
            return self.fixed_ms
        return int(min(max(3.0 * self._decode_ms, self.SHORTEST_MS), self.LONGEST_MS))

    def took(self, wall_s: float) -> None:
        """A decode was answered after this long."""
        wall_ms = wall_s * 1000
        self._decode_ms = wall_ms if not self._decode_ms else 0.6 * self._decode_ms + 0.4 * wall_ms


class Hearing(Protocol):
    """One turn's recognition."""

    agreement: Agreement
    language: str | None

    async def feed(self, samples: Samples, at_ms: int) -> bool:
        """Take audio of the turn that begins at this time of the session; whether there may be
        news in ``agreement``. After a long pause it does not join what was fed before.
        """

    async def pause(self) -> bool:
        """The speaker paused: commit what is held back."""

    def resume(self, silent_ms: int) -> None:
        """Speech goes on after a pause of this length; its audio is fed next."""

    async def finish(self) -> None:
        """The turn is over: commit the rest."""

    async def split(self) -> Samples:
        """The turn must end though speech goes on: commit up to a quiet moment, and give back
        the audio behind it for the next turn.
        """

    def abandon(self) -> None:
        """The turn's remaining audio was cleared: keep what is committed, decode no more."""


class StreamHearing:
    """A stateful recogniser: every piece of audio goes through its stream, in order."""

    def __init__(self, host: EngineHost, recognition: Recognition, gate: float) -> None:
        self.agreement = Agreement(gate)
        self.language: str | None = None
        self._host = host
        self._recognition = recognition
        self._last = Hypothesis()

    @classmethod
    async def start(
        cls, host: EngineHost, engine: Recognizer, language: str | None, hints: Hints
    ) -> StreamHearing:
        """Open a stream in the engine."""
        recognition: Recognition = await host.run(engine.start, language, hints)
        return cls(host, recognition, host.info.confidence_gate)

    async def feed(self, samples: Samples, at_ms: int) -> bool:
        """See ``Hearing``."""
        hypothesis: Hypothesis | None = await self._host.run(self._recognition.feed, samples)
        if hypothesis is None:
            return False
        self._take(hypothesis, At.STEP)
        return True

    async def pause(self) -> bool:
        """See ``Hearing``."""
        self._take(self._last, At.PAUSE)
        return True

    def resume(self, silent_ms: int) -> None:
        """See ``Hearing``. The stream keeps its own context."""

    async def finish(self) -> None:
        """See ``Hearing``."""
        self._take(await self._host.run(self._recognition.finish), At.END)

    async def split(self) -> Samples:
        """See ``Hearing``. A stream cannot give audio back; it ends at a word by itself."""
        await self.finish()
        return np.zeros(0, np.float32)

    def abandon(self) -> None:
        """See ``Hearing``."""
        self.agreement.drop_tail()

    def _take(self, hypothesis: Hypothesis, at: At) -> None:
        self._last = hypothesis
        self.language = hypothesis.language or self.language
        self.agreement.update(hypothesis, at)


class WindowHearing:
    """A stateless window transcriber as a stream; see the head of this file."""

    def __init__(
        self,
        host: EngineHost,
        language: str | None,
        hints: Hints,
        cadence: Cadence,
        *,
        trusted: bool = False,
    ) -> None:
        self.agreement = Agreement(host.info.confidence_gate)
        self.language: str | None = None
        self._host = host
        self._asked = language
        self._hints = hints
        self._cadence = cadence
        self._window: Samples = np.zeros(0, np.float32)
        self._begin_ms = 0  # where the window begins in the session's audio
        self._decoded = 0  # samples of the window that were in the last decode asked for
        self._agreed = 0  # samples in which everything committed was heard
        self._longest = int(host.info.max_window_s * HEARING_RATE_HZ)
        self._flight: asyncio.Task[Hypothesis] | None = None
        self._trusted = trusted
        self._paused: Hypothesis | None = None  # what was heard up to the pause we are in

    async def feed(self, samples: Samples, at_ms: int) -> bool:
        """See ``Hearing``."""
        if len(self._window) and at_ms != self._begin_ms + len(self._window) // _PER_MS:
            await self._commit(len(self._window), At.PAUSE)
            self._close(len(self._window), SENTENCE_PAUSE_MS)
        if not len(self._window):
            self._begin_ms = at_ms
        self._window = np.concatenate((self._window, samples))
        news = self._land()
        if len(self._window) >= self._longest:
            await self._cut()
            return True
        fresh_ms = (len(self._window) - self._decoded) // _PER_MS
        if self._flight is None and fresh_ms >= self._cadence.step_ms:
            self._agreed, self._decoded = self._decoded, len(self._window)
            self._flight = asyncio.create_task(self._decode(self._window))
            if self._cadence.fixed_ms is not None:  # the same text whatever the pace
                await asyncio.wait([self._flight])
                news = self._land() or news
        return news

    async def pause(self) -> bool:
        """See ``Hearing``."""
        snippet = len(self._window) < _SNIPPET_MS * _PER_MS
        self._paused = await self._commit(len(self._window), At.STEP if snippet else At.PAUSE)
        return True

    def resume(self, silent_ms: int) -> None:
        """See ``Hearing``. A window that is long enough ends at the pause; all its words are
        before it, and a little of the silence is kept as run-up.
        """
        if self._paused is not None and len(self._window) >= CLOSE_AFTER_MS * _PER_MS:
            self._close(len(self._window) - _SETTLE_MS * _PER_MS, silent_ms)
        self._paused = None

    async def finish(self) -> None:
        """See ``Hearing``. What was heard at the pause before the end is not decoded again."""
        if self._paused is not None:
            self._take(self._paused, At.END)
        else:
            await self._commit(len(self._window), At.END)
        self._window = self._window[:0]

    async def split(self) -> Samples:
        """See ``Hearing``."""
        await self._settle()
        end = self._quiet_moment()
        await self._commit(end, At.PAUSE)  # not END: the mark it closes with is not the speaker's
        rest, self._window = self._window[end:], self._window[:0]
        return rest

    def abandon(self) -> None:
        """See ``Hearing``."""
        if self._flight is not None:
            self._flight.cancel()
            self._flight = None
        self._window = self._window[:0]
        self.agreement.drop_tail()

    # ------------------------------------------------------------ inside
    def _land(self) -> bool:
        """Take the answer of the step decode if it has come."""
        if self._flight is None or not self._flight.done():
            return False
        flight, self._flight = self._flight, None
        self._take(flight.result(), At.STEP)
        return True

    async def _settle(self) -> None:
        if self._flight is not None:
            await asyncio.wait([self._flight])
            self._land()

    async def _commit(self, end: int, at: At) -> Hypothesis | None:
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
        end = self._quiet_moment()
        await self._commit(end, At.PAUSE)
        self._close(end, 0)

    def _quiet_moment(self) -> int:
        """Where to cut: behind all committed words; they agreed in two hypotheses, so the
        earlier of these had heard them.
        """
        size = len(self._window)
        last = max(size - _CUT_TO_MS * _PER_MS, 0)
        return quietest(self._window, max(self._agreed, size - _CUT_FROM_MS * _PER_MS), last)

    def _close(self, end: int, silent_ms: int) -> None:
        self.agreement.close_window(silent_ms)
        self._begin_ms += end // _PER_MS
        self._window = self._window[end:].copy()
        self._agreed = self._decoded = 0

    async def _decode(self, samples: Samples) -> Hypothesis:
        request = Window(
            samples=samples.tobytes(),
            language=self._asked,
            hints=self._hints,
            prefix=joined_text(self.agreement.window),
            at_ms=self._begin_ms,
        )
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        hypothesis = await self._host.call(request)
        self._cadence.took(loop.time() - began_s)
        if not isinstance(hypothesis, Hypothesis):
            raise TypeError(f"{self._host.info.name} answered a window with no hypothesis")
        return hypothesis

    def _take(self, hypothesis: Hypothesis, at: At) -> None:
        words = tuple(self._dated(word) for word in hypothesis.words)
        self.language = hypothesis.language or self.language
        dated = Hypothesis(words, hypothesis.confidence, hypothesis.language, hypothesis.stable)
        known = self._trusted or len(self.agreement.committed) >= _KNOWN_WORDS
        trusted = known and self._decoded >= _SNIPPET_MS * _PER_MS
        self.agreement.update(dated, at, trusted=trusted)

    def _dated(self, word: Word) -> Word:
        """Window time to session time; without an engine's times, when it was first heard."""
        begin = self._begin_ms
        end_ms = begin + (word.end_ms if word.end_ms is not None else self._decoded // _PER_MS)
        start_ms = None if word.start_ms is None else begin + word.start_ms
        return Word(word.text, word.confidence, start_ms, end_ms, word.joined)


def quietest(samples: Samples, first: int, last: int) -> int:
    """The middle of the quietest 120 ms that begin between two positions (in samples)."""
    size = _QUIET_MS * _PER_MS
    last = max(first, last)
    energy = np.concatenate((np.zeros(1), np.cumsum(samples.astype(np.float64) ** 2)))
    starts = np.arange(first, last + 1, size // 4)
    ends = np.minimum(starts + size, len(samples))
    best = int(starts[np.argmin(energy[ends] - energy[np.minimum(starts, len(samples))])])
    return min(best + size // 2, len(samples))
