"""A decoder on a stateful recogniser: the audio of a turn goes through one stream of the engine.

Scope: order and piece size. Audio is handed over in pieces of about a tenth of a second, cut by
media time, so that the engine gets the same pieces whatever the client's chunks are. Times of words
come back as times of the session: a stream does not hear the long pauses of its turn. The stream
opens with the first piece: an engine that cannot open one fails the turn, as any other failure of
the engine does, and not the session.
"""

from __future__ import annotations

from bisect import bisect_right
from operator import itemgetter

import numpy as np
from msgspec.structs import replace

from dragoman.engines.base import Samples
from dragoman.policy.recognition.local_agreement import DecodePosition, LocalAgreement
from dragoman.runtime.cascade.recognition.decoder import TurnDecoder
from dragoman.runtime.hosts.host import HostStream
from dragoman.runtime.hosts.load import RecognitionLag
from dragoman.runtime.hosts.requests import RecognitionAudio, StartRecognition
from dragoman.runtime.loaded_engine import LoadedEngine
from dragoman.speech import HEARING_RATE_HZ, Hints, Hypothesis, Interpret, Word

_PER_MS = HEARING_RATE_HZ // 1000
_PIECE = 90 * _PER_MS


class StreamDecoder:
    """A ``TurnDecoder`` on a stream of the engine, which was given its hints when it opened."""

    in_flight = None  # every call is waited for

    def __init__(
        self, recognizer: LoadedEngine, settings: Interpret, agreement: LocalAgreement
    ) -> None:
        self.agreement = agreement
        self.language: str | None = None
        self.language_confidence = 1.0
        self.heard_ms = 0
        self.lag = RecognitionLag()
        self.hold_steps = False
        self._load = recognizer.load
        self._host = recognizer.host
        self._request = StartRecognition(settings.source, settings.hints)
        self._stream: HostStream | None = None
        self._last = Hypothesis()
        self._pieces: list[Samples] = []
        self._size = 0
        self._fed = 0  # samples of the stream, with those that wait
        self._shifts_ms: list[tuple[int, int]] = []  # from a time of the stream on: to the session

    def take_result(self) -> bool:
        """See ``TurnDecoder``."""
        return False

    def buffer(self, samples: Samples, at_ms: int, probability: float = 1.0) -> bool:
        """See ``TurnDecoder``."""
        if self._size + len(samples) >= _PIECE or not self._size:
            return False
        self._append(samples, at_ms)
        return True

    async def feed(self, samples: Samples, at_ms: int, probability: float = 1.0) -> bool:
        """See ``TurnDecoder``."""
        self._load.speaking(self.lag)
        self._append(samples, at_ms)
        return await self._flush() if self._size >= _PIECE else False

    async def pause(self) -> bool:
        """See ``TurnDecoder``."""
        await self._flush()
        self._load.paused(self.lag)
        self._apply(self._last, DecodePosition.PAUSE)
        return True

    def resume(self, silent_ms: int) -> None:
        """No-op: the stream keeps its own context."""

    async def finish(self) -> None:
        """See ``TurnDecoder``."""
        self._load.closed(self.lag)
        await self._flush()
        hypothesis = self._last if self._stream is None else await self._stream.finish()
        assert isinstance(hypothesis, Hypothesis)
        self._apply(hypothesis, DecodePosition.END)

    async def split(self, at_ms: int | None = None) -> Samples:
        """See ``TurnDecoder``. A stream gives no audio back: the cut is at its end."""
        await self.finish()
        return np.zeros(0, np.float32)

    def begin_next_turn(self, hints: Hints) -> None:
        """See ``TurnDecoder``."""
        self.agreement.use_hints(hints)

    def continue_from(self, before: TurnDecoder, *, in_sentence: bool) -> None:
        """See ``TurnDecoder``."""
        if in_sentence:
            self.agreement.follow(before.agreement)

    def fix_language(self, language: str) -> None:
        """No-op: streaming engines detect the language themselves."""

    def abandon(self) -> None:
        """See ``TurnDecoder``."""
        self._load.closed(self.lag)
        if self._stream is not None:
            self._stream.abort()
        self._pieces, self._size = [], 0
        self.agreement.drop_tail()

    def _append(self, samples: Samples, at_ms: int) -> None:
        self._pieces.append(samples)
        stream_ms = self._fed // _PER_MS
        shift_ms = at_ms - stream_ms
        if not self._shifts_ms or abs(self._shifts_ms[-1][1] - shift_ms) > 1:
            self._shifts_ms.append((stream_ms, shift_ms))
        self._fed += len(samples)
        self.heard_ms = at_ms + len(samples) // _PER_MS
        self._size += len(samples)
        self.lag.undecoded_ms = self._size // _PER_MS

    async def _flush(self) -> bool:
        if not self._size:
            return False
        samples = np.concatenate(self._pieces)
        self._pieces, self._size = [], 0
        if self._stream is None:
            self._stream = await self._host.open(self._request)
        hypothesis = await self._stream.feed(RecognitionAudio(samples.tobytes()))
        self.lag.undecoded_ms = 0
        if not isinstance(hypothesis, Hypothesis):
            return False
        self._apply(hypothesis, DecodePosition.STEP)
        return True

    def _apply(self, hypothesis: Hypothesis, at: DecodePosition) -> None:
        self._last = hypothesis
        if hypothesis.language is not None:
            self.language = hypothesis.language
            self.language_confidence = hypothesis.language_confidence
        words = tuple(self._timed(word) for word in hypothesis.words)
        self.agreement.update(replace(hypothesis, words=words), at)

    def _timed(self, word: Word) -> Word:
        if word.start_ms is None and word.end_ms is None:
            return word
        start_ms, end_ms = (self._session_ms(ms) for ms in (word.start_ms, word.end_ms))
        return replace(word, start_ms=start_ms, end_ms=end_ms)

    def _session_ms(self, stream_ms: int | None) -> int | None:
        if stream_ms is None:
            return None
        place = bisect_right(self._shifts_ms, stream_ms, key=itemgetter(0))
        return stream_ms + self._shifts_ms[max(0, place - 1)][1] if self._shifts_ms else stream_ms
