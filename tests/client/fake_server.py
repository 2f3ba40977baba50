"""A small WebSocket server that runs a scripted session for each connection, in a thread.

A script is a coroutine over a ``ServerSide``, which sends events and waits for those of the client.
The scripts below follow the documented event orders of interpretation and synthesis.
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


class ServerSide:
    """The server side of one connection."""

    def __init__(self, socket: ServerConnection, received: list[dict[str, Any]]) -> None:
        self.socket = socket
        self.received = received
        self._sent = 0

    async def send(self, type_: str, **fields: Any) -> None:
        self._sent += 1
        event = {"event_id": f"event_{self._sent:021d}", "type": type_, **fields}
        await self.socket.send(json.dumps(event))

    async def receive_until(self, *types: str) -> dict[str, Any]:
        """Receive events up to one of these types, and return that one."""
        while True:
            event = json.loads(await self.socket.recv())
            self.received.append(event)
            if event["type"] in types:
                return event

    async def wait_for_close(self) -> None:
        """Receive until the client closes the connection."""
        with contextlib.suppress(ConnectionClosed):
            await self.receive_until("")

    async def error(self, code: str, message: str, type_: str, param: str = "") -> None:
        body = {"type": type_, "code": code, "message": message, "param": param}
        await self.send("error", error=body)


Script = Callable[[ServerSide], Awaitable[None]]


class FakeServer:
    """A running fake server: its address, and what it received."""

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
    script: Script | None = None, *, status: int | None = None, body: bytes = b""
) -> Iterator[FakeServer]:
    """Run ``script`` for every connection, or answer each handshake with an HTTP status."""
    fake = FakeServer()
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def handshake(connection: ServerConnection, request: Request) -> Response | None:
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
        if script is not None:
            with contextlib.suppress(ConnectionClosed):
                await script(ServerSide(socket, fake.received))

    async def run() -> None:
        options: dict[str, Any] = {"process_request": handshake, "ping_interval": None}
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
    """A ramp of samples, none of them zero."""
    count = ms * rate_hz // 1000
    return b"".join(((start + i) % 30_000 + 1).to_bytes(2, "little") for i in range(count))


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def usage(total: int, given: int, made: int) -> dict[str, Any]:
    """The ``usage`` of a response."""
    return {
        "total_tokens": total, "input_tokens": given, "output_tokens": made,
        "input_tokens_details": {"text_tokens": given},
        "output_tokens_details": {"text_tokens": made},
    }  # fmt: skip


async def opening(server: ServerSide, model: str) -> None:
    await server.send(
        "session.created",
        session={"id": "sess_1", "object": "realtime.session", "model": model, "voice": "Cherry"},
    )


# ---------------------------------------------------------------- synthesis
async def speaking(server: ServerSide) -> None:
    """server_commit: audio after the first text, the rest after finish."""
    await opening(server, TTS)
    first = await server.receive_until("session.update", "input_text_buffer.append")
    if first["type"] == "session.update":
        await server.send("session.updated", session=first["session"] | {"id": "sess_1"})
        await server.receive_until("input_text_buffer.append", "session.finish")
    spoken = {"response_id": "resp_1", "item_id": "item_1", "output_index": 0, "content_index": 0}
    await server.send("response.created", response={"id": "resp_1", "status": "in_progress"})
    await server.send("response.audio.delta", **spoken, delta=b64(tone(100)))
    if "session.finish" not in [event["type"] for event in server.received]:
        await server.receive_until("session.finish")
    await server.send("response.audio.delta", **spoken, delta=b64(tone(50, start=2400)))
    await server.send("response.audio.done", **spoken)
    response = {"id": "resp_1", "status": "completed", "usage": usage(9, 4, 5) | {"characters": 5}}
    await server.send("response.done", response=response)
    await server.send("session.finished")
    await server.wait_for_close()


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


async def flat_turn(server: ServerSide, turn: int = 1, *, audio: bool = True) -> None:
    """One turn of ``qwen3`` and ``qwen3.5``: snapshots with a stash."""
    item = {"item_id": f"item_s{turn}", **_CONTENT}
    kind = "response.audio_transcript" if audio else "response.text"
    await server.send("input_audio_buffer.speech_started", audio_start_ms=100, **item)
    await server.send(f"{_ASR}text", **item, text="", stash="It was", language="en")
    await server.send("response.created", response={"id": f"resp_{turn}", "status": "in_progress"})
    await server.send(f"{_ASR}text", **item, text="It was", stash=" the west", language="en")
    await server.send(f"{kind}.text", **_place(turn), text="Era", stash=" el oeste")
    if audio:
        await server.send("response.audio.delta", **_place(turn), delta=b64(tone(300)))
    await server.send(f"{_ASR}text", **item, text="It was the best", stash="", language="en")
    await server.send(f"{kind}.text", **_place(turn), text="Era el mejor", stash="")
    await server.send("input_audio_buffer.speech_stopped", audio_end_ms=900, **item)
    await server.send(f"{_ASR}completed", **item, transcript="It was the best.", language="en")
    done = {"transcript": "Era el mejor."} if audio else {"text": "Era el mejor."}
    await server.send(f"{kind}.done", **_place(turn), **done)
    if audio:
        await server.send("response.audio.delta", **_place(turn), delta=b64(tone(200)))
        await server.send("response.audio.done", **_place(turn))
    await _turn_done(server, turn)


async def nested_turn(server: ServerSide, turn: int = 1) -> None:
    """One turn of ``qwen3.8``: deltas, in the recorded order."""
    item = {"item_id": f"item_s{turn}", **_CONTENT}
    kind = "response.audio_transcript"
    await server.send("input_audio_buffer.speech_started", audio_start_ms=200, speaker_id=1, **item)
    await server.send("response.created", response={"id": f"resp_{turn}", "status": "in_progress"})
    for piece in ("It was", " the best"):
        await server.send(f"{_ASR}delta", **item, delta=piece, obfuscation="abcdefghijklmn")
    for piece in ("Era", " el mejor"):
        await server.send(f"{kind}.delta", **_place(turn), delta=piece)
    await server.send("response.audio.delta", **_place(turn), delta=b64(tone(500)))
    await server.send("input_audio_buffer.speech_stopped", audio_end_ms=900, **item)
    await server.send(f"{_ASR}completed", **item, transcript="It was the best.")
    await server.send(f"{kind}.done", **_place(turn), transcript="Era el mejor.")
    await server.send("response.audio.done", **_place(turn))
    await _turn_done(server, turn)


async def _turn_done(server: ServerSide, turn: int) -> None:
    response = {"id": f"resp_{turn}", "status": "completed", "output": []}
    response["usage"] = usage(56, 47, 9)
    await server.send("response.done", response=response)


async def accept(server: ServerSide, model: str) -> None:
    await opening(server, model)
    update = await server.receive_until("session.update")
    await server.send("session.updated", session=update["session"] | {"id": "sess_1"})


def interpreting(model: str = FLAT, turns: int = 1) -> Script:
    """A whole session: the turns start with the first audio."""

    async def script(server: ServerSide) -> None:
        await accept(server, model)
        await server.receive_until("input_audio_buffer.append")
        one = nested_turn if model == NESTED else flat_turn
        for turn in range(1, turns + 1):
            await one(server, turn)
        await server.receive_until("session.finish")
        await server.send("session.finished")
        await server.wait_for_close()

    return script
