"""What is asked for a window, in two shapes, and what an answer to it means.

Scope: pure. A shape has *ways* to ask, the best one first; a server that refuses one is asked in
the next (``engine``). A way turns a window into a request, and an answer into a hypothesis.

* ``TranscriptionWay``: ``POST audio/transcriptions``, as ``verbose_json`` or ``json``.
* ``ChatWay``: ``POST chat/completions`` with the audio in the message, for models that recognise
  in this way (Qwen3-ASR on vLLM and llama.cpp): the hints are its context, the language comes back
  with its probability, and with a *prefill* the answer begins with language and committed text.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Literal, Protocol

import msgspec
import numpy as np

from dragoman.audio.pcm import wav_file
from dragoman.engines.base import Window
from dragoman.engines.openai_transcriptions.chat_answer import ChatAnswer, chat_hypothesis
from dragoman.engines.openai_transcriptions.prompt import prompt_of, terms_of
from dragoman.engines.openai_transcriptions.transcription import Transcription, hypothesis_of
from dragoman.speech import HEARING_RATE_HZ, Hints, Hypothesis
from dragoman.text.language_names import language_name
from dragoman.text.language_tags import primary_tag

HintField = Literal["prompt", "hotwords", "none"]
Form = Mapping[str, str | list[str]]
_TOKENS_PER_S, _SPARE_TOKENS = 12, 24
"""Nobody says more; a decoder that loops is stopped."""


class Wording(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator wants to be said in every request."""

    model: str
    temperature: float
    hints: HintField
    prompt: str
    prompt_chars: int
    extra: Mapping[str, Any]

    def prompt_for(self, hints: Hints) -> str:
        """The prompt for these hints."""
        if self.hints == "none":
            hints = Hints()
        elif self.hints == "hotwords":
            hints = Hints(context=hints.context)
        return prompt_of(hints, self.prompt_chars, self.prompt)


class Way(Protocol):
    """A way to ask about a window."""

    path: str

    def request(self, window: Window) -> dict[str, Any]:
        """The body, as keyword arguments of ``Endpoint.request``."""

    def hypothesis(self, answer: Any, window: Window) -> Hypothesis:
        """What an answer means. Raises ``msgspec.ValidationError`` for what is none."""


class TranscriptionWay:
    """A way to ask for a transcription; ``verbose`` with times and confidences."""

    path = "audio/transcriptions"

    def __init__(self, wording: Wording, *, verbose: bool) -> None:
        self._wording = wording
        self._form: dict[str, str | list[str]] = {
            **({"model": wording.model} if wording.model else {}),
            "temperature": f"{wording.temperature:g}",
            "response_format": "verbose_json" if verbose else "json",
        }
        if verbose:  # segments say how sure the model is
            self._form["timestamp_granularities[]"] = ["word", "segment"]

    def request(self, window: Window) -> dict[str, Any]:
        """See ``Way``."""
        wording = self._wording
        form = {**self._form, **{name: _texts(value) for name, value in wording.extra.items()}}
        if prompt := wording.prompt_for(window.hints):
            form["prompt"] = prompt
        if wording.hints == "hotwords" and (terms := terms_of(window.hints, wording.prompt_chars)):
            form["hotwords"] = ", ".join(terms)
        if language := primary_tag(window.language):
            form["language"] = language
        return {"form": form, "files": {"file": ("audio.wav", wav_of(window), "audio/wav")}}

    def hypothesis(self, answer: Any, window: Window) -> Hypothesis:
        """See ``Way``."""
        found = msgspec.convert(answer, Transcription)
        return hypothesis_of(found, primary_tag(window.language) or None, length_s_of(window))


class ChatWay:
    """A way to ask in a chat; ``logprobs`` tell how sure the model is, ``prefill`` begins its
    answer where the language is known.
    """

    path = "chat/completions"

    def __init__(self, wording: Wording, *, logprobs: bool, prefill: bool) -> None:
        self._wording, self._logprobs, self._prefill = wording, logprobs, prefill

    def request(self, window: Window) -> dict[str, Any]:
        """See ``Way``."""
        wording, begun = self._wording, self._begun(window)
        audio = base64.b64encode(wav_of(window)).decode()
        part = {"type": "input_audio", "input_audio": {"data": audio, "format": "wav"}}
        messages: list[dict[str, Any]] = [{"role": "user", "content": [part]}]
        if prompt := wording.prompt_for(window.hints):
            messages.insert(0, {"role": "system", "content": prompt})
        fields: dict[str, Any] = {
            **({"model": wording.model} if wording.model else {}),
            "temperature": wording.temperature,
            "max_tokens": _SPARE_TOKENS + int(_TOKENS_PER_S * length_s_of(window)),
        }
        if self._logprobs:
            fields["logprobs"] = True
        if begun:
            messages.append({"role": "assistant", "content": begun})
            fields |= {"continue_final_message": True, "add_generation_prompt": False}
        return {"json": {**fields, "messages": messages, **wording.extra}}

    def hypothesis(self, answer: Any, window: Window) -> Hypothesis:
        """See ``Way``."""
        found = msgspec.convert(answer, ChatAnswer)
        language = primary_tag(window.language) or None
        return chat_hypothesis(found, self._begun(window), language, length_s_of(window))

    def _begun(self, window: Window) -> str:
        """The beginning of the answer that is put into the model's mouth; may be empty."""
        name = language_name(window.language) if self._prefill else None
        return f"language {name}<asr_text>{window.prefix}" if name else ""


def samples_of(window: Window) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Its audio."""
    return np.frombuffer(window.samples, np.float32)


def length_s_of(window: Window) -> float:
    """Its length."""
    return len(window.samples) / (4 * HEARING_RATE_HZ)


def wav_of(window: Window) -> bytes:
    """Its audio as a WAV file of 16 kHz."""
    return wav_file(samples_of(window), HEARING_RATE_HZ)


def _texts(value: Any) -> str | list[str]:
    return [str(each) for each in value] if isinstance(value, list) else str(value)
