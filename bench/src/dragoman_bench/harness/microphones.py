"""Many microphones on one timer: every session sends its next frame every 100 ms.

Scope: the sound and the schedule; what comes back is the caller's. Each session has a phase of its
own, so that frames are spread evenly over time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import numpy as np

from dragoman.speech import HEARING_RATE_HZ
from dragoman_bench.figures import BenchFailed
from dragoman_bench.harness.pacer import Pacer
from dragoman_bench.harness.ws_client import append_audio, framed

EVERY_S = 0.1
FRAME_BYTES = 4_360
CHUNK_BYTES = 3_200
"""100 ms of s16le at 16 kHz."""
CYCLE_FRAMES = 40
"""After so many frames the sound of ``speechlike`` has the same loudness again."""
_LOOP_S = 12

Write = Callable[[bytes], None]
_Until = tuple[int, asyncio.Future[None]]
"""After so many frames the future is done."""


def speechlike() -> list[bytes]:
    """Twelve seconds of append frames, each of 4,360 bytes: syllables, with a pause now and then.

    Noise with a swell for each syllable; 2.4 s of it, then 1.6 s of near silence.
    """
    rng = np.random.default_rng(7)
    at_s = np.arange(_LOOP_S * HEARING_RATE_HZ) / HEARING_RATE_HZ
    swell = 0.5 * (1 - np.cos(2 * np.pi * 4 * at_s)) * (at_s % 4 < 2.4)
    level = 0.0005 + 0.2 * swell
    pcm = (rng.standard_normal(len(at_s)) * level * 8_000).astype("<i2").tobytes()
    return frames_of(pcm)


def frames_of(pcm: bytes) -> list[bytes]:
    """The framed append events of a sound (s16le at 16 kHz), 100 ms each; the last is full, too."""
    frames = []
    for start in range(0, len(pcm), CHUNK_BYTES):
        event = append_audio(pcm[start : start + CHUNK_BYTES].ljust(CHUNK_BYTES, b"\0"))
        # Clients send ids; one of this length makes the event the usual size.
        event_id = "e" * (FRAME_BYTES - len(event) - len('"event_id":"",'))
        frames.append(framed(b'{"event_id":"' + event_id.encode() + b'",' + event[1:]))
    return frames


class Microphones:
    """The schedule of all sessions' frames. A ``Write`` sends a frame of its session."""

    def __init__(self, pacer: Pacer, frames: Sequence[bytes]) -> None:
        self.sent = 0
        self._pacer = pacer
        self._frames = frames
        self._stopped = False

    def start(self, writes: Sequence[Write]) -> None:
        """Have these send until ``stop``, each from another place of the sound on."""
        zero_s = self._pacer.now_s + 0.05
        for index, write in enumerate(writes):
            place = index * len(self._frames) // len(writes)
            self._at(zero_s + index * EVERY_S / len(writes), write, place, None)

    def play(self, write: Write, due_s: float, count: int) -> asyncio.Future[None]:
        """Send so many frames, the first at that time. Done when the last was sent, or when the
        connection was closed.
        """
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._at(due_s, write, 0, (count, ended))
        return ended

    def stop(self) -> None:
        """Send no more."""
        self._stopped = True

    def _at(self, due_s: float, write: Write, place: int, until: _Until | None) -> None:
        def send(due_s: float) -> None:
            if self._stopped:
                return
            is_over = until is not None and place == until[0]
            try:
                if not is_over:
                    write(self._frames[place % len(self._frames)])
                    self.sent += 1
            except BenchFailed:
                is_over = True
            if not is_over:
                self._at(due_s + EVERY_S, write, place + 1, until)
            elif until is not None and not until[1].done():
                until[1].set_result(None)

        self._pacer.at(due_s, send)
