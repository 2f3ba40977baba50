"""One synthesis session of a load, which has texts spoken again and again.

Scope: what is sent and what is counted of the answer; when to send is the caller's decision.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping

import msgspec

from dragoman_bench.figures import BenchFailed
from dragoman_bench.harness.ws_client import SYNTHESIS_MODEL, WsClient, framed, type_of

VOICE, RATE_HZ = "Cherry", 24_000
PIECES_PER_S = 40
"""How fast a language model writes pieces of text."""
COMMIT = framed(b'{"type":"input_text_buffer.commit"}')
_SHORTEST, _LONGEST = 2, 6
_DELTA = b'"delta":"'


class Spoken(msgspec.Struct, frozen=True):
    """A text that was spoken: when its first audio came (seconds of ``time.monotonic``), and how
    many bytes of audio came.
    """

    first_audio_s: float
    audio_bytes: int


def settings(mode: str) -> Mapping[str, object]:
    """The ``session`` of ``session.update``: raw PCM at the rate of the benchmark."""
    return {
        "voice": VOICE,
        "mode": mode,
        "language_type": "English",
        "response_format": "pcm",
        "sample_rate": RATE_HZ,
    }


def append_text(text: str) -> bytes:
    """The framed event that appends the text."""
    return framed(msgspec.json.encode({"type": "input_text_buffer.append", "text": text}))


def pieces_of(text: str, seed: int = 40) -> list[str]:
    """The text in pieces of two to six characters, as a language model writes; the same in every
    run.
    """
    chance = random.Random(seed)  # noqa: S311  # not for secrets
    pieces: list[str] = []
    at = 0
    while at < len(text):
        size = chance.randint(_SHORTEST, _LONGEST)
        pieces.append(text[at : at + size])
        at += size
    return pieces


def audio_bytes(event: bytes) -> int:
    """How many bytes of audio an event carries, from the length of its base64."""
    start = event.find(_DELTA)
    if start < 0:
        return 0
    start += len(_DELTA)
    end = event.index(b'"', start)
    padding = event.count(b"=", end - 2, end) if end - start >= 2 else 0
    return (end - start) // 4 * 3 - padding


class SynthesisSession:
    """A configured connection. ``expect`` the speech of a text, then ``write`` its events."""

    def __init__(self, client: WsClient) -> None:
        self.write = client.write
        self.close = client.close
        self._first_audio_s = 0.0
        self._audio_bytes = 0
        self._spoken: asyncio.Future[Spoken] | None = None
        client.on_text = self._take

    @classmethod
    async def open(cls, port: int, mode: str) -> SynthesisSession:
        """Connect and configure."""
        client = await WsClient.connect(port, SYNTHESIS_MODEL)
        await client.update(settings(mode))
        return cls(client)

    def expect(self) -> asyncio.Future[Spoken]:
        """The speech of the next text, once all of it is there."""
        self._spoken = asyncio.get_running_loop().create_future()
        self._first_audio_s, self._audio_bytes = 0.0, 0
        return self._spoken

    def _take(self, event: bytes, now_s: float) -> None:
        spoken, type_ = self._spoken, type_of(event)
        if spoken is None or spoken.done():
            return
        if type_ == "response.audio.delta":
            self._first_audio_s = self._first_audio_s or now_s
            self._audio_bytes += audio_bytes(event)
        elif type_ == "error":
            spoken.set_exception(BenchFailed(event.decode()))
        elif type_ == "response.done":
            spoken.set_result(Spoken(self._first_audio_s, self._audio_bytes))
