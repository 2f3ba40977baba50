"""A translator behind any chat endpoint in the shape of OpenAI's: vLLM, SGLang, llama.cpp, Ollama,
a cloud.

Scope: one request and its streamed answer. What the model is told is in ``prompts``, what is taken
off its answer in ``answers``, connections and failures in ``engines.shared.endpoint``.

Answers are the likeliest ones (temperature 0), as long as the source allows, and streamed: so a
stall is noticed, a model that does not end is stopped, and a cancelled draft ends at the server.
With ``prefix=continue`` the server goes on behind the committed beginning of a translation.
Source: https://platform.openai.com/docs/api-reference/chat and, for ``continue_final_message``,
https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from dragoman.engines.base import EngineUnavailable, Info, Translation
from dragoman.engines.cancellation import Cancellation
from dragoman.engines.openai_chat.answers import NoTranslation, cleaned
from dragoman.engines.openai_chat.prompts import find_template, language_arguments, messages_for
from dragoman.engines.shared.endpoint import Answer, Endpoint, extra_fields
from dragoman.engines.shared.endpoint_errors import (
    NO_JSON,
    EndpointFailed,
    EndpointLimits,
    EndpointNonsense,
)
from dragoman.text.language_tags import primary_tag
from dragoman.text.words import without_controls

_CHARS_PER_TOKEN = 8
"""Tokens are hardly ever longer on average; a longer answer is not bounded by its server."""


class _Part(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct):
    delta: _Part | None = None
    message: _Part | None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] = []
    error: Any = None


_DECODER = msgspec.json.Decoder(_Chunk)


class OpenAiChat:
    """``Translator`` that asks a chat endpoint.

    ``url`` is the address up to ``/v1``, ``model`` the model's name there (empty: the only one it
    has), ``key_env`` the environment variable with the key. ``template`` is how the model is asked
    (empty: by its name), ``prefix`` whether the server can go on behind the beginning of an answer:
    ``continue`` with the flags of vLLM (SGLang and llama.cpp know them, too), ``last`` with the
    beginning as last message alone, ``hint`` not at all. ``takes_images`` sends what the speaker
    shows to a model that sees, ``takes_speech`` the audio of the text to one that hears, and with
    ``recognised`` the text as well. ``stop`` are strings at which the answer ends; ``extra`` is a
    JSON object of more request fields (null removes one). An answer has at most ``spare_tokens``
    and two tokens for each byte of the source.
    """

    def __init__(
        self,
        *,
        url: str = "",
        model: str = "",
        key_env: str = "",
        template: str = "",
        prefix: Literal["hint", "continue", "last"] = "hint",
        takes_images: bool = False,
        takes_speech: bool = False,
        recognised: bool = True,
        stop: tuple[str, ...] = (),
        extra: str = "{}",
        spare_tokens: int = 48,
        connect_s: float = 3.0,
        first_byte_s: float = 10.0,
        between_s: float = 5.0,
        total_s: float = 25.0,
    ) -> None:
        self._template = find_template(template, model)
        if takes_images and not self._template.images:
            raise ValueError("the template for this model takes no images")
        if takes_speech and not self._template.speech:
            raise ValueError("the template for this model takes no speech")
        limits = EndpointLimits(
            connect_s=connect_s, first_byte_s=first_byte_s, between_s=between_s, total_s=total_s
        )
        self._endpoint = Endpoint("openai-chat", url, key_env=key_env, limits=limits)
        self._model, self._prefix, self._takes_images = model, prefix, takes_images
        self._takes_speech, self._recognised = takes_speech, recognised
        self._spare_tokens = spare_tokens
        self._extra = extra_fields(extra)
        if stop:
            self._extra.setdefault("stop", [text.replace("\\n", "\n") for text in stop])

    @property
    def info(self) -> Info:
        """Self-description; asks nobody."""
        return Info(
            name="openai-chat",
            role="mt",
            licence="that of the model",
            quality="good",
            languages=("*",),
            pairs=(("*", "*"),),
            takes_images=self._takes_images,
            takes_speech=self._takes_speech,
            forces_prefix=self._prefix != "hint",
            takes_glossary=self._template.glossary,
            shortens=self._template.shortens,
            cancellable=True,
            remote=True,
            about="A model behind a chat endpoint: vLLM, SGLang, llama.cpp, Ollama, a cloud",
        )

    def load(self) -> None:
        """See whether the endpoint is there. Raises ``EngineUnavailable``."""
        self._endpoint.open()
        models = self._endpoint.check()
        if self._model:
            return
        if len(models) != 1:
            known = f" It has: {', '.join(models[:10])}." if models else ""
            raise EngineUnavailable(
                f"Say which model to ask: openai-chat?url=...&model=NAME.{known}"
            )
        self._model = models[0]

    def close(self) -> None:
        """End the connections."""
        self._endpoint.close()

    def warm(self, source: str, target: str) -> None:
        """Nothing to do: every direction is the same model."""

    def translate(self, request: Translation) -> str:
        """As in the Protocol. Raises ``EndpointFailed``."""
        return self.translate_cancellable(request, Cancellation())

    def translate_cancellable(self, request: Translation, cancellation: Cancellation) -> str:
        """As in the Protocol. Raises ``EndpointFailed`` or ``RequestCancelled``."""
        text = " ".join(without_controls(request.text).replace("<|", "< |").split())
        if not text:
            return ""
        request = msgspec.structs.replace(request, text=text)
        continues = self._prefix != "hint" and bool(request.prefix)
        most_tokens = self._spare_tokens + 2 * len(text.encode())
        body = self._body(request, most_tokens, continues=continues)
        asked = self._endpoint.request(
            "POST", "chat/completions", json=body, cancellation=cancellation
        )
        with asked as answer:
            written, is_cut = _written(answer, _CHARS_PER_TOKEN * most_tokens)
        if continues and not written.startswith(request.prefix):
            written = request.prefix + written
        if is_cut and "\n" not in written.strip():
            raise EndpointNonsense("the model did not end its answer in time")
        try:
            found = cleaned(written, text, primary_tag(request.target))
        except NoTranslation as reason:
            raise EndpointNonsense(str(reason)) from None
        if continues and not found.startswith(request.prefix):  # it was taken for an addition
            return written.partition("\n")[0].rstrip()
        return found

    def _body(self, request: Translation, most_tokens: int, *, continues: bool) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._model,
            "messages": messages_for(
                self._template, request, continues=continues, tells_recognised=self._recognised
            ),
            "stream": True,
            "temperature": 0,
            "max_tokens": most_tokens,
        }
        if continues and self._prefix == "continue":
            body |= {"continue_final_message": True, "add_generation_prompt": False}
        if self._template.language_arguments:
            body["chat_template_kwargs"] = language_arguments(request)
        body |= self._extra
        return {name: value for name, value in body.items() if value is not None}


def _written(answer: Answer, most_chars: int) -> tuple[str, bool]:
    """What the model wrote, and whether it was stopped for its length."""
    parts: list[str] = []
    size, reason, is_done = 0, None, False
    for chunk in _chunks(answer):
        if chunk is None:
            is_done = True
            continue
        if chunk.error is not None:
            raise EndpointFailed("the server reports an error in the middle of its answer")
        for choice in chunk.choices[:1]:
            part = choice.delta or choice.message or _Part()
            if part.refusal:
                raise EndpointNonsense("the model refused to translate")
            parts.append(part.content or "")
            size += len(parts[-1])
            reason = choice.finish_reason or reason
        if size > most_chars:
            raise EndpointNonsense("the model did not end its answer in time")
    if reason == "content_filter":
        raise EndpointNonsense("the server's filter kept the answer back")
    if reason is None and not is_done:
        raise EndpointNonsense("the answer ended in the middle")
    return "".join(parts), reason == "length"


def _chunks(answer: Answer) -> Any:
    """The pieces of an answer, None for its end; also of one that came whole."""
    whole = answer.content_type == "application/json"
    for data in [b"".join(answer.pieces())] if whole else answer.events():
        if data == "[DONE]":
            yield None
            continue
        try:
            yield _DECODER.decode(data)
        except NO_JSON:
            raise EndpointNonsense("the server's answer is none of a chat") from None
