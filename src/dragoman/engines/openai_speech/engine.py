"""Speech from a server with OpenAI's ``POST /v1/audio/speech``, and from vLLM-Omni's WebSocket.

Scope: what a server is asked, by its *shape*, and its answer as an engine's sound. HTTP is in
``engines.shared.endpoint``, the WebSocket in ``speech_stream``.

* ``openai``: the published fields only. ``language`` and what else a server takes are options.
* ``vllm-omni``: the same path with its extensions (task, language by name, a voice to clone).
* ``vllm-omni-ws``: ``/v1/audio/speech/stream``, which keeps its connections: one handshake, and one
  transfer of the voice to clone, for many segments.

Raw PCM is asked for as a stream, so the first sound is passed on when it comes. Closing the
iterator closes the connection, by which the server learns to stop. Silence at the edges is trimmed
and the usual pause put behind, as with every engine of ours.
Sources: platform.openai.com/docs/api-reference/audio/createSpeech,
docs.vllm.ai/projects/vllm-omni/en/latest/serving/speech_api (both read November 2026).
"""

from __future__ import annotations

import base64
import mimetypes
import re
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

from dragoman.engines.base import Caps, Control, EngineUnavailable, Info, Utterance
from dragoman.engines.openai_speech.answered_audio import AnsweredAudio, NotPcm
from dragoman.engines.openai_speech.speech_stream import SpeechStreams
from dragoman.engines.openai_speech.voice_names import VoiceNames
from dragoman.engines.shared.endpoint import Endpoint, extra_fields
from dragoman.engines.shared.endpoint_errors import (
    EndpointFailed,
    EndpointLimits,
    EndpointNonsense,
)
from dragoman.engines.shared.pcm_shaping import shaped
from dragoman.engines.shared.voice_table import NAMES
from dragoman.text.language_names import language_name
from dragoman.text.language_tags import primary_tag
from dragoman.text.spoken import LONGEST_WORD, is_speakable, pause_ms, sanitized

Shape = Literal["openai", "vllm-omni", "vllm-omni-ws"]
LanguageField = Literal["auto", "name", "tag", "none"]

_LATE_S = 1.0
_LONGEST_S = 330.0
"""A segment may be listened to for as long as its sound lasts (``Caps.audio_s``)."""
_MOST_BYTES = 128 << 20
_LONGEST_REFERENCE = 10 << 20
_SPOKEN = {"zh", "en", "ja", "ko", "de", "fr", "ru", "pt", "es", "it"}
"""Languages that Qwen3-TTS knows by name; it finds out any other itself."""


class OpenAiSpeech:
    """``Synthesizer`` on a speech endpoint; the options are in ``docs/engines/openai-speech.md``.

    Raises ``ValueError`` for an address, a list of voices or ``extra`` fields that are none.
    """

    def __init__(
        self,
        *,
        url: str = "",
        key_env: str = "",
        model: str = "",
        shape: Shape = "openai",
        languages: tuple[str, ...] = ("*",),
        voice: str = "",
        male_voice: str = "",
        voices: tuple[str, ...] = (),
        rate_hz: int = 24_000,
        format: Literal["pcm", "wav"] = "pcm",  # noqa: A002 - the option's name
        speed: bool = False,
        instructions: str = "",
        language: LanguageField = "auto",
        task_type: str = "",
        ref_audio: str = "",
        ref_text: str = "",
        extra: str = "",
        timeout_s: float = 5.0,
    ) -> None:
        if speed and shape != "openai":
            raise ValueError("vLLM-Omni streams at normal speed only: leave the option speed out")
        controls: tuple[Control, ...] = ("instructions", "rate") if speed else ("instructions",)
        self.info = Info(
            name="openai-speech",
            role="tts",
            licence="of the server and its model",
            quality="good",
            languages=languages,
            voices=NAMES,
            rate_hz=rate_hz,
            controls=controls,
            remote=True,
            caps=Caps(first_sound_s=timeout_s + _LATE_S),  # so that it is the engine that gives up
            about="Any server with OpenAI's /v1/audio/speech (vLLM-Omni, Speaches, LocalAI, ...)",
        )
        self._shape, self._language = shape, language
        self._instructions, self._ref_audio = instructions, ref_audio
        self._speed, self._raw_hz = speed, rate_hz
        self._voices = VoiceNames(voices, voice, male_voice)
        self._names_voice = bool(voice or male_voice or voices or not ref_audio)
        self._fixed = {
            "model": model,
            "response_format": format,
            "stream_format": "audio",
            "task_type": task_type,
            "ref_text": ref_text,
        }
        self._extra = extra_fields(extra)
        self._limits = EndpointLimits(
            first_byte_s=timeout_s,
            between_s=timeout_s,
            total_s=_LONGEST_S,
            answer_bytes=_MOST_BYTES,
        )
        self._endpoint = Endpoint("openai-speech", url, key_env=key_env, limits=self._limits)
        self._streams: SpeechStreams | None = None

    # ------------------------------------------------------------ life
    def load(self) -> None:
        """Look whether the server is there, and for its voices. Raises ``EngineUnavailable``."""
        self._endpoint.open()
        self._endpoint.check()
        self._voices.learn(self._listed_voices())
        self._ref_audio = reference(self._ref_audio)
        if self._shape == "vllm-omni-ws" and self._streams is None:
            self._streams = SpeechStreams(
                *self._endpoint.websocket("audio/speech/stream"), self._limits
            )

    def close(self) -> None:
        """End every connection."""
        if self._streams is not None:
            self._streams.close()
            self._streams = None
        self._endpoint.close()

    def _listed_voices(self) -> Any:
        """What the server says of its voices; None if it does not."""
        try:
            with self._endpoint.request("GET", "audio/voices") as answer:
                return answer.json()
        except EndpointFailed:
            return None

    # ------------------------------------------------------------ speech
    def synthesize(self, utterance: Utterance) -> Iterator[bytes]:
        """As in the Protocol. Raises ``EndpointFailed``."""
        text = sanitized(utterance.text, longest_token=LONGEST_WORD)
        if not is_speakable(text):
            return
        fields = self._fields(utterance)
        if self._streams is None:
            made = self._answer(fields | {"input": text})
        else:
            made = self._streams.speak(fields, text, self.info.rate_hz)
        pause = pause_ms(text) * utterance.pause / (utterance.rate if self._speed else 1.0)
        is_silent = True
        with closing(shaped(made, self.info.rate_hz, size=1.0, gain=1.0, pause_ms=pause)) as pieces:
            for piece in pieces:
                is_silent = False
                yield piece
        if is_silent:
            raise EndpointNonsense("the speech endpoint answered a text with silence")

    def _fields(self, utterance: Utterance) -> dict[str, Any]:
        """What is asked for beside the text."""
        fields = {
            **self._fixed,
            "voice": self._voices.of(utterance.voice) if self._names_voice else "",
            "language": self._language_of(utterance.language),
            "instructions": utterance.instructions or self._instructions,
            "ref_audio": self._ref_audio,
            "speed": max(0.25, min(4.0, utterance.rate)) if self._speed else None,
            **self._extra,
        }
        return {name: value for name, value in fields.items() if value not in ("", None)}

    def _language_of(self, tag: str) -> str:
        match self._language:
            case "tag":
                return primary_tag(tag)
            case "name":
                return language_name(tag) or ""
            case "auto" if self._shape != "openai" and primary_tag(tag) in _SPOKEN:
                return language_name(tag) or ""
            case _:
                return ""

    def _answer(self, fields: dict[str, Any]) -> Generator[bytes, None, None]:
        """The sound of an answer to one request, as it comes."""
        with self._endpoint.request("POST", "audio/speech", json=fields) as answer:
            try:
                audio = AnsweredAudio(
                    answer.header("content-type"), raw_hz=self._raw_hz, rate_hz=self.info.rate_hz
                )
                yield from map(audio.feed, answer.pieces())
                yield audio.finish()
            except NotPcm as reason:
                raise EndpointNonsense(
                    f"the speech endpoint's answer is of no use: {reason}"
                ) from None


def reference(place: str) -> str:
    """The recording of a voice to clone, as the server takes it: an address as it is, a file as a
    data URL. Raises ``EngineUnavailable``.
    """
    if not place or re.match(r"(https?|file|data):", place):
        return place
    try:
        recording = Path(place).read_bytes()
    except OSError as error:
        raise EngineUnavailable(
            f"{place}: the voice to clone cannot be read: {error.strerror}"
        ) from None
    if len(recording) > _LONGEST_REFERENCE:
        raise EngineUnavailable(
            f"{place}: a voice to clone has at most 10 MB; some 10 s are enough"
        )
    kind = mimetypes.guess_type(place)[0] or "audio/wav"
    return f"data:{kind};base64,{base64.b64encode(recording).decode()}"
