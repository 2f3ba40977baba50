"""A decoder that begins again at another recogniser when the first one fails early in a turn.

Scope: the audio of a turn is kept until words of it are recognised, ``_KEPT_MS`` at most; as long
as that lasts, a failure costs the turn nothing: the next recogniser, of whatever shape, is fed all
of it. Behind that a failure fails the turn, and the next turn begins elsewhere (``failed``). Window
transcribers do better by themselves: their host makes the call again at another one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from dragoman.engines.base import Samples
from dragoman.policy.recognition.local_agreement import LocalAgreement
from dragoman.runtime.cascade.recognition.decoder import TurnDecoder
from dragoman.runtime.hosts.host import EngineFailed
from dragoman.runtime.hosts.load import RecognitionLag
from dragoman.runtime.loaded_engine import LoadedEngine
from dragoman.runtime.routing.fallback_host import tell_failover
from dragoman.speech import HEARING_RATE_HZ, Hints, Hypothesis

_KEPT_MS = 15_000
_PER_MS = HEARING_RATE_HZ // 1000

T = TypeVar("T")


class FallbackDecoder:
    """A ``TurnDecoder`` on the first of ``recognizers`` that does not fail. ``decoder_on`` makes a
    decoder, ``failed`` gets the names of those that failed.
    """

    def __init__(
        self,
        recognizers: Sequence[LoadedEngine],
        decoder_on: Callable[[LoadedEngine], TurnDecoder],
        failed: set[str],
    ) -> None:
        self._recognizers = recognizers
        self._decoder_on = decoder_on
        self._failed = failed
        self._place = 0
        self._inner = decoder_on(recognizers[0])
        self._known: list[Callable[[TurnDecoder], None]] = []  # has every new decoder told
        self._kept: list[tuple[Samples, int, float]] | None = []
        self._kept_ms = 0
        self._is_behind = False  # the decoder has not been fed what is kept

    # ------------------------------------------------------------ what the inner one has
    @property
    def agreement(self) -> LocalAgreement:
        """See ``TurnDecoder``."""
        return self._inner.agreement

    @property
    def language(self) -> str | None:
        """See ``TurnDecoder``."""
        return self._inner.language

    @property
    def language_confidence(self) -> float:
        """See ``TurnDecoder``."""
        return self._inner.language_confidence

    @property
    def heard_ms(self) -> int:
        """See ``TurnDecoder``."""
        return self._inner.heard_ms

    @property
    def lag(self) -> RecognitionLag:
        """See ``TurnDecoder``."""
        return self._inner.lag

    @property
    def hold_steps(self) -> bool:
        """See ``TurnDecoder``."""
        return self._inner.hold_steps

    @hold_steps.setter
    def hold_steps(self, hold: bool) -> None:
        self._inner.hold_steps = hold

    @property
    def in_flight(self) -> asyncio.Task[Hypothesis] | None:
        """See ``TurnDecoder``."""
        return self._inner.in_flight

    def resume(self, silent_ms: int) -> None:
        """See ``TurnDecoder``."""
        self._inner.resume(silent_ms)

    def begin_next_turn(self, hints: Hints) -> None:
        """See ``TurnDecoder``."""
        self._inner.begin_next_turn(hints)

    def continue_from(self, before: TurnDecoder, *, in_sentence: bool) -> None:
        """See ``TurnDecoder``."""
        inner = before._inner if isinstance(before, FallbackDecoder) else before
        self._tell(lambda decoder: decoder.continue_from(inner, in_sentence=in_sentence))

    def fix_language(self, language: str) -> None:
        """See ``TurnDecoder``."""
        self._tell(lambda decoder: decoder.fix_language(language))

    def _tell(self, what: Callable[[TurnDecoder], None]) -> None:
        """Something that every decoder of the turn has to know."""
        what(self._inner)
        if self._kept is not None:
            self._known.append(what)

    def abandon(self) -> None:
        """See ``TurnDecoder``."""
        self._kept = None
        self._inner.abandon()

    # ------------------------------------------------------------ what may fail
    def take_result(self) -> bool:
        """See ``TurnDecoder``."""
        try:
            return self._inner.take_result()
        except EngineFailed as failure:
            self._go_on(failure)
            return False

    def buffer(self, samples: Samples, at_ms: int, probability: float = 1.0) -> bool:
        """See ``TurnDecoder``."""
        if self._is_behind or not self._inner.buffer(samples, at_ms, probability):
            return False
        self._keep(samples, at_ms, probability)
        return True

    async def feed(self, samples: Samples, at_ms: int, probability: float = 1.0) -> bool:
        """See ``TurnDecoder``."""
        self._keep(samples, at_ms, probability)

        async def step() -> bool:
            if self._is_behind:
                return await self._catch_up()
            return await self._inner.feed(samples, at_ms, probability)

        return await self._attempt(step)

    async def pause(self) -> bool:
        """See ``TurnDecoder``."""

        async def step() -> bool:
            await self._catch_up()
            return await self._inner.pause()

        return await self._attempt(step)

    async def finish(self) -> None:
        """See ``TurnDecoder``."""

        async def step() -> None:
            await self._catch_up()
            await self._inner.finish()

        await self._attempt(step)

    async def split(self, at_ms: int | None = None) -> Samples:
        """See ``TurnDecoder``."""

        async def step() -> Samples:
            await self._catch_up()
            return await self._inner.split(at_ms)

        return await self._attempt(step)

    async def _attempt(self, step: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                done = await step()
            except EngineFailed as failure:
                self._go_on(failure)
                continue
            if self.agreement.committed or self.agreement.tail:
                self._kept = None
            return done

    # ------------------------------------------------------------ beginning again
    def _keep(self, samples: Samples, at_ms: int, probability: float) -> None:
        if self._kept is not None:
            self._kept_ms += len(samples) // _PER_MS
            self._kept.append((samples, at_ms, probability))
            if self._kept_ms > _KEPT_MS:
                self._kept = None

    async def _catch_up(self) -> bool:
        """Feed what is kept to a decoder that began again; whether there may be news."""
        news = False
        if self._is_behind:
            for piece in self._kept or ():
                news = await self._inner.feed(*piece) or news
            self._is_behind = False
        return news

    def _go_on(self, failure: EngineFailed) -> None:
        """With the next recogniser, if there is one and nothing is lost; else ``failure`` is
        raised.
        """
        recognizer = self._recognizers[self._place]
        self._failed.add(recognizer.name)
        if self._kept is None or self._place + 1 == len(self._recognizers):
            raise failure
        self._place += 1
        following, before = self._recognizers[self._place], self._inner
        tell_failover(recognizer.info, following.info, failure)
        before.abandon()
        self._inner = self._decoder_on(following)
        self._inner.hold_steps = before.hold_steps
        for known in self._known:
            known(self._inner)
        self._is_behind = True
