"""One turn at a recogniser behind a WebSocket: audio out, hypotheses in.

Scope: the connection of a turn and what may be waited for; what the frames mean is its dialect's.
The connection is opened by the first tenth of a second of audio, and audio waits in the link while
it opens; a turn that is shorter was no word. ``feed`` takes what has come and never waits for an
answer. ``finish`` waits for the final text, ``final_s`` at most.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from dragoman.audio.pcm import bytes_in, from_float
from dragoman.audio.resample import Resampler
from dragoman.engines.base import Samples
from dragoman.engines.realtime_asr.shape import TurnDialect
from dragoman.engines.shared.endpoint_errors import EndpointTimedOut
from dragoman.engines.shared.websocket_link import Frame, LinkClosed, WebSocketLink
from dragoman.speech import HEARING_RATE_HZ, Hypothesis

LEAST_MS = 100
"""Shorter audio is not sent: OpenAI refuses to commit it."""
_MOST_AT_ONCE = 200
"""Frames that one ``feed`` reads; what is left waits for the next."""


class RealtimeTurn:
    """A ``Recognition`` at a server."""

    def __init__(
        self,
        dialect: TurnDialect,
        connect: Callable[[TurnDialect], WebSocketLink],
        *,
        final_s: float,
    ) -> None:
        self._dialect, self._connect, self._final_s = dialect, connect, final_s
        self._resampler = Resampler(HEARING_RATE_HZ, dialect.rate_hz)
        self._first = b""
        self._link: WebSocketLink | None = None
        self._shown = Hypothesis()

    def feed(self, samples: Samples) -> Hypothesis | None:
        """See ``Recognition``. Raises ``EndpointFailed``, also for what the server reported since
        the last call.
        """
        pcm = self._resampler.feed(from_float(samples))
        if self._link is None:
            pcm = self._first = self._first + pcm
            if len(pcm) < bytes_in(LEAST_MS, self._dialect.rate_hz):
                return None
            self._first = b""
            self._link = self._connect(self._dialect)
            self._link.send(*self._dialect.opening())
        if pcm:
            self._link.send(self._dialect.audio(pcm))
        self._read_waiting(self._link)
        return self._news()

    def finish(self) -> Hypothesis:
        """See ``Recognition``. Raises ``EndpointFailed``."""
        link = self._link
        if link is None:
            return Hypothesis()
        try:
            rest = self._resampler.flush()
            if rest:
                link.send(self._dialect.audio(rest))
            link.send(*self._dialect.ending())
            self._read_to_the_end(link)
        finally:
            self.abort()
        return self._dialect.hypothesis

    def abort(self) -> None:
        """Close the connection; the server is told by that."""
        if self._link is not None:
            self._link.close()

    def _read_waiting(self, link: WebSocketLink) -> None:
        for _ in range(_MOST_AT_ONCE):
            frame = link.receive()
            if frame is None:
                return
            self._dialect.read(frame)

    def _read_to_the_end(self, link: WebSocketLink) -> None:
        ends_s = time.monotonic() + self._final_s
        while not self._dialect.done:
            left_s = ends_s - time.monotonic()
            try:
                frame: Frame | None = link.receive(left_s) if left_s > 0 else None
            except LinkClosed as closed:
                if self._dialect.closed(closed.code):
                    return
                raise
            if frame is None:
                raise EndpointTimedOut(
                    f"{link.origin} gave no final text within {self._final_s:g} s"
                )
            self._dialect.read(frame)

    def _news(self) -> Hypothesis | None:
        """The hypothesis, if it is another one than before."""
        found = self._dialect.hypothesis
        if found == self._shown:
            return None
        self._shown = found
        return found
