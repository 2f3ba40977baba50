"""Recognition by a server with OpenAI's ``POST /v1/audio/transcriptions``.

Scope: what a server is asked for a window, and which format it can answer in. HTTP is in
``engines.shared.endpoint``, the prompt in ``prompt``, the answer in ``transcription``.

A window is uploaded as a WAV of 16 kHz. ``verbose_json`` with times of words is asked for; a
server that refuses it (vLLM with Qwen3-ASR, OpenAI's gpt-4o-transcribe) is asked for ``json`` from
then on. This API cannot be given text that was committed (``Window.prefix``), so it is not sent.
Windows of several sessions are requests at the same time, each in a thread of the engine's host.
Source: platform.openai.com/docs/api-reference/audio/createTranscription, read November 2026.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np

from dragoman.audio.pcm import from_float, wav_header
from dragoman.engines.base import Info, Window
from dragoman.engines.openai_transcriptions.prompt import prompt_of, terms_of
from dragoman.engines.openai_transcriptions.transcription import Transcription, hypothesis_of
from dragoman.engines.shared.endpoint import Endpoint
from dragoman.engines.shared.endpoint_errors import (
    EndpointLimits,
    EndpointNonsense,
    EndpointRefused,
)
from dragoman.speech import HEARING_RATE_HZ, Hints, Hypothesis
from dragoman.text.language_tags import primary_tag

AnswerFormat = Literal["auto", "verbose_json", "json"]
HintField = Literal["prompt", "hotwords", "none"]
Form = dict[str, str | list[str]]

_SHORTEST = HEARING_RATE_HZ // 10
"""Servers refuse less than 0.1 s, and nothing can be heard in it."""
_MOST_BYTES = 1 << 20
_FORMAT_REFUSED = {400, 415, 422, 501}


class OpenAiTranscriptions:
    """``WindowTranscriber`` on a transcription endpoint; the options are in
    ``docs/engines/openai-transcriptions.md``. Raises ``ValueError`` for an address or ``extra``
    fields that are none.
    """

    def __init__(
        self,
        *,
        url: str = "",
        key_env: str = "",
        model: str = "",
        languages: tuple[str, ...] = ("*",),
        format: AnswerFormat = "auto",  # noqa: A002 - the option's name
        hints: HintField = "prompt",
        prompt: str = "",
        prompt_chars: int = 800,
        temperature: float = 0.0,
        max_window_s: float = 10.0,
        step_ms: int = 0,
        confidence_gate: float = 0.36,
        extra: str = "",
        timeout_s: float = 8.0,
    ) -> None:
        self.info = Info(
            name="openai-transcriptions",
            role="asr",
            licence="of the server and its model",
            quality="good",
            languages=languages,
            max_window_s=max_window_s,
            step_ms=step_ms or None,
            remote=True,
            confidence_gate=confidence_gate,
            about="Any server with OpenAI's /v1/audio/transcriptions (vLLM, SGLang, Speaches, ...)",
        )
        self._verbose = format != "json"
        self._may_change = format == "auto"
        self._hints, self._prompt, self._prompt_chars = hints, prompt, prompt_chars
        self._form: Form = {
            **({"model": model} if model else {}),
            "temperature": f"{temperature:g}",
            **_extra_fields(extra),
        }
        limits = EndpointLimits(
            first_byte_s=timeout_s, between_s=timeout_s, answer_bytes=_MOST_BYTES
        )
        self._endpoint = Endpoint("openai-transcriptions", url, key_env=key_env, limits=limits)

    def load(self) -> None:
        """Look whether the server is there. Raises ``EngineUnavailable``."""
        self._endpoint.open()
        self._endpoint.check()

    def close(self) -> None:
        """End every connection."""
        self._endpoint.close()

    def transcribe(self, windows: Sequence[Window]) -> list[Hypothesis]:
        """One hypothesis per window. Thread-safe. Raises ``EndpointFailed``."""
        return [self._one(window) for window in windows]

    def _one(self, window: Window) -> Hypothesis:
        samples = np.frombuffer(window.samples, np.float32)
        language = primary_tag(window.language) or None
        if samples.size < _SHORTEST or not samples.any():
            return Hypothesis(confidence=0.0, language=language)
        pcm = from_float(samples)
        wav = wav_header(HEARING_RATE_HZ, size=len(pcm)) + pcm
        form = self._form | self._hint_fields(window.hints)
        if language is not None:
            form["language"] = language
        return hypothesis_of(self._answer(form, wav), language, samples.size / HEARING_RATE_HZ)

    def _hint_fields(self, hints: Hints) -> Form:
        if self._hints == "hotwords":
            terms = ", ".join(terms_of(hints, self._prompt_chars))
            hints = Hints(context=hints.context)
            fields = {
                "hotwords": terms,
                "prompt": prompt_of(hints, self._prompt_chars, self._prompt),
            }
        else:
            told = hints if self._hints == "prompt" else Hints()
            fields = {"prompt": prompt_of(told, self._prompt_chars, self._prompt)}
        return {name: value for name, value in fields.items() if value}

    def _answer(self, form: Form, wav: bytes) -> Transcription:
        if self._verbose:
            verbose: Form = {
                "response_format": "verbose_json",
                "timestamp_granularities[]": ["word", "segment"],  # segments say how sure it is
            }
            try:
                return self._ask(form | verbose, wav)
            except EndpointRefused as refused:
                if not self._may_change or refused.status not in _FORMAT_REFUSED:
                    raise
        answer = self._ask({**form, "response_format": "json"}, wav)
        self._verbose = False  # it was the format that the server refused
        return answer

    def _ask(self, form: Form, wav: bytes) -> Transcription:
        files = {"file": ("audio.wav", wav, "audio/wav")}
        with self._endpoint.request(
            "POST", "audio/transcriptions", form=form, files=files
        ) as answer:
            try:
                return msgspec.convert(answer.json(), Transcription)
            except msgspec.ValidationError:
                raise EndpointNonsense("the endpoint answered with no transcription") from None


def _extra_fields(text: str) -> Form:
    """The option ``extra``. Raises ``ValueError``."""
    try:
        return msgspec.json.decode(text or "{}", type=dict[str, str | list[str]], strict=False)
    except msgspec.DecodeError:
        raise ValueError('extra is a JSON object of texts, such as {"seed":"7"}') from None
