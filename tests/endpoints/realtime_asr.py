"""Loopback servers for realtime recognition: five dialects as their documents describe them.

Each hears by one rule: every 400 ms of a turn with sound in them are a word ("One", "two", ...), a
guess as long as they are not complete. What they accept is what the real ones accept: another rate,
a missing intent or a wrong order is an error. ``Fault`` makes one misbehave. ``seen`` are the JSON
events and the addresses that came in.

Sources: OpenAI's guide "Realtime transcription" and the types of its package, vLLM's
``realtime/connection.py``, SGLang-Omni's cookbook (Qwen3-ASR), Deepgram's reference "Live audio",
NVIDIA's "Realtime API Reference" and Python client.
"""

from __future__ import annotations

import base64
import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from dragoman.engines.scripted.rules import CELL_MS, is_loud, rule_word

KEY = "sk-loopback"


@dataclass
class Fault:
    """What goes wrong; times count the frames of audio that came."""

    refuse: int = 0  # HTTP status of the handshake
    refusals: int = 1_000_000  # how many times
    stall_after: int = -1  # nothing is read any more
    close_after: int = -1  # the connection is closed with 1011
    drop_after: int = -1  # and here without a close frame
    nonsense_after: int = -1  # a frame that is no JSON
    huge_after: int = -1  # a frame of 3 MB
    flood_after: int = -1  # events that nobody knows, without end
    error_after: int = -1  # the dialect's error event, which quotes what was said
    mute_end: bool = False  # the final text never comes


@dataclass
class AsrLoopback:
    """A running server. ``url`` has no path, like an operator's."""

    url: str
    fault: Fault
    seen: list[dict[str, Any]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    open: set[ServerConnection] = field(default_factory=set)
    over: threading.Event = field(default_factory=threading.Event)

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.seen if event.get("type") == kind]

    @property
    def query(self) -> dict[str, list[str]]:
        """The query of the last handshake."""
        return parse_qs(urlsplit(self.requests[-1].path).query)

    def wait_for_none_open(self, timeout_s: float = 10.0) -> bool:
        ends = time.monotonic() + timeout_s
        while self.open and time.monotonic() < ends:
            time.sleep(0.01)
        return not self.open


class Heard:
    """A turn by the rule. ``complete`` words never change; ``guess`` has the running one, too."""

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz, self.pcm = rate_hz, b""

    def feed(self, pcm: bytes) -> None:
        assert len(pcm) % 2 == 0, "whole samples"
        self.pcm += pcm

    @property
    def ms(self) -> float:
        return len(self.pcm) / 2 * 1000 / self.rate_hz

    def words(self, *, complete: bool = False) -> list[tuple[str, int, int]]:
        samples = np.frombuffer(self.pcm, "<i2").astype(np.float32) / 32768
        size, found = self.rate_hz * CELL_MS // 1000, []
        count = samples.size // size if complete else -(-samples.size // size)
        for cell in range(count):
            if is_loud(samples[cell * size : (cell + 1) * size]):
                found.append((rule_word(cell), cell * CELL_MS, (cell + 1) * CELL_MS))
        return found

    def text(self, *, complete: bool = False) -> str:
        return " ".join(word for word, _, _ in self.words(complete=complete))


class Talk:
    """One connection: reads with the faults, remembers what came."""

    def __init__(self, socket: ServerConnection, server: AsrLoopback) -> None:
        self.socket, self.server = socket, server
        self.query = parse_qs(urlsplit(socket.request.path).query)  # type: ignore[union-attr]
        self._frames = 0
        self._events = 0

    def send(self, **event: Any) -> None:
        self._events += 1
        self.socket.send(json.dumps({"event_id": f"event_{self._events}", **event}))

    def events(self, error: Callable[[str], None]) -> Iterator[Any]:
        """Client frames: dictionaries, or bytes of audio."""
        for frame in self.socket:
            event = frame if isinstance(frame, bytes) else json.loads(frame)
            is_audio = isinstance(event, bytes) or "append" in event["type"]
            if not isinstance(event, bytes):
                self.server.seen.append(event)
            if is_audio:
                self._frames += 1
                self._misbehave(error)
            yield event

    def _misbehave(self, error: Callable[[str], None]) -> None:
        fault, now = self.server.fault, self._frames
        if fault.close_after == now:
            self.socket.close(1011, "the words that were said")
        if fault.drop_after == now:
            self.socket.socket.shutdown(2)
        if fault.nonsense_after == now:
            self.socket.send("the words that were said {")
        if fault.huge_after == now:
            self.socket.send("x" * 3_000_000)
        if fault.error_after == now:
            error("the words that were said")
        if fault.stall_after == now:
            self.server.over.wait(60)
        while fault.flood_after == now:
            self.send(type="unheard.of")


# ---------------------------------------------------------------- OpenAI
def openai(talk: Talk) -> None:
    """``/v1/realtime?intent=transcription``, form of 2026."""
    if talk.query.get("intent") != ["transcription"] or "model" in talk.query:
        talk.socket.close(4000, "a conversation, not a transcription")
        return

    def error(message: str, code: str = "server_error") -> None:
        details = {"type": "invalid_request_error", "code": code, "message": message}
        talk.send(type="error", error={**details, "param": None, "event_id": None})

    heard, shown, item, session = Heard(24_000), "", 1, None
    base = {"id": "sess_1", "object": "realtime.transcription_session", "type": "transcription"}
    talk.send(type="session.created", session=base)
    for event in talk.events(error):
        name = f"item_{item}"
        match event["type"]:
            case "session.update":
                session = event["session"]
                audio = session["audio"]["input"]
                if session["type"] != "transcription" or audio["turn_detection"] is not None:
                    error("not a transcription session without turn detection", "invalid_value")
                if audio["format"] != {"type": "audio/pcm", "rate": 24_000}:
                    error("only 24 kHz", "invalid_value")
                talk.send(type="session.updated", session={**base, **session})
            case "input_audio_buffer.append":
                if session is None:
                    error("no transcription is configured", "invalid_value")
                heard.feed(base64.b64decode(event["audio"], validate=True))
                text = heard.text(complete=True)
                if text != shown:
                    delta, shown = text[len(shown) :], text
                    transcription(talk, "delta", name, delta=delta)
            case "input_audio_buffer.commit" if heard.ms < 100:
                error("buffer too small", "input_audio_buffer_commit_empty")
            case "input_audio_buffer.commit":
                talk.send(type="input_audio_buffer.committed", item_id=name, previous_item_id=None)
                if not talk.server.fault.mute_end:
                    usage = {"type": "duration", "seconds": heard.ms / 1000}
                    transcription(talk, "completed", name, transcript=heard.text(), usage=usage)
                heard, shown, item = Heard(24_000), "", item + 1
            case other:
                error(other, "unknown_event")


def transcription(talk: Talk, kind: str, item: str, **fields: Any) -> None:
    name = f"conversation.item.input_audio_transcription.{kind}"
    talk.send(type=name, item_id=item, content_index=0, **fields)


# ---------------------------------------------------------------- NVIDIA NIM
def nim(talk: Talk) -> None:
    """``/v1/realtime?intent=transcription``: segments of five words are completed one by one."""
    if talk.query.get("intent") != ["transcription"]:
        talk.socket.close(1008, "intent")
        return

    def error(message: str) -> None:
        details = {"type": "transcription_error", "code": "StatusCode.INTERNAL"}
        talk.send(type="error", error={**details, "message": message, "param": None})

    heard, closed, ready = Heard(16_000), 0, False
    talk.send(type="conversation.created", conversation={"id": "conv_1"})
    for event in talk.events(error):
        match event["type"]:
            case "transcription_session.update":
                session = event["session"]
                assert session["input_audio_params"] == {
                    "sample_rate_hz": 16_000,
                    "num_channels": 1,
                }
                assert session["input_audio_format"] == "pcm16"
                ready = True
                talk.send(type="transcription_session.updated", session=session)
            case "input_audio_buffer.append":
                assert ready, "configured before audio"
                heard.feed(base64.b64decode(event["audio"], validate=True))
                while len(heard.words(complete=True)) - closed >= 5:
                    words = heard.words(complete=True)[closed : closed + 5]
                    closed += 5
                    nim_completed(talk, words, last=False)
                if guess := " ".join(word for word, _, _ in heard.words()[closed:]):
                    transcription(talk, "delta", "msg_0000", delta=guess)
            case "input_audio_buffer.commit":
                talk.send(type="input_audio_buffer.committed", item_id="msg_0001")
            case "input_audio_buffer.done":
                if not talk.server.fault.mute_end:
                    nim_completed(talk, heard.words()[closed:], last=True)
            case other:
                error(other)


def nim_completed(talk: Talk, words: list[tuple[str, int, int]], *, last: bool) -> None:
    info = [
        {"word": word, "start_time": start, "end_time": end, "confidence": 0.9, "speaker_tag": 0}
        for word, start, end in words
    ]
    text = " ".join(word for word, _, _ in words)
    more = {"words_info": {"words": info}, "vad_states": {"vad_states": []}, "is_last_result": last}
    transcription(talk, "completed", "msg_0000", transcript=text, **more)


# ---------------------------------------------------------------- vLLM and SGLang-Omni
def vllm(talk: Talk) -> None:
    """``/v1/realtime``: a commit starts the generation, a final one ends it."""

    def error(message: str) -> None:
        talk.send(type="error", error=message, code="processing_error")

    heard, shown, running, checked = Heard(16_000), "", False, False
    talk.send(type="session.created", id="sess-1", created=0)
    for event in talk.events(error):
        match event["type"]:
            case "session.update":
                checked = bool(event["model"])
            case "input_audio_buffer.commit" if not checked:
                talk.send(type="error", error="Model not validated.", code="model_not_validated")
            case "input_audio_buffer.commit" if not event["final"]:
                running = True
            case "input_audio_buffer.append":
                heard.feed(base64.b64decode(event["audio"], validate=True))
                text = heard.text(complete=True)
                if running and text != shown:
                    # Tokens, not words: the end of a word comes with the next one.
                    delta, shown = text[len(shown) : len(text) - 1], text[:-1]
                    talk.send(type="transcription.delta", delta=delta)
            case "input_audio_buffer.commit":
                if not talk.server.fault.mute_end:
                    text = heard.text()
                    talk.send(type="transcription.delta", delta=text[len(shown) :])
                    talk.send(type="transcription.done", text=text, usage={})
            case other:
                error(other)


def sglang(talk: Talk) -> None:
    """``/v1/realtime?intent=transcription``: partial texts replace each other."""
    assert talk.query.get("intent") == ["transcription"]

    def error(message: str) -> None:
        talk.send(type="error", error={"type": "invalid_request_error", "message": message})

    heard, shown, revision = Heard(16_000), "", 0
    for event in talk.events(error):
        match event["type"]:
            case "session.update":
                assert event["session"]["turn_detection"] is None
                talk.send(type="session.updated")
            case "input_audio_buffer.append":
                heard.feed(base64.b64decode(event["audio"], validate=True))
                if (text := heard.text()) != shown:
                    shown, revision = text, revision + 1
                    segment(talk, text[:-1], revision, final=False)
            case "input_audio_buffer.commit":
                segment(talk, heard.text(), revision + 1, final=True)
            case "transcription.done":
                if not talk.server.fault.mute_end:
                    talk.send(type="transcription.completed", text=heard.text())
            case other:
                error(other)


def segment(talk: Talk, text: str, revision: int, *, final: bool) -> None:
    more = {"revision": revision, "is_final": final}
    talk.send(type="transcription.segment", segment_id=0, text=text, **more)


# ---------------------------------------------------------------- Deepgram
def deepgram(talk: Talk) -> None:
    """``/v1/listen``: a result is final after every five words."""
    query = talk.query
    assert query["encoding"] == ["linear16"]
    assert query["sample_rate"] == ["16000"]
    assert query["channels"] == ["1"]

    def error(message: str) -> None:
        talk.send(type="Error", err_code="NET-0000", description=message)

    heard, closed = Heard(16_000), 0
    for event in talk.events(error):
        if isinstance(event, bytes):
            heard.feed(event)
            while len(heard.words(complete=True)) - closed >= 5:
                words = heard.words(complete=True)[closed : closed + 5]
                closed += 5
                result(talk, words, final=True)
            if words := heard.words()[closed:]:
                result(talk, words, final=False)
        elif event["type"] == "CloseStream":
            if talk.server.fault.mute_end:
                continue
            result(talk, heard.words()[closed:], final=True)
            talk.send(type="Metadata", duration=heard.ms / 1000, channels=1, request_id="1")
            talk.socket.close(1000)
            return
        elif event["type"] != "KeepAlive":
            error(event["type"])


def result(talk: Talk, words: list[tuple[str, int, int]], *, final: bool) -> None:
    listed = [
        {
            "word": word.strip(".").lower(),
            "punctuated_word": word,
            "start": start / 1000,
            "end": end / 1000,
            "confidence": 0.98,
        }
        for word, start, end in words
    ]
    best = {"transcript": " ".join(word for word, _, _ in words), "confidence": 0.97 * bool(words)}
    start = words[0][1] / 1000 if words else 0.0
    talk.send(
        type="Results",
        channel_index=[0, 1],
        duration=len(words) * CELL_MS / 1000,
        start=start,
        is_final=final,
        speech_final=False,
        channel={"alternatives": [{**best, "words": listed}]},
        from_finalize=False,
    )


Speaks = Callable[[Talk], None]
DIALECTS: dict[str, Speaks] = {
    "openai": openai,
    "deepgram": deepgram,
    "nim": nim,
    "vllm": vllm,
    "sglang": sglang,
}


@contextlib.contextmanager
def serving(
    dialect: str, fault: Fault | None = None, *, key: str = "", speak: Speaks | None = None
) -> Iterator[AsrLoopback]:
    """Run a server of the dialect while the block runs; with a key it wants that one. ``speak`` is
    a dialect that is none of these.
    """
    loopback = AsrLoopback("", fault or Fault())
    scheme = "Token" if dialect == "deepgram" else "Bearer"

    def admit(socket: ServerConnection, request: Request) -> Response | None:
        loopback.requests.append(request)
        if loopback.fault.refuse and loopback.fault.refusals > 0:
            loopback.fault.refusals -= 1
            return socket.respond(HTTPStatus(loopback.fault.refuse), "no\n")
        if key and request.headers.get("Authorization") != f"{scheme} {key}":
            return socket.respond(HTTPStatus.UNAUTHORIZED, "no\n")
        return None

    def talk(socket: ServerConnection) -> None:
        loopback.open.add(socket)
        with contextlib.suppress(ConnectionClosed):
            (speak or DIALECTS[dialect])(Talk(socket, loopback))
        loopback.open.discard(socket)

    options: dict[str, Any] = {"ping_interval": None, "close_timeout": 0.2}
    with serve(talk, "127.0.0.1", 0, process_request=admit, **options) as server:
        loopback.url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield loopback
        finally:
            loopback.over.set()
