"""A decoder on a stateless window transcriber: a window of audio is kept and decoded again.

Scope: which audio is in the window and when it is decoded. The window is closed at a pause or, in
speech without pauses, at its quietest moment, so that it stays short: the cost of a decode grows
with the window, and many sessions share few cores.

A step decode runs while audio goes on coming, and at most one is in flight. Decodes that commit
(pause, cut, end) wait for it and are waited for, so words come out in order. With a fixed step
every decode is waited for, at the same sample whatever the chunks: then the text depends on the
audio alone.

What an engine claims is compared with what the detector saw of the same audio
(``policy.recognition.speech_evidence``) before it is taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from dragoman.engines.base import Samples, Window
from dragoman.policy.pauses import SENTENCE_PAUSE_MS
from dragoman.policy.recognition.local_agreement import DecodePosition, LocalAgreement
from dragoman.policy.recognition.speech_evidence import SpeechEvidence
from dragoman.runtime.cascade.recognition.audio_window import AudioWindow, quietest
from dragoman.runtime.cascade.recognition.decode_schedule import DecodeSchedule
from dragoman.runtime.cascade.recognition.decoder import TurnDecoder
from dragoman.runtime.cascade.recognition.word_times import WordTimes
from dragoman.runtime.hosts.host import EngineHost
from dragoman.runtime.hosts.load import RecognitionLag
from dragoman.speech import HEARING_RATE_HZ, Hints, Hypothesis, Interpret, Word, joined_text

_PER_MS = HEARING_RATE_HZ // 1000

_CLOSE_AFTER = 5_000 * _PER_MS
"""A pause closes a window at least this long; a shorter one stays as context."""
_CUT_FROM = 4_000 * _PER_MS
_CUT_TO = 80 * _PER_MS
_LEAD_IN = 200 * _PER_MS
_SNIPPET = 2_000 * _PER_MS
"""Hypotheses of shorter windows are unreliable: a pause commits nothing of them, and the full
confidence gate holds.
"""
_KNOWN_WORDS = 4


class Successor(NamedTuple):
    """Another engine that goes on with a window, how often, and what it says of silence."""

    host: EngineHost
    schedule: DecodeSchedule
    hallucinations: Collection[str]


class WindowDecoder:
    """A ``TurnDecoder`` that decodes a window again and again. ``trusted``: this session's speaker
    was understood before. ``hallucinations`` is what the engine is known to say of silence;
    ``onscreen`` gives the names and terms that are shown at the moment of a decode. ``successor``
    gives the engine that is preferred for a language, once it is known; None: this one. ``likely``
    is the language in which a turn is decoded once more that would end without words.
    """

    def __init__(
        self,
        host: EngineHost,
        settings: Interpret,
        agreement: LocalAgreement,
        schedule: DecodeSchedule,
        *,
        trusted: bool = False,
        hallucinations: Collection[str] = (),
        onscreen: Callable[[], tuple[str, ...]] = tuple,
        successor: Callable[[str], Successor | None] = lambda _language: None,
        likely: str | None = None,
    ) -> None:
        self.agreement = agreement
        self.language: str | None = None
        self.language_confidence = 1.0
        self.heard_ms = 0
        self.lag = RecognitionLag()
        self.hold_steps = False
        self.in_flight: asyncio.Task[Hypothesis] | None = None
        endpointing = settings.endpointing
        self._evidence = SpeechEvidence(endpointing.threshold if endpointing else 0.5)
        self._evidence_inherited = False  # the evidence has what is fed first already
        self._host = host
        self._asked_language = settings.source
        self._hints = settings.hints
        self._schedule = schedule
        self._hallucinations = hallucinations
        self._onscreen = onscreen
        self._successor = successor
        self._likely = likely
        self._window = AudioWindow()
        self._begin_ms = 0  # where the window begins in the session's audio
        # Samples of the window ...
        self._requested = 0  # ... in the last decode that was asked for
        self._answered = 0  # ... in the last one that was answered
        self._agreed = 0  # ... in the earlier of two decodes that agreed on all committed words
        self._longest_ms = int(host.info.max_window_s * 1000)
        self._trusted = trusted
        self._speaking = False
        self._at_pause: Hypothesis | None = None  # of all audio up to the present pause
        self._times = WordTimes()

    def buffer(self, samples: Samples, at_ms: int, probability: float = 1.0) -> bool:
        """See ``TurnDecoder``."""
        end, flight = len(self._window) + len(samples), self.in_flight
        if not self._speaking or at_ms != self._end_ms or end >= self._longest:
            return False
        if flight is None:
            due = self._requested + self._schedule.step_ms * _PER_MS
            if end >= due and not self.hold_steps:
                return False
        elif flight.done():
            return False
        self._note_probability(probability, len(samples))
        self._window.append(samples)
        self._measure()
        return True

    async def feed(self, samples: Samples, at_ms: int, probability: float = 1.0) -> bool:
        """See ``TurnDecoder``."""
        self._schedule.load.speaking(self.lag)
        self._speaking = True
        if len(self._window) and at_ms != self._end_ms:
            await self._commit(len(self._window), DecodePosition.PAUSE)
            self._close_window(len(self._window), SENTENCE_PAUSE_MS)
        if not len(self._window):
            self._begin_ms = at_ms
        self._note_probability(probability, len(samples))
        news = self.take_result()
        while len(samples):  # every decode at its own sample, however much comes at once
            room = self._room()
            self._window.append(samples[:room])
            samples = samples[room:]
            news = await self._step() or news
        self._measure()
        return news

    async def pause(self) -> bool:
        """See ``TurnDecoder``."""
        self._stop_speaking()
        size = len(self._window)
        at = DecodePosition.STEP if size < _SNIPPET else DecodePosition.PAUSE
        self._at_pause = await self._commit(size, at)
        return True

    def resume(self, silent_ms: int) -> None:
        """See ``TurnDecoder``. A window that is long enough ends at the pause: all its words are
        before it. A little of the silence is kept as the lead-in of the next one.
        """
        if self._at_pause is not None and len(self._window) >= _CLOSE_AFTER:
            self._close_window(len(self._window) - _LEAD_IN, silent_ms)
        self._at_pause = None

    async def finish(self) -> None:
        """See ``TurnDecoder``. What was decoded at a pause before the end is not decoded again."""
        self._stop_speaking(closed=True)
        if self._at_pause is not None:
            self._apply(self._at_pause, DecodePosition.END)
        else:
            await self._commit(len(self._window), DecodePosition.END)
        if (
            self._likely is not None
            and self._asked_language is None
            and not self.agreement.committed
        ):
            # A word or two are too little for an engine that has to guess the language as well.
            self.fix_language(self._likely)
            await self._commit(len(self._window), DecodePosition.END)
        self._window.clear()

    async def split(self, at_ms: int | None = None) -> Samples:
        """See ``TurnDecoder``."""
        self._stop_speaking(closed=True)
        await self._wait_in_flight()
        beyond = self.agreement.tail
        if at_ms is None:
            # Not END: the mark that the engine closes the window with is not the speaker's.
            end, at = self._quiet_moment(), DecodePosition.PAUSE
        else:
            wanted = max((at_ms - self._begin_ms) * _PER_MS, self._committed_end())
            end, at = min(wanted, len(self._window)), DecodePosition.END
        self._at_pause = None
        await self._commit(end, at)
        self._close_window(end, 0, beyond)
        return self._window.take()

    def begin_next_turn(self, hints: Hints) -> None:
        """See ``TurnDecoder``. The window goes on, and with it the trust in its speaker."""
        self._hints = hints
        self.agreement.use_hints(hints)
        self._trusted = True

    def continue_from(self, before: TurnDecoder, *, in_sentence: bool) -> None:
        """See ``TurnDecoder``."""
        if in_sentence:
            self.agreement.follow(before.agreement)
        if isinstance(before, WindowDecoder):
            self._evidence, self._evidence_inherited = before._evidence, True

    def fix_language(self, language: str) -> None:
        """See ``TurnDecoder``. The window goes on, and so does the agreement: what one engine wrote
        and the other writes as well is as certain as two hypotheses of one engine.
        """
        if self._asked_language is not None:
            return
        self._asked_language = language
        successor = self._successor(language)
        if successor is None:
            return
        self._drop_in_flight()
        self._schedule.load.closed(self.lag)
        self._host, self._schedule, self._hallucinations = successor
        if self._speaking:
            self._schedule.load.speaking(self.lag)
        self._longest_ms = int(self._host.info.max_window_s * 1000)
        self.agreement.use_gate(self._host.info.confidence_gate)
        self._requested, self._at_pause = self._answered, None

    def abandon(self) -> None:
        """See ``TurnDecoder``."""
        self._stop_speaking(closed=True)
        self._drop_in_flight()
        self._window.clear()
        self.agreement.drop_tail()

    def take_result(self) -> bool:
        """See ``TurnDecoder``."""
        if self.in_flight is None or not self.in_flight.done():
            return False
        flight, self.in_flight = self.in_flight, None
        self._apply(flight.result(), DecodePosition.STEP)
        return True

    def _drop_in_flight(self) -> None:
        if self.in_flight is not None:
            self.in_flight.cancel()
            self.in_flight = None

    # ------------------------------------------------------------ the window
    @property
    def _end_ms(self) -> int:
        return self._begin_ms + len(self._window) // _PER_MS

    @property
    def _longest(self) -> int:
        return self._schedule.window_ms(self._longest_ms) * _PER_MS

    def _note_probability(self, probability: float, count: int) -> None:
        if not self._evidence_inherited:
            self._evidence.feed(probability, count / _PER_MS)
        self._evidence_inherited = False

    def _close_window(self, end: int, silent_ms: int, beyond: Sequence[Word] = ()) -> None:
        self.agreement.close_window(silent_ms, beyond)
        self._begin_ms += end // _PER_MS
        self._evidence.cut(end / _PER_MS)
        self._window.drop(end)
        self._agreed = self._requested = self._answered = 0
        self._times.clear()

    def _quiet_moment(self) -> int:
        """Where to cut inside speech: behind all committed words."""
        size = len(self._window)
        first = max(self._committed_end(), size - _CUT_FROM)
        return quietest(self._window.samples, first, max(size - _CUT_TO, 0))

    def _committed_end(self) -> int:
        """A place behind all committed words. Two hypotheses agreed on them, so the earlier of
        these had all of their audio.
        """
        words = self.agreement.window
        end_ms = words[-1].end_ms if words else self._begin_ms
        if end_ms is None:
            return self._agreed
        return max(0, min(self._agreed, (end_ms - self._begin_ms) * _PER_MS))

    def _measure(self) -> None:
        size, is_waiting = len(self._window), self.in_flight is not None
        self.lag.undecoded_ms = (size - self._answered) // _PER_MS
        self.lag.waiting_ms = (size - self._requested) // _PER_MS if is_waiting else 0

    def _stop_speaking(self, *, closed: bool = False) -> None:
        self._speaking = False
        load = self._schedule.load
        (load.closed if closed else load.paused)(self.lag)

    # ------------------------------------------------------------ when to decode
    def _room(self) -> int:
        """How many samples may come before something is due."""
        room = self._longest - len(self._window)
        if self._schedule.fixed_ms is not None:
            due = self._requested + self._schedule.fixed_ms * _PER_MS
            if due > len(self._window):  # else the step waits for something else than audio
                room = min(room, due - len(self._window))
        return max(room, 1)

    async def _step(self) -> bool:
        """Do what is due; whether there may be news."""
        size = len(self._window)
        if size >= self._longest:
            await self._cut()
            return True
        fresh_ms = (size - self._requested) // _PER_MS
        if self.in_flight is not None or fresh_ms < self._schedule.step_ms:
            return False
        if self.hold_steps or not self._evidence.is_any:  # so far only the lead-in of a turn
            return False
        if self._schedule.skips_steps(self.lag.queued_ms):
            return False
        self._agreed, self._requested = self._requested, size
        request = self._request(size)
        if self._schedule.fixed_ms is None:
            self.in_flight = asyncio.create_task(self._decode(request))
            return False
        self._apply(await self._decode(request), DecodePosition.STEP)
        return True

    async def _wait_in_flight(self) -> None:
        if self.in_flight is not None:
            await asyncio.wait([self.in_flight])
            self.take_result()

    async def _commit(self, end: int, at: DecodePosition) -> Hypothesis | None:
        await self._wait_in_flight()
        if not end:
            return None
        hypothesis = await self._decode(self._request(end))
        self._agreed = self._requested = end
        self._apply(hypothesis, at)
        return hypothesis

    async def _cut(self) -> None:
        """No pause came: commit up to the quietest moment of the last seconds, go on there."""
        await self._wait_in_flight()
        end, beyond = self._quiet_moment(), self.agreement.tail
        await self._commit(end, DecodePosition.PAUSE)
        self._close_window(end, 0, beyond)

    # ------------------------------------------------------------ decoding
    def _request(self, end: int) -> Window:
        shown = self._onscreen()
        return Window(
            samples=self._window.samples[:end].tobytes(),
            language=self._asked_language,
            hints=replace(self._hints, onscreen=shown) if shown else self._hints,
            prefix=joined_text(self.agreement.window),
            at_ms=self._begin_ms,
        )

    async def _decode(self, request: Window) -> Hypothesis:
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

    def _apply(self, hypothesis: Hypothesis, at: DecodePosition) -> None:
        self._answered = self._requested
        self._measure()
        end_ms = self.heard_ms = self._begin_ms + self._requested // _PER_MS
        words = self._times.timed(hypothesis.words, self._begin_ms, end_ms)
        known = self._trusted or len(self.agreement.committed) >= _KNOWN_WORDS
        decoded_ms = self._requested / _PER_MS
        is_plausible = self._evidence.is_plausible(words, decoded_ms, self._hallucinations)
        confidence = hypothesis.confidence if is_plausible else -1.0
        is_shown = confidence >= self._host.info.confidence_gate
        if hypothesis.language is not None and (is_shown or self.language is None):
            self.language = hypothesis.language
            self.language_confidence = hypothesis.language_confidence
        timed = Hypothesis(words, confidence, hypothesis.language, hypothesis.stable)
        self.agreement.update(timed, at, trusted=known and self._requested >= _SNIPPET)
