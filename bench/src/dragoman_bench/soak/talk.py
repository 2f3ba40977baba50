"""A long session of a soak: a talk at the pace of a microphone, watched while it runs.

Law of this file: sending, receiving, logging and counting what is open; the log is judged when
the talk is over. Nothing here grows with the talk but the log on the disk.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from dragoman.client.event_log import EventLog
from dragoman.client.events import (
    Event,
    Other,
    Problem,
    ResponseFinished,
    SessionEnded,
    SourceSpeechStarted,
    SourceText,
    SpeechAudio,
)
from dragoman.client.interpretation import InterpretClient
from dragoman_bench.interpret.play import MODEL
from dragoman_bench.interpret.stream import Stream
from dragoman_bench.numbers import BenchFailed

CHUNK_MS = 100
_CHUNK = 1600
_OPEN_S = 60.0
_FINISH_S = 120.0
_OUT_BYTES_PER_MS = 48


class Tally:
    """What one session was promised and has not got yet. Fed with typed events."""

    def __init__(self) -> None:
        self.turns = 0
        self.responses = 0
        self.failed: list[str] = []
        self._items: set[str] = set()
        self._responses: set[str] = set()
        self._heard_until_ms = 0.0

    def take(self, at_ms: float, event: Event) -> None:
        """One event."""
        match event:
            case SourceSpeechStarted(item_id=item):
                self.turns += 1
                self._items.add(item)
            case SourceText(item_id=item, final=True):
                self._items.discard(item)
            case Other(type="response.created", raw=raw):
                self.responses += 1
                self._responses.add(str(raw.get("response", {}).get("id")))
            case ResponseFinished(response_id=response, status=status):
                self._responses.discard(response)
                if status != "completed":
                    self.failed.append(status)
            case SpeechAudio(data=pcm):
                start_ms = max(at_ms, self._heard_until_ms)
                self._heard_until_ms = start_ms + len(pcm) / _OUT_BYTES_PER_MS
            case Problem(code=code):
                self.failed.append(code)
            case _:
                pass

    @property
    def open_items(self) -> int:
        """Turns whose transcript is not complete."""
        return len(self._items)

    @property
    def open_responses(self) -> int:
        """Responses that are not done."""
        return len(self._responses)

    def unheard_s(self, at_ms: float) -> float:
        """How much speech has come that a listener has not heard yet."""
        return max(0.0, self._heard_until_ms - at_ms) / 1000


class Talk:
    """One long session; ``log`` is where its events go."""

    def __init__(self, stream: Stream, log: Path) -> None:
        self.stream = stream
        self.log = log
        self.tally = Tally()
        self.sent_ms = 0.0
        self.late_ms = 0.0
        """By how much the worst chunk left late: the load's own fault."""
        self._events = EventLog(log)

    async def run(self, url: str, session: dict[str, object]) -> None:
        """From the first chunk to ``session.finished``. Raises ``BenchFailed``, ``ClientError``."""
        with self._events as log:
            async with InterpretClient(url, model=MODEL, open_timeout_s=_OPEN_S) as client:
                await client.send({"type": "session.update", "session": session})
                log.start()
                receiver = asyncio.create_task(self._receive(client))
                try:
                    await self._send(client, receiver)
                    await asyncio.wait_for(receiver, _FINISH_S)
                except TimeoutError:
                    late = f"not finished {_FINISH_S:.0f} s after the last audio"
                    raise BenchFailed(late) from None
                finally:
                    receiver.cancel()

    def unheard_s(self) -> float:
        """See ``Tally.unheard_s``; now."""
        return self.tally.unheard_s(self._events.now_ms())

    async def _send(self, client: InterpretClient, receiver: asyncio.Task[None]) -> None:
        log, samples = self._events, self.stream.samples
        for number, start in enumerate(range(0, len(samples), _CHUNK), 1):
            if receiver.done():
                receiver.result()
                raise BenchFailed("the session ended before the talk did")
            due_ms = number * CHUNK_MS
            await asyncio.sleep(max(0.0, due_ms - log.now_ms()) / 1000)
            self.late_ms = max(self.late_ms, log.now_ms() - due_ms)
            pcm = samples[start : start + _CHUNK].tobytes()
            await client.send_audio(pcm)
            log.sent("input_audio_buffer.append", pcm)
            self.sent_ms = due_ms
        await client.finish()
        log.sent("session.finish")

    async def _receive(self, client: InterpretClient) -> None:
        async for event in client:
            at_ms = self._events.now_ms()
            self._events.received(at_ms, event)
            self.tally.take(at_ms, event)
            if isinstance(event, SessionEnded):
                return
            if isinstance(event, Problem) and event.fatal:
                raise event.as_error()
        raise BenchFailed("the server hung up before it had finished")


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a talk's promises."""

    turns: int
    responses: int
    open_items: int
    open_responses: int
    failed: list[str]
    late_ms: float


def told(talk: Talk) -> Told:
    """After the talk."""
    tally = talk.tally
    return Told(
        turns=tally.turns,
        responses=tally.responses,
        open_items=tally.open_items,
        open_responses=tally.open_responses,
        failed=tally.failed,
        late_ms=talk.late_ms,
    )
