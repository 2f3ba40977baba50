"""vLLM-Omni's WebSocket ``/v1/audio/speech/stream``: text goes in, sound comes out.

Scope: that protocol, and connections that are kept for the next segment. A connection carries one
segment at a time::

    -> session.config {voice, ...}      sticky: only if it differs from the last one
    -> input.text {text}  input.done    the segment, to be spoken as one
    <- audio.start {sample_rate}  frames of PCM  audio.done {error}
    <- session.done                     ready for the next segment; older servers hang up now

Whoever stops listening closes the connection, by which the server learns to stop. A kept connection
that turns out to be closed before it answered costs another one.
Source: docs.vllm.ai/projects/vllm-omni/en/latest/serving/speech_api, read November 2026.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Mapping
from contextlib import ExitStack, suppress
from typing import Any

import msgspec
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from dragoman.engines.openai_speech.answered_audio import AnsweredAudio, NotPcm
from dragoman.engines.shared.endpoint_errors import (
    NO_JSON,
    EndpointLimits,
    EndpointNonsense,
    EndpointRefused,
    EndpointTimedOut,
    EndpointUnreachable,
)

_MOST_KEPT = 8
_LONGEST_FRAME = 16 << 20  # without ``stream_audio`` a server sends a segment as one frame
_CLOSE_S = 0.3
"""How long a closed connection waits for the server to say goodbye, too."""

Config = Mapping[str, Any]


class SpeechStreams:
    """Connections to ``url``, which want ``headers``. Thread-safe."""

    def __init__(self, url: str, headers: Mapping[str, str], limits: EndpointLimits) -> None:
        self._url, self._headers, self._limits = url, headers, limits
        self._kept: deque[_Stream] = deque(maxlen=_MOST_KEPT)

    def speak(self, config: Config, text: str, rate_hz: int) -> Generator[bytes, None, None]:
        """The sound of a text as it comes, PCM at ``rate_hz``. Raises ``EndpointFailed``."""
        stream, first = self._ask(config, text)
        try:
            yield from stream.sound(first, rate_hz)
        except BaseException:  # also when nobody listens any more
            stream.close()
            raise
        self._keep(stream)

    def close(self) -> None:
        """Close what is kept."""
        while (stream := self._take()) is not None:
            stream.close()

    def _ask(self, config: Config, text: str) -> tuple[_Stream, str | bytes]:
        """A stream that was given the text, and its first message. Every kept one may be closed."""
        kept = self._take()
        stream = kept or _Stream(self._url, self._headers, self._limits)
        try:
            return stream, stream.ask(config, text)
        except EndpointUnreachable:
            stream.close()
            if kept is None:
                raise
        except BaseException:
            stream.close()
            raise
        return self._ask(config, text)

    def _take(self) -> _Stream | None:
        with suppress(IndexError):
            return self._kept.pop()
        return None

    def _keep(self, stream: _Stream) -> None:
        if len(self._kept) < _MOST_KEPT:
            self._kept.append(stream)
        else:
            stream.close()


class _Stream:
    """One connection, used by one thread at a time."""

    def __init__(self, url: str, headers: Mapping[str, str], limits: EndpointLimits) -> None:
        self._limits = limits
        self._config: Config | None = None
        self._ends_s = 0.0
        self._closing = ExitStack()
        try:
            self._connection: ClientConnection = self._closing.enter_context(
                connect(
                    url,
                    additional_headers=headers,
                    user_agent_header=None,
                    compression=None,
                    open_timeout=limits.connect_s,
                    close_timeout=_CLOSE_S,
                    max_size=_LONGEST_FRAME,
                )
            )
        except InvalidStatus as error:
            raise EndpointRefused("the speech endpoint", error.response.status_code) from None
        except TimeoutError:
            raise EndpointTimedOut("the speech endpoint did not connect in time") from None
        except (OSError, WebSocketException):
            raise EndpointUnreachable("the speech endpoint cannot be reached") from None

    def close(self) -> None:
        self._closing.close()

    def ask(self, config: Config, text: str) -> str | bytes:
        """Give it a text; the first message of its answer."""
        self._ends_s = time.monotonic() + self._limits.total_s
        if config != self._config:
            self._send({"type": "session.config", "stream_audio": True, **config})
            self._config = config
        self._send({"type": "input.text", "text": text})
        self._send({"type": "input.done"})
        return self._receive(self._limits.first_byte_s)

    def sound(self, message: str | bytes, rate_hz: int) -> Generator[bytes, None, None]:
        """The sound, from the first message on, to the end of the segment."""
        audio, left = AnsweredAudio("", raw_hz=rate_hz, rate_hz=rate_hz), self._limits.answer_bytes
        try:
            while True:
                if isinstance(message, bytes):
                    left -= len(message)
                    if left < 0:
                        raise NotPcm("it is longer than any text")
                    yield audio.feed(message)
                else:
                    event = _event(message)
                    if event.type == "session.done":
                        yield audio.finish()
                        return
                    if event.type == "audio.start" and event.sample_rate:
                        rest, raw_hz = audio.finish(), event.sample_rate
                        audio = AnsweredAudio("", raw_hz=raw_hz, rate_hz=rate_hz)
                        yield rest
                message = self._receive(self._limits.between_s)
        except NotPcm as reason:
            raise EndpointNonsense(f"the speech endpoint's answer is of no use: {reason}") from None

    def _send(self, message: Mapping[str, Any]) -> None:
        try:
            self._connection.send(msgspec.json.encode(message).decode())
        except (ConnectionClosed, OSError):
            raise EndpointUnreachable("the speech endpoint had closed the connection") from None

    def _receive(self, most_s: float) -> str | bytes:
        left_s = min(most_s, self._ends_s - time.monotonic())
        try:
            return self._connection.recv(timeout=max(0.0, left_s))
        except TimeoutError:
            raise EndpointTimedOut(f"the speech endpoint was silent for {most_s:g} s") from None
        except ConnectionClosed:
            text = "the speech endpoint closed the connection before the end"
            raise EndpointUnreachable(text, answered=True) from None


class _Event(msgspec.Struct):
    type: str
    sample_rate: int = 0
    error: bool | dict[str, Any] | str | None = None


def _event(message: str) -> _Event:
    """What the server says. Raises ``EndpointNonsense``, also when it says that it failed."""
    try:
        event = msgspec.json.decode(message, type=_Event)
    except NO_JSON:
        raise EndpointNonsense("the speech endpoint said something that is no event") from None
    if event.type == "error" or (event.type == "audio.done" and event.error):
        raise EndpointNonsense("the speech endpoint could not speak a text")
    return event
