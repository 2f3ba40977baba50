"""A stateful recogniser as a turn's hearing: every piece of audio goes through its stream.

Law of this file: order. Audio is handed over in pieces of about a tenth of a second, cut by media
time, so that chunks of any size give the engine the same pieces.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dragoman.engines.base import Samples
from dragoman.policy.recognition.local_agreement import DecodePosition, LocalAgreement
from dragoman.runtime.cascade.recognition.decoder import TurnDecoder
from dragoman.runtime.hosts.host import EngineHost, HostStream
from dragoman.runtime.hosts.load import RecognitionLag, RecognizerLoad
from dragoman.runtime.hosts.requests import RecognitionAudio, StartRecognition
from dragoman.speech import HEARING_RATE_HZ, Hints, Hypothesis

_PER_MS = HEARING_RATE_HZ // 1000
_PIECE = 90 * _PER_MS


class StreamDecoder:
    """See the head of this file."""

    flight = None  # every call is waited for

    def __init__(
        self,
        recognition: HostStream,
        gate: float,
        load: RecognizerLoad | None = None,
    ) -> None:
        self.agreement = LocalAgreement(gate)
        self.language: str | None = None
        self.lag = RecognitionLag()
        self.held = False
        self.onscreen: Callable[[], tuple[str, ...]] = tuple  # a stream had its hints at its start
        self._load = load or RecognizerLoad()
        self._recognition = recognition
        self._last = Hypothesis()
        self._pieces: list[Samples] = []
        self._size = 0

    @classmethod
    async def start(
        cls,
        host: EngineHost,
        language: str | None,
        hints: Hints,
        load: RecognizerLoad | None = None,
    ) -> StreamDecoder:
        """Open a stream in the engine."""
        recognition = await host.open(StartRecognition(language, hints))
        return cls(recognition, host.info.confidence_gate, load)

    def land(self) -> bool:
        """See ``TurnDecoder``."""
        return False

    async def feed(self, samples: Samples, at_ms: int, probability: float = 1.0) -> bool:
        """See ``TurnDecoder``."""
        self._load.speaking(self.lag)
        self._pieces.append(samples)
        self._size += len(samples)
        self.lag.undecoded_ms = self._size // _PER_MS
        return await self._flush() if self._size >= _PIECE else False

    async def pause(self) -> bool:
        """See ``TurnDecoder``."""
        await self._flush()
        self._load.paused(self.lag)
        self._take(self._last, DecodePosition.PAUSE)
        return True

    def resume(self, silent_ms: int) -> None:
        """See ``TurnDecoder``. The stream keeps its own context."""

    async def finish(self) -> None:
        """See ``TurnDecoder``."""
        self._load.closed(self.lag)
        await self._flush()
        hypothesis = await self._recognition.finish()
        assert isinstance(hypothesis, Hypothesis)
        self._take(hypothesis, DecodePosition.END)

    async def split(self, at_ms: int | None = None) -> Samples:
        """See ``TurnDecoder``. A stream cannot give audio back; it ends at a word by itself."""
        await self.finish()
        return np.zeros(0, np.float32)

    def go_on(self, hints: Hints) -> None:
        """See ``TurnDecoder``. The stream itself was given its hints when it began."""
        self.agreement.use_hints(hints)

    def follow(self, before: TurnDecoder, *, in_sentence: bool) -> None:
        """See ``TurnDecoder``."""
        if in_sentence:
            self.agreement.follow(before.agreement)

    def settle(self, language: str) -> None:
        """See ``TurnDecoder``. The stream keeps its own counsel."""

    def abandon(self) -> None:
        """See ``TurnDecoder``."""
        self._load.closed(self.lag)
        self._recognition.abort()
        self._pieces, self._size = [], 0
        self.agreement.drop_tail()

    async def _flush(self) -> bool:
        if not self._size:
            return False
        samples = np.concatenate(self._pieces)
        self._pieces, self._size = [], 0
        hypothesis = await self._recognition.feed(RecognitionAudio(samples.tobytes()))
        self.lag.undecoded_ms = 0
        if not isinstance(hypothesis, Hypothesis):
            return False
        self._take(hypothesis, DecodePosition.STEP)
        return True

    def _take(self, hypothesis: Hypothesis, at: DecodePosition) -> None:
        self._last = hypothesis
        self.language = hypothesis.language or self.language
        self.agreement.update(hypothesis, at)
