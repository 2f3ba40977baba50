"""Recognition by a server with OpenAI's ``POST /v1/audio/transcriptions``, or by a chat with audio.

Scope: the engine, and in which way a server is asked. HTTP is in ``engines.shared.endpoint``, what
is asked and what an answer means in ``requests``.

A server that refuses a way to ask is asked in the next one from then on: vLLM with Qwen3-ASR and
OpenAI's gpt-4o-transcribe have no ``verbose_json``, chat templates may have no prefill. Windows of
several sessions are requests at the same time, each in a thread of the engine's host.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from dragoman.engines.base import Info, Window
from dragoman.engines.openai_transcriptions.requests import (
    ChatWay,
    HintField,
    TranscriptionWay,
    Way,
    Wording,
    samples_of,
)
from dragoman.engines.shared.endpoint import Endpoint, extra_fields
from dragoman.engines.shared.endpoint_errors import (
    EndpointLimits,
    EndpointNonsense,
    EndpointRefused,
)
from dragoman.speech import HEARING_RATE_HZ, Hypothesis
from dragoman.text.language_tags import primary_tag

AnswerFormat = Literal["auto", "verbose_json", "json"]
RecognitionShape = Literal["transcriptions", "chat"]

_SHORTEST = HEARING_RATE_HZ // 10
"""Servers refuse less than 0.1 s, and nothing can be heard in it."""
_MOST_BYTES = 1 << 20
_WAY_REFUSED = {400, 415, 422, 501}


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
        shape: RecognitionShape = "transcriptions",
        languages: tuple[str, ...] = ("*",),
        format: AnswerFormat = "auto",  # noqa: A002 - the option's name
        prefill: bool = True,
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
        wording = Wording(
            model=model,
            temperature=temperature,
            hints=hints,
            prompt=prompt,
            prompt_chars=prompt_chars,
            extra=extra_fields(extra),
        )
        self._ways = _ways(wording, shape, format, prefill=prefill)
        self._first = 0  # of the ways: those before it were refused
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
        samples = samples_of(window)
        if samples.size < _SHORTEST or not samples.any():
            return Hypothesis(confidence=0.0, language=primary_tag(window.language) or None)
        last = len(self._ways) - 1
        for place in range(self._first, last):
            try:
                return self._ask(place, window)
            except EndpointRefused as refused:
                if refused.status not in _WAY_REFUSED:
                    raise
        return self._ask(last, window)

    def _ask(self, place: int, window: Window) -> Hypothesis:
        way = self._ways[place]
        with self._endpoint.request("POST", way.path, **way.request(window)) as answer:
            try:
                found = way.hypothesis(answer.json(), window)
            except msgspec.ValidationError:
                raise EndpointNonsense("the endpoint answered with no transcription") from None
        self._first = max(self._first, place)  # it was the way that the server refused
        return found


def _ways(
    wording: Wording, shape: RecognitionShape, form: AnswerFormat, *, prefill: bool
) -> list[Way]:
    """The ways to ask, the best one first."""
    if shape == "chat":
        begun: list[Way] = [ChatWay(wording, logprobs=True, prefill=True)] if prefill else []
        return [
            *begun,
            ChatWay(wording, logprobs=True, prefill=False),
            ChatWay(wording, logprobs=False, prefill=False),
        ]
    wanted = {"auto": (True, False), "verbose_json": (True,), "json": (False,)}[form]
    return [TranscriptionWay(wording, verbose=verbose) for verbose in wanted]
