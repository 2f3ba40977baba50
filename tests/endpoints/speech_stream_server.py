"""vLLM-Omni's WebSocket ``/v1/audio/speech/stream`` on the loopback interface.

Scope: the protocol as it is documented, with espeak behind it, and the misbehaviour that a test
asks for. ``GET /v1/models`` and ``/v1/audio/voices`` are answered at the same address.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from tests.endpoints.http_server import WAIT_S
from tests.endpoints.openai_audio import RATE_HZ, VOICES, odd_pieces, spoken

PATH = "/v1/audio/speech/stream"
_PAGES = {"/v1/models": {"data": [{"id": "qwen3-tts"}]}, "/v1/audio/voices": {"voices": VOICES}}


class StreamedSegment:
    """One segment that is to be spoken over a connection, and the means to do it."""

    def __init__(self, socket: ServerConnection, config: dict[str, Any], text: str, number: int):
        self.socket, self.config, self.text, self.number = socket, config, text, number

    def event(self, type_: str, **fields: Any) -> None:
        index = {"utterance_index": self.number, "sentence_index": 0}
        self.socket.send(json.dumps({"type": type_, **index, **fields}))

    def sound(self, pieces: Iterator[bytes]) -> None:
        """A whole answer with this sound."""
        self.event("audio.start", sentence_text=self.text, format="pcm", sample_rate=RATE_HZ)
        sent = 0
        for piece in pieces:
            self.socket.send(piece)
            sent += len(piece)
        self.event("audio.done", total_bytes=sent, error=False)
        self.event("session.done", total_sentences=1)


def speaks(segment: StreamedSegment) -> None:
    """What the server does unless a test wants something else."""
    fields = {**segment.config, "input": segment.text}
    segment.sound(odd_pieces(spoken(fields), (4_001, 777, 2_001)))


class SpeechStreamServer:
    """Listens on a free port while its ``with`` statement is open. ``hangs_up``: as older servers,
    which end the connection behind each segment.
    """

    def __init__(self, *, hangs_up: bool = False) -> None:
        self.speak: Callable[[StreamedSegment], None] = speaks
        self.hangs_up = hangs_up
        self.messages: list[list[dict[str, Any]]] = []
        """What came over each connection."""
        self.headers: list[Any] = []
        self.open = 0
        self._changed = threading.Condition()
        self._server = serve(
            self._serve, "127.0.0.1", 0, process_request=self._page, compression=None
        )
        self.url = f"http://127.0.0.1:{self._server.socket.getsockname()[1]}/v1"

    def __enter__(self) -> SpeechStreamServer:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()

    def wait_closed(self) -> None:
        """Until no connection is open."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.open == 0, WAIT_S)

    def _page(self, socket: ServerConnection, request: Request) -> Response | None:
        self.headers.append(request.headers)
        if request.path == PATH:
            return None
        page = _PAGES.get(request.path)
        status = HTTPStatus.OK if page else HTTPStatus.NOT_FOUND
        return socket.respond(status, json.dumps(page))

    def _serve(self, socket: ServerConnection) -> None:
        messages: list[dict[str, Any]] = []
        with self._changed:
            self.messages.append(messages)
            self.open += 1
        try:
            self._segments(socket, messages)
        except ConnectionClosed:
            pass
        finally:
            with self._changed:
                self.open -= 1
                self._changed.notify_all()

    def _segments(self, socket: ServerConnection, messages: list[dict[str, Any]]) -> None:
        config: dict[str, Any] | None = None
        text, number = "", 0
        for message in socket:
            event = json.loads(message)
            messages.append(event)
            match event.pop("type"):
                case "session.config":
                    assert not text, "a config while text is buffered is refused"
                    config = event
                case "input.text":
                    assert config is not None, "the config comes first"
                    text += event["text"]
                case "input.done":
                    self.speak(StreamedSegment(socket, config or {}, text, number))
                    text, number = "", number + 1
                    if self.hangs_up:
                        return
                case "session.close":
                    return
