"""The answer of a model that recognises speech in a chat, as a hypothesis.

Scope: pure. Such an answer is ``language English<asr_text>Hello.`` (Qwen3-ASR) or bare text. With
``logprobs`` the confidence is the geometric mean of the text's tokens, as Whisper's is, and that of
the language the probability of its name.
Source: platform.openai.com/docs/api-reference/chat/object, read November 2026.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from dragoman.engines.openai_transcriptions.transcription import Transcription, hypothesis_of
from dragoman.speech import Hypothesis
from dragoman.text.scripts import is_unspaced

_TAG = "<asr_text>"


class TokenLogprob(msgspec.Struct):
    """A token and its log probability."""

    token: str
    logprob: float


class ChoiceLogprobs(msgspec.Struct):
    """Those of an answer."""

    content: list[TokenLogprob] | None = None


class AnswerMessage(msgspec.Struct):
    """The message of an answer."""

    content: str | None = None


class AnswerChoice(msgspec.Struct):
    """One answer of those that were asked for."""

    message: AnswerMessage
    logprobs: ChoiceLogprobs | None = None


class ChatAnswer(msgspec.Struct):
    """A ``chat.completion``. Fields that are not used are not read."""

    choices: list[AnswerChoice]


def chat_hypothesis(
    answer: ChatAnswer, begun: str, language: str | None, length_s: float
) -> Hypothesis:
    """The hypothesis for audio of this length. ``begun`` is the beginning that was given to the
    model; some servers repeat it, and some let the model begin anew.
    """
    if not answer.choices:
        return Hypothesis(confidence=0.0, language=language, language_confidence=0.0)
    choice = answer.choices[0]
    text = _continued(begun, choice.message.content or "")
    found = hypothesis_of(Transcription(text), language, length_s)
    tokens = choice.logprobs.content if choice.logprobs and choice.logprobs.content else []
    if not found.words or not tokens:
        return found
    tags = [place for place, token in enumerate(tokens) if _TAG in token.token]
    after = tags[0] + 1 if tags else 0
    return msgspec.structs.replace(
        found,
        confidence=_mean(tokens[after:]),
        language_confidence=_mean(tokens[1 : after - 1], whole=True) if tags else 1.0,
    )


def _continued(begun: str, text: str) -> str:
    if not begun or _TAG in text:
        return text
    last, first = begun[-1], text[:1]
    run_together = last.isalnum() and first.isalnum() and not is_unspaced(first)
    return f"{begun} {text}" if run_together else begun + text


def _mean(tokens: Sequence[TokenLogprob], *, whole: bool = False) -> float:
    """The geometric mean of the probabilities, or their product; 1 for no tokens."""
    total = sum(min(0.0, token.logprob) for token in tokens)
    return math.exp(total if whole or not tokens else total / len(tokens))
