"""A live interpretation session of the load: one recording at microphone pace.

Law of this file: sending and receiving; what it means is judged elsewhere. A chunk of 100 ms
leaves when a microphone would have delivered it, by the wheel.
"""

from __future__ import annotations

import asyncio

import msgspec
import pybase64

from dragoman.client.connection import RawEvent
from dragoman.client.event_reader import EventReader
from dragoman.client.events import Event, Problem, SessionEnded
from dragoman.client.interpretation import InterpretSettings, session_object
from dragoman_bench.judging import Row
from dragoman_bench.peer import Peer
from dragoman_bench.recordings import Pcm
from dragoman_bench.wheel import Wheel

MODEL = "qwen3.5-livetranslate-flash-realtime"
CHUNK_MS = 100
_CHUNK_BYTES = 3200
_HEAD, _TAIL = b'{"type":"input_audio_buffer.append","audio":"', b'"}'
_DECODE = msgspec.json.Decoder(dict[str, object])


def append_frame(pcm: bytes) -> bytes:
    """The event that appends this speech."""
    return _HEAD + pybase64.b64encode(pcm) + _TAIL


class Live:
    """One session. ``rows`` is everything received, in ms since the pacing began."""

    def __init__(self, peer: Peer, samples: Pcm) -> None:
        self.rows: list[Row] = []
        self.sent_ms = 0.0
        self.finished_ms: float | None = None
        self.samples = samples
        self._peer = peer
        self._pcm = samples.tobytes()
        self._at = 0
        self._zero_s = 0.0
        self._reading = EventReader()
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        peer.on_text = self._take

    @classmethod
    async def open(cls, port: int, samples: Pcm, target: str, *, speak: bool = True) -> Live:
        """Connect and set the languages."""
        peer = await Peer.connect(port, MODEL)
        await peer.update(
            session_object(InterpretSettings(target=target, text_only=not speak), MODEL)
        )
        return cls(peer, samples)

    def start(self, wheel: Wheel, zero_s: float) -> None:
        """Let the recording begin at this time of the wheel's clock."""
        self._zero_s = zero_s
        wheel.at(zero_s + CHUNK_MS / 1000, lambda due_s: self._send(wheel, due_s))

    async def finished(self, limit_s: float) -> None:
        """Wait until the server has said everything. Raises ``BenchFailed``, ``TimeoutError``."""
        await asyncio.wait_for(self._done, limit_s)
        self._peer.close()

    @property
    def problems(self) -> list[str]:
        """Errors the server reported."""
        return [event.code for _, event in self.rows if isinstance(event, Problem)]

    def _send(self, wheel: Wheel, due_s: float) -> None:
        pcm = self._pcm[self._at : self._at + _CHUNK_BYTES]
        self._at += len(pcm)
        self._peer.send(append_frame(pcm))
        self.sent_ms = (due_s - self._zero_s) * 1000
        if self._at < len(self._pcm):
            wheel.at(due_s + CHUNK_MS / 1000, lambda due_s: self._send(wheel, due_s))
        else:
            self._peer.send(b'{"type":"session.finish"}')

    def _take(self, frame: bytes, now_s: float) -> None:
        raw: RawEvent = _DECODE.decode(frame)
        at_ms = (now_s - self._zero_s) * 1000
        events: list[Event] = self._reading.feed(raw)
        for event in events:
            self.rows.append((at_ms, event))
            if isinstance(event, SessionEnded) and not self._done.done():
                self.finished_ms = at_ms
                self._done.set_result(None)
