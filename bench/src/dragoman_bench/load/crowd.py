"""Many interpretations at microphone pace, from a process of its own.

Scope: the process that ``crowded`` starts: it reads a ``CrowdPlan`` from standard input, says when
all sessions talk and when the first has ended, and writes a ``CrowdResult``. All sessions play the
same sound, each from a moment of its own, so each must get what a session got that was alone: that
one is the ``reference``. Whatever is missing against it was lost, and what comes later than there
is lag. It judges nothing.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Literal

import msgspec
import uvloop

from dragoman.client.interpretation import InterpretSettings, session_object
from dragoman_bench.figures import BenchFailed
from dragoman_bench.harness import processes
from dragoman_bench.harness.microphones import Microphones, frames_of, speechlike
from dragoman_bench.harness.pacer import Pacer
from dragoman_bench.harness.synthesis_session import audio_bytes
from dragoman_bench.harness.ws_client import (
    FINISH,
    INTERPRETATION_MODEL,
    Refused,
    WsClient,
    type_of,
)
from dragoman_bench.interpret.recordings import read, two_cities

Mark = Literal["turn", "heard", "voice", "done"]
_MARKS: dict[str, Mark] = {
    "input_audio_buffer.speech_started": "turn",
    "conversation.item.input_audio_transcription.completed": "heard",
    "response.done": "done",
}
_CREATED, _DELTA = "response.created", "response.audio.delta"
_TEXTS = {
    "conversation.item.input_audio_transcription.completed",
    "response.audio_transcript.done",
}
_FINISH_S = 120.0
_KEPT = 20


class Trace(msgspec.Struct):
    """What one session got. Times are seconds since its first frame was due."""

    marks: dict[Mark, list[float]] = msgspec.field(
        default_factory=lambda: {"turn": [], "heard": [], "voice": [], "done": []}
    )
    texts: list[str] = []
    events: int = 0
    audio_bytes: int = 0
    finish_s: float = 0.0
    """From the last frame to ``session.finished``."""


class CrowdPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How many sessions play how many frames (10 a second) of which sound.

    They begin evenly over ``ramp_s``. ``reference`` is the trace of a session that was alone.
    """

    port: int
    sessions: int
    frames: int
    ramp_s: float = 0.0
    sound: Literal["speechlike", "reading"] = "speechlike"
    reference: Trace | None = None


class CrowdResult(msgspec.Struct, kw_only=True):
    """All sessions together. ``late_s``: for each kind of mark, how much later than in the
    reference each came; ``growth_s``: by how much more the last third of a session's marks was
    late than the first third, in the mean.
    """

    admitted: int = 0
    refused: dict[int, int] = {}
    refusal_ms: list[float] = []
    """From the first byte of the handshake to the refusal."""
    failures: list[str] = []
    failed: int = 0
    sent: int = 0
    events: int = 0
    lost: int = 0
    """Turns, transcripts, responses and texts that the reference has and a session has not."""
    differing: int = 0
    """Sessions whose texts are not those of the reference."""
    audio_s: float = 0.0
    late_s: dict[Mark, list[float]] = {}
    growth_s: dict[Mark, list[float]] = {}
    finish_s: list[float] = []
    generator_late_p99_ms: float = 0.0
    generator_cpu: float = 0.0
    """Cores that this process used while all sessions talked."""
    first: Trace | None = None
    """The trace of the first session."""


class _Session:
    """One session of the crowd; its client's callback fills the trace."""

    def __init__(self) -> None:
        self.trace = Trace()
        self.began_s = 0.0
        self._is_silent = False

    def take(self, event: bytes, now_s: float) -> None:
        """An event of the server."""
        trace, type_ = self.trace, type_of(event)
        trace.events += 1
        if type_ == _DELTA:
            trace.audio_bytes += audio_bytes(event)
            if self._is_silent:
                self._is_silent = False
                trace.marks["voice"].append(now_s - self.began_s)
            return
        if type_ == _CREATED:
            self._is_silent = True
        elif (mark := _MARKS.get(type_)) is not None:
            trace.marks[mark].append(now_s - self.began_s)
        if type_ in _TEXTS:
            trace.texts.append(msgspec.json.decode(event)["transcript"])


class Crowd:
    """All sessions of a plan."""

    def __init__(self, plan: CrowdPlan, frames: Sequence[bytes]) -> None:
        self._plan = plan
        self._pacer = Pacer()
        self._microphones = Microphones(self._pacer, frames)
        self.result = CrowdResult()
        self._refused: Counter[int] = Counter()
        self.traces: list[Trace] = []
        self._ended = asyncio.Event()

    async def run(self) -> CrowdResult:
        """Play everything."""
        plan = self._plan
        zero_s = self._pacer.now_s + 0.1
        tasks = [
            asyncio.create_task(self._one(zero_s + number * plan.ramp_s / plan.sessions))
            for number in range(plan.sessions)
        ]
        await asyncio.sleep(plan.ramp_s + 1.0)
        cpu_s, wall_s = time.process_time(), time.monotonic()
        _say("talking")
        ending = asyncio.create_task(self._ended.wait())
        await asyncio.wait([ending, *tasks], return_when=asyncio.FIRST_COMPLETED)
        _say("ending")
        used_s = time.process_time() - cpu_s
        self.result.generator_cpu = used_s / (time.monotonic() - wall_s)
        await asyncio.gather(*tasks)
        ending.cancel()
        return self._summed()

    async def _one(self, at_s: float) -> None:
        session = _Session()
        await asyncio.sleep(max(0.0, at_s - self._pacer.now_s))
        asked_s = self._pacer.now_s
        try:
            client = await WsClient.connect(self._plan.port, INTERPRETATION_MODEL)
        except Refused as refused:
            self._refused[refused.status] += 1
            self.result.refusal_ms.append((self._pacer.now_s - asked_s) * 1000)
            return
        except (BenchFailed, OSError, TimeoutError) as failure:
            self._failed(failure)
            return
        try:
            await self._talk(client, session)
            self.traces.append(session.trace)
        except (BenchFailed, OSError, TimeoutError) as failure:
            self._failed(failure)
        finally:
            self._ended.set()
            client.close()

    async def _talk(self, client: WsClient, session: _Session) -> None:
        settings = InterpretSettings(target="es", source="en")
        await client.update(session_object(settings, INTERPRETATION_MODEL))
        client.on_text = session.take
        # The error that ends a session ends this wait, too.
        finished = client.next_event("session.finished")
        session.began_s = self._pacer.now_s + 0.02
        await self._microphones.play(client.write, session.began_s, self._plan.frames)
        last_s = self._pacer.now_s
        self._ended.set()
        if not finished.done():
            client.send(FINISH)
        await asyncio.wait_for(finished, _FINISH_S)
        session.trace.finish_s = self._pacer.now_s - last_s

    def _failed(self, failure: Exception) -> None:
        self.result.failed += 1
        if len(self.result.failures) < _KEPT:
            self.result.failures.append(str(failure)[:300] or type(failure).__name__)

    def _summed(self) -> CrowdResult:
        result, traces = self.result, self.traces
        result.admitted = self._plan.sessions - self._refused.total()
        result.refused = dict(self._refused)
        result.sent = self._microphones.sent
        result.events = sum(trace.events for trace in traces)
        result.audio_s = sum(trace.audio_bytes for trace in traces) / 48_000
        result.finish_s = [round(trace.finish_s, 4) for trace in traces]
        result.generator_late_p99_ms = self._pacer.late_p99_ms()
        result.first = traces[0] if traces else None
        if self._plan.reference is not None:
            compare(result, traces, self._plan.reference)
        return result


def compare(result: CrowdResult, traces: Sequence[Trace], reference: Trace) -> None:
    """Add to the result what the traces lost against the reference, and how late the rest came."""
    result.late_s = {mark: [] for mark in reference.marks}
    result.growth_s = {mark: [] for mark in reference.marks}
    for trace in traces:
        for mark, expected in reference.marks.items():
            found = trace.marks[mark]
            result.lost += max(0, len(expected) - len(found))
            late = [at - due for at, due in zip(found, expected, strict=False)]
            result.late_s[mark] += late
            third = len(late) // 3
            if third:
                grown = statistics.fmean(late[-third:]) - statistics.fmean(late[:third])
                result.growth_s[mark].append(grown)
        result.lost += max(0, len(reference.texts) - len(trace.texts))
        result.differing += trace.texts != reference.texts


async def _frames(sound: str) -> list[bytes]:
    if sound == "speechlike":
        return speechlike()
    return frames_of((await read(two_cities().path)).tobytes())


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Play the plan on standard input."""
    plan = msgspec.json.decode(sys.stdin.buffer.readline(), type=CrowdPlan)
    processes.raise_file_limit(plan.sessions + 200)

    async def run() -> CrowdResult:
        return await Crowd(plan, await _frames(plan.sound)).run()

    _say(msgspec.json.encode(uvloop.run(run())).decode())


if __name__ == "__main__":
    main()
