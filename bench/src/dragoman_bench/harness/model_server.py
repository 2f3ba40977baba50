"""A model server in the shape of OpenAI's on the loopback interface, a process of its own.

Scope: what the adapters' cost is measured against: ``/v1/audio/speech`` (hibari speaks),
``/v1/audio/transcriptions`` (Moonshine listens), ``/v1/chat/completions`` (a fixed answer, streamed
at 200 tokens a second, as a small model does on a GPU) and ``/v1/models``. It checks nothing.

Run as ``python -m dragoman_bench.harness.model_server``: takes a free port, prints its address, and
ends when its standard input does.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import numpy as np

from dragoman.engines import registry
from dragoman.engines.base import EngineUnavailable, Utterance, Window
from dragoman.speech import joined_text
from dragoman_bench.figures import BenchFailed

ANSWER = ("Guten", " Morgen", " und", " herzlich", " willkommen", " zu", " dieser", " Sitzung", ".")
_TOKEN_S = 0.005
_PIECE = 9_600  # bytes of PCM, 200 ms at 24 kHz
_HEADER = 44  # bytes in front of the samples of a WAV file


class _Requests(BaseHTTPRequestHandler):
    """Answers one connection's requests."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    engines: dict[str, Any]

    def do_GET(self) -> None:
        """The list of models."""
        self._json({"data": [{"id": "bench"}]})

    def do_POST(self) -> None:
        """Whichever of the three it is."""
        body = self.rfile.read(int(self.headers["content-length"]))
        path = self.path.removeprefix("/v1/")
        if path == "audio/speech":
            self._stream("audio/pcm", self._speech(json.loads(body)["input"]))
        elif path == "audio/transcriptions":
            self._json({"text": self._text(body), "language": "english", "segments": []})
        else:
            self._stream("text/event-stream", _tokens())

    def _speech(self, text: str) -> Iterator[bytes]:
        asked = Utterance(text=text, voice="", language="en")
        for pcm in self.engines["hibari"].synthesize(asked):
            for at in range(0, len(pcm), _PIECE):
                yield pcm[at : at + _PIECE]

    def _text(self, body: bytes) -> str:
        wav = body[body.index(b"RIFF") :]
        size = int.from_bytes(wav[_HEADER - 4 : _HEADER], "little")
        pcm = np.frombuffer(wav[_HEADER : _HEADER + size], "<i2")
        window = Window((pcm.astype(np.float32) / 32768).tobytes(), "en")
        return joined_text(self.engines["moonshine"].transcribe([window])[0].words)

    def _json(self, answer: dict[str, Any]) -> None:
        content = msgspec.json.encode(answer)
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, kind: str, pieces: Iterable[bytes]) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for piece in pieces:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        """Nothing."""


def _tokens() -> Iterator[bytes]:
    for text in ANSWER:
        time.sleep(_TOKEN_S)  # the model at work
        yield _event({"choices": [{"delta": {"content": text}, "finish_reason": None}]})
    yield _event({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    yield b"data: [DONE]\n\n"


def _event(content: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(content) + b"\n\n"


@contextlib.contextmanager
def model_server() -> Iterator[str]:
    """The address up to ``/v1``. Raises ``BenchFailed`` if an engine behind it is missing."""
    command = [sys.executable, "-m", "dragoman_bench.harness.model_server"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        if not re.fullmatch(r"http://\S+", line):
            process.kill()
            raise BenchFailed(line or "the model server did not start")
        try:
            yield line
        finally:
            process.communicate()


def main(engines: Callable[[str], Any] = registry.make) -> None:
    """Serve until the end of standard input."""
    _Requests.engines = {name: engines(name) for name in ("hibari", "moonshine")}
    try:
        for engine in _Requests.engines.values():
            engine.load()
    except EngineUnavailable as refusal:
        sys.stdout.write(f"{refusal}\n")
        return
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Requests)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}/v1\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
