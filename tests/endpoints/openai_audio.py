"""OpenAI's audio API on the loopback interface, with real engines of ours behind it.

Scope: ``POST /v1/audio/speech`` (espeak speaks), ``POST /v1/audio/transcriptions`` (Moonshine
listens), ``GET /v1/models``; with ``flavour`` also what vLLM-Omni and vLLM with Qwen3-ASR do
otherwise. That it is faithful is tested with the official client (``test_openai_client.py``).

    with LoopbackServer() as server:
        audio = OpenAiAudio(server)
        engine = registry.make(f"openai-speech?url={server.url}")
"""

from __future__ import annotations

import base64
import functools
import math
from collections.abc import Iterator
from itertools import cycle
from typing import Any, Literal

import numpy as np

from dragoman.audio.encode import encoder
from dragoman.audio.pcm import as_int16
from dragoman.audio.resample import Resampler
from dragoman.engines import registry
from dragoman.engines.base import Utterance, Window
from dragoman.engines.openai_speech.answered_audio import AnsweredAudio
from dragoman.speech import Hypothesis, joined_text
from dragoman.text.language_names import language_name, language_tag
from tests.endpoints.http_server import Call, LoopbackServer

RATE_HZ = 24_000
HEARING_HZ = 16_000
VOICES = ["aiden", "ono_anna", "ryan", "serena", "vivian"]
MEDIA = {"pcm": "audio/pcm", "wav": "audio/wav", "mp3": "audio/mpeg", "opus": "audio/opus"}
_SPEECH_FIELDS = {"model", "input", "voice", "instructions", "response_format", "speed"}
_SPEECH_FIELDS |= {"stream_format"}
_OMNI_FIELDS = {"task_type", "language", "ref_audio", "ref_text", "stream", "max_new_tokens"}

Flavour = Literal["openai", "vllm-omni", "qwen-asr"]


@functools.cache
def loaded(name: str) -> Any:
    """An engine of ours, loaded once for the whole run."""
    engine = registry.make(name)
    engine.load()
    return engine


@functools.cache
def audio_server(flavour: Flavour = "openai") -> LoopbackServer:
    """One for the whole run, for tests that only need it to work."""
    server = LoopbackServer().__enter__()
    OpenAiAudio(server, flavour)
    return server


class ApiError(Exception):
    """Answered as OpenAI answers what it does not take."""

    def __init__(self, message: str, param: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
        self.body = {
            "error": {
                "message": message,
                "type": "invalid_request_error",
                "param": param,
                "code": None,
            }
        }


class OpenAiAudio:
    """The routes, put on a server. ``sizes`` are those of the pieces in which sound is sent."""

    def __init__(
        self,
        server: LoopbackServer,
        flavour: Flavour = "openai",
        sizes: tuple[int, ...] = (1, 777, 4001),
    ) -> None:
        self._flavour, self._sizes = flavour, sizes
        server.routes["GET /v1/models"] = _models
        server.routes["POST /v1/audio/speech"] = self.speech
        server.routes["POST /v1/audio/transcriptions"] = self.transcription
        if flavour == "qwen-asr":
            server.routes["POST /v1/chat/completions"] = chat
        if flavour == "vllm-omni":
            server.routes["GET /v1/audio/voices"] = lambda call: call.json(
                {"voices": VOICES, "uploaded_voices": []}
            )

    # ------------------------------------------------------------ speech
    def speech(self, call: Call) -> None:
        fields = call.request.json()
        try:
            self._check_speech(fields)
        except ApiError as error:
            call.json(error.body, error.status)
            return
        form = fields.get("response_format", "mp3")
        pieces = odd_pieces(encoded(spoken(fields), form), self._sizes)
        if fields.get("stream_format") == "sse":
            call.start()
            for piece in pieces:
                call.event(
                    {"type": "speech.audio.delta", "audio": base64.b64encode(piece).decode()}
                )
            call.event({"type": "speech.audio.done", "usage": {"total_tokens": 0}})
        else:
            call.start(MEDIA[form])
            for piece in pieces:
                call.piece(piece)
        call.end()

    def _check_speech(self, fields: dict[str, Any]) -> None:
        known = _SPEECH_FIELDS | (_OMNI_FIELDS if self._flavour == "vllm-omni" else set())
        for name in sorted(fields.keys() - known):
            raise ApiError(f"Unrecognized request argument supplied: {name}", name)
        for name in ("input",) if self._flavour == "vllm-omni" else ("model", "input", "voice"):
            if not fields.get(name):
                raise ApiError(f"Missing required parameter: {name!r}.", name)
        if len(fields["input"]) > 4096:
            raise ApiError("String should have at most 4096 characters", "input")
        if fields.get("response_format", "mp3") not in MEDIA:
            raise ApiError("Input should be 'mp3', 'opus', 'wav' or 'pcm'", "response_format")
        speed = fields.get("speed", 1.0)
        if not 0.25 <= speed <= 4:
            raise ApiError("Input should be between 0.25 and 4", "speed")
        if self._flavour == "vllm-omni" and fields.get("stream_format") and speed != 1:
            raise ApiError("Streaming is not supported with speed adjustment", "speed")

    # ------------------------------------------------------------ transcription
    def transcription(self, call: Call) -> None:
        form = {
            name: [value.decode("utf-8", "replace") for value in values]
            for name, values in call.request.form().items()
            if name != "file"
        }
        try:
            answer = self._transcribed(
                call.request.form(), {n: v[-1] for n, v in form.items()}, form
            )
        except ApiError as error:
            call.json(error.body, error.status)
            return
        if isinstance(answer, str):
            call.reply(200, answer.encode(), "text/plain; charset=utf-8")
        else:
            call.json(answer)

    def _transcribed(
        self, raw: dict[str, list[bytes]], fields: dict[str, str], lists: dict[str, list[str]]
    ) -> dict[str, Any] | str:
        if "file" not in raw or not fields.get("model"):
            raise ApiError("Missing required parameter", "file" if "file" not in raw else "model")
        form = fields.get("response_format", "json")
        if form not in {"json", "text", "verbose_json"}:
            raise ApiError("This format is not supported", "response_format")
        if form == "verbose_json" and self._flavour == "qwen-asr":
            raise ApiError(f"Currently do not support verbose_json for {fields['model']}")
        if (language := fields.get("language")) and language_tag(language) is None:
            raise ApiError("Invalid language", "language")
        samples = wav_samples(raw["file"][0])
        if samples.size < HEARING_HZ // 10:
            raise ApiError("Audio file is too short. Minimum audio length is 0.1 seconds.", "file")
        heard = recognised(samples)
        text = joined_text(heard.words)
        if self._flavour == "qwen-asr" and not language:
            text = f"language {language_name(heard.language)}<asr_text>{text}"
        if form == "text":
            return text
        usage = {"type": "duration", "seconds": math.ceil(samples.size / HEARING_HZ)}
        if form == "json":
            return {"text": text, "usage": usage}
        granularities = lists.get("timestamp_granularities[]", ["segment"])
        return {
            "task": "transcribe",
            "language": (language_name(heard.language) or "").lower(),
            "duration": samples.size / HEARING_HZ,
            "text": text,
            "usage": usage,
            **timed(heard, samples.size / HEARING_HZ, granularities),
        }


def chat(call: Call) -> None:
    """Qwen3-ASR in a chat: the audio is in the message, the answer says the language first."""
    fields = call.request.json()
    messages = [message for message in fields["messages"] if message["role"] != "system"]
    (part,) = messages[0]["content"]
    samples = wav_samples(base64.b64decode(part["input_audio"]["data"]))
    begun = messages[1]["content"] if len(messages) > 1 else ""
    assert bool(begun) == bool(fields.get("continue_final_message"))
    prefix = begun.partition("<asr_text>")[2]
    heard = recognised(samples, prefix)
    text = joined_text(heard.words)
    head = "" if begun else f"language {language_name(heard.language)}<asr_text>"
    tokens = ["language", " English", "<asr_text>"] if head else []
    tokens += [f" {word.text}" for word in heard.words]
    logprobs = [
        {"token": token, "logprob": math.log(max(1e-4, heard.confidence)), "bytes": None,
         "top_logprobs": []}
        for token in tokens
    ]  # fmt: skip
    choice = {
        "index": 0,
        "finish_reason": "stop",
        "message": {"role": "assistant", "content": head + text[len(prefix) :], "refusal": None},
        "logprobs": {"content": logprobs, "refusal": None} if fields.get("logprobs") else None,
    }
    whole = {"id": "chat-1", "object": "chat.completion", "created": 0, "model": fields["model"]}
    call.json({**whole, "choices": [choice]})


def _models(call: Call) -> None:
    names = ["tts-1", "whisper-1"]
    entries = [{"id": name, "object": "model", "created": 0, "owned_by": "us"} for name in names]
    call.json({"object": "list", "data": entries})


# ---------------------------------------------------------------- the engines behind it
def spoken(fields: dict[str, Any]) -> Iterator[bytes]:
    """PCM at 24 kHz of what is asked for."""
    engine = loaded("espeak")
    language = language_tag(fields.get("language")) or "en"
    voice = fields.get("voice", "vivian").title()
    asked = Utterance(fields["input"], voice, language, rate=fields.get("speed", 1.0))
    resampler = Resampler(engine.info.rate_hz, RATE_HZ)
    yield from map(resampler.feed, engine.synthesize(asked))
    yield resampler.flush()


def encoded(pcm: Iterator[bytes], form: Any) -> Iterator[bytes]:
    """The speech in a format, as it is made."""
    made = encoder(form, RATE_HZ)
    yield from map(made.feed, pcm)
    yield made.finish()
    made.close()


def odd_pieces(pieces: Iterator[bytes], sizes: tuple[int, ...]) -> Iterator[bytes]:
    """The same bytes, cut otherwise."""
    wanted = cycle(sizes)
    for piece in pieces:
        at = 0
        while at < len(piece):
            size = next(wanted)
            yield piece[at : at + size]
            at += size


def wav_samples(wav: bytes) -> np.ndarray:
    """An upload at 16 kHz, float32. Raises ``ApiError``."""
    if wav[:4] != b"RIFF":
        raise ApiError(
            "The audio file could not be decoded or its format is not supported.", "file"
        )
    audio = AnsweredAudio("audio/wav", raw_hz=HEARING_HZ, rate_hz=HEARING_HZ)
    pcm = audio.feed(wav) + audio.finish()
    return as_int16(pcm).astype(np.float32) / np.float32(32768)


def recognised(samples: np.ndarray, prefix: str = "") -> Hypothesis:
    """What Moonshine hears; nothing where it is not sure that there is English."""
    engine = loaded("moonshine")
    (heard,) = engine.transcribe([Window(samples.tobytes(), prefix=prefix)])
    if heard.confidence < engine.info.confidence_gate:
        return Hypothesis(language="en")
    return heard


def timed(heard: Hypothesis, length_s: float, granularities: list[str]) -> dict[str, Any]:
    """Words, bare as OpenAI gives them, and the one segment, as far as they are asked for."""
    step_s = length_s / max(1, len(heard.words))
    words = [
        {"word": word.text.strip(".,;:!?"), "start": at * step_s, "end": (at + 1) * step_s}
        for at, word in enumerate(heard.words)
    ]
    segment = {
        "id": 0, "seek": 0, "start": 0.0, "end": length_s, "text": joined_text(heard.words),
        "tokens": [], "temperature": 0.0, "compression_ratio": 1.0, "no_speech_prob": 0.0,
        "avg_logprob": math.log(max(1e-4, heard.confidence)),
    }  # fmt: skip
    found = {"word": ("words", words), "segment": ("segments", [segment] if words else [])}
    return dict(found[name] for name in granularities)
