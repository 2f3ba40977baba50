"""A tiny WebSocket server that plays written sessions, in a thread of its own.

A *play* is a coroutine over a ``Stage``: it says events and waits for those of the client. The
plays below follow the documented event orders of both dialects and of synthesis.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import http
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from websockets.asyncio.server import Request, Response, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

TTS = "qwen3-tts-flash-realtime"
FLAT = "qwen3.5-livetranslate-flash-realtime"
OLDEST = "qwen3-livetranslate-flash-realtime"
NESTED = "qwen3.8-livetranslate-flash-realtime"
ASR = "conversation.item.input_audio_transcription."


class Stage:
    """The server's end of one connection."""

    def __init__(self, socket: ServerConnection, received: list[dict[str, Any]]) -> None:
        self.socket = socket
        self.received = received
        self._said = 0

    async def say(self, type_: str, **fields: Any) -> None:
        self._said += 1
        event = {"event_id": f"event_{self._said:021d}", "type": type_, **fields}
        await self.socket.send(json.dumps(event))

    async def hear(self, *types: str) -> dict[str, Any]:
        """Everything the client sends up to an event of one of these types."""
        while True:
            event = json.loads(await self.socket.recv())
            self.received.append(event)
            if event["type"] in types:
                return event

    async def gone(self) -> None:
        """Listen until the client has hung up."""
        with contextlib.suppress(ConnectionClosed):
            await self.hear("")

    async def error(self, code: str, message: str, type_: str, param: str = "") -> None:
        body = {"type": type_, "code": code, "message": message, "param": param}
        await self.say("error", error=body)


Play = Callable[[Stage], Awaitable[None]]


class Fake:
    """A running fake: its address, and what it saw."""

    def __init__(self) -> None:
        self.url = ""
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.received: list[dict[str, Any]] = []

    def types(self) -> list[str]:
        return [event["type"] for event in self.received]

    def sent(self, type_: str) -> list[dict[str, Any]]:
        return [event for event in self.received if event["type"] == type_]

    def pcm(self) -> bytes:
        parts = self.sent("input_audio_buffer.append")
        return b"".join(base64.b64decode(part["audio"], validate=True) for part in parts)


@contextlib.contextmanager
def fake_server(
    play: Play | None = None, *, status: int | None = None, body: bytes = b""
) -> Iterator[Fake]:
    """Serve ``play`` to every connection, or answer each handshake with an HTTP status."""
    fake = Fake()
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def door(connection: ServerConnection, request: Request) -> Response | None:
        fake.paths.append(request.path)
        fake.headers.append(dict(request.headers.raw_items()))
        if status is None:
            return None
        response = connection.respond(http.HTTPStatus(status), "")
        response.body = body
        del response.headers["content-length"]
        response.headers["content-length"] = str(len(body))
        return response

    async def session(socket: ServerConnection) -> None:
        if play is not None:
            with contextlib.suppress(ConnectionClosed):
                await play(Stage(socket, fake.received))

    async def run() -> None:
        options: dict[str, Any] = {"process_request": door, "ping_interval": None}
        options |= {"compression": None, "close_timeout": 1, "max_size": 16 * 1024 * 1024}
        async with serve(session, "127.0.0.1", 0, **options) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            fake.url = f"ws://127.0.0.1:{port}/api-ws/v1/realtime"
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield fake
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


def tone(ms: int, rate_hz: int = 24_000, start: int = 1) -> bytes:
    """A recognisable ramp of samples that are never all zero."""
    count = ms * rate_hz // 1000
    return b"".join(((start + i) % 30_000 + 1).to_bytes(2, "little") for i in range(count))


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


async def opening(stage: Stage, model: str) -> None:
    await stage.say(
        "session.created",
        session={"id": "sess_1", "object": "realtime.session", "model": model, "voice": "Cherry"},
    )


# ---------------------------------------------------------------- synthesis
async def speaking(stage: Stage) -> None:
    """server_commit: speaks a piece at the first text, the rest after finish."""
    await opening(stage, TTS)
    first = await stage.hear("session.update", "input_text_buffer.append")
    if first["type"] == "session.update":
        await stage.say("session.updated", session=first["session"] | {"id": "sess_1"})
        await stage.hear("input_text_buffer.append", "session.finish")
    spoken = {"response_id": "resp_1", "item_id": "item_1", "output_index": 0, "content_index": 0}
    await stage.say("response.created", response={"id": "resp_1", "status": "in_progress"})
    await stage.say("response.audio.delta", **spoken, delta=b64(tone(100)))
    if "session.finish" not in [event["type"] for event in stage.received]:
        await stage.hear("session.finish")
    await stage.say("response.audio.delta", **spoken, delta=b64(tone(50, start=2400)))
    await stage.say("response.audio.done", **spoken)
    usage = {"characters": 5, "total_tokens": 9, "input_tokens": 4, "output_tokens": 5}
    await stage.say(
        "response.done", response={"id": "resp_1", "status": "completed", "usage": usage}
    )
    await stage.say("session.finished")
    await stage.gone()


SPOKEN = tone(100) + tone(50, start=2400)


# ---------------------------------------------------------------- interpretation
_CONTENT = {"content_index": 0}
_ASR = "conversation.item.input_audio_transcription."


def _place(turn: int) -> dict[str, Any]:
    return {
        "response_id": f"resp_{turn}",
        "item_id": f"item_t{turn}",
        "output_index": 0,
        "content_index": 0,
    }


async def flat_turn(stage: Stage, turn: int = 1, *, audio: bool = True) -> None:
    """One segment of the older dialect: snapshots with a stash."""
    item = {"item_id": f"item_s{turn}", **_CONTENT}
    kind = "response.audio_transcript" if audio else "response.text"
    await stage.say("input_audio_buffer.speech_started", audio_start_ms=100, **item)
    await stage.say(f"{_ASR}text", **item, text="", stash="It was", language="en")
    await stage.say("response.created", response={"id": f"resp_{turn}", "status": "in_progress"})
    await stage.say(f"{_ASR}text", **item, text="It was", stash=" the west", language="en")
    await stage.say(f"{kind}.text", **_place(turn), text="Era", stash=" el oeste")
    if audio:
        await stage.say("response.audio.delta", **_place(turn), delta=b64(tone(300)))
    await stage.say(f"{_ASR}text", **item, text="It was the best", stash="", language="en")
    await stage.say(f"{kind}.text", **_place(turn), text="Era el mejor", stash="")
    await stage.say("input_audio_buffer.speech_stopped", audio_end_ms=900, **item)
    await stage.say(f"{_ASR}completed", **item, transcript="It was the best.", language="en")
    done = {"transcript": "Era el mejor."} if audio else {"text": "Era el mejor."}
    await stage.say(f"{kind}.done", **_place(turn), **done)
    if audio:
        await stage.say("response.audio.delta", **_place(turn), delta=b64(tone(200)))
        await stage.say("response.audio.done", **_place(turn))
    await _turn_done(stage, turn)


async def nested_turn(stage: Stage, turn: int = 1) -> None:
    """One segment of the newest dialect: pieces, in the recorded order."""
    item = {"item_id": f"item_s{turn}", **_CONTENT}
    kind = "response.audio_transcript"
    await stage.say("input_audio_buffer.speech_started", audio_start_ms=200, speaker_id=1, **item)
    await stage.say("response.created", response={"id": f"resp_{turn}", "status": "in_progress"})
    for piece in ("It was", " the best"):
        await stage.say(f"{_ASR}delta", **item, delta=piece, obfuscation="abcdefghijklmn")
    for piece in ("Era", " el mejor"):
        await stage.say(f"{kind}.delta", **_place(turn), delta=piece)
    await stage.say("response.audio.delta", **_place(turn), delta=b64(tone(500)))
    await stage.say("input_audio_buffer.speech_stopped", audio_end_ms=900, **item)
    await stage.say(f"{_ASR}completed", **item, transcript="It was the best.")
    await stage.say(f"{kind}.done", **_place(turn), transcript="Era el mejor.")
    await stage.say("response.audio.done", **_place(turn))
    await _turn_done(stage, turn)


async def _turn_done(stage: Stage, turn: int) -> None:
    usage = {"total_tokens": 56, "input_tokens": 47, "output_tokens": 9}
    response = {"id": f"resp_{turn}", "status": "completed", "usage": usage, "output": []}
    await stage.say("response.done", response=response)


async def accept(stage: Stage, model: str) -> None:
    await opening(stage, model)
    update = await stage.hear("session.update")
    await stage.say("session.updated", session=update["session"] | {"id": "sess_1"})


def interpreting(model: str = FLAT, turns: int = 1) -> Play:
    """A whole session: the first turn begins with the first sound, the rest comes at the end."""

    async def play(stage: Stage) -> None:
        await accept(stage, model)
        await stage.hear("input_audio_buffer.append")
        one = nested_turn if model == NESTED else flat_turn
        for turn in range(1, turns + 1):
            await one(stage, turn)
        await stage.hear("session.finish")
        await stage.say("session.finished")
        await stage.gone()

    return play
