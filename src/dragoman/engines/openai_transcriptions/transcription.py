"""The answer to a transcription request, as a hypothesis.

Scope: pure; what the formats ``json`` and ``verbose_json`` hold, and what servers make of them:

* Times of words, else of segments, else none: then Dragoman goes by when a word was first heard.
* ``avg_logprob`` of segments is the only thing that tells how sure a model was. Whisper itself
  takes less than -1.0 for a failure; its exponential is the confidence, of the language, too.
  Without it the confidence is 1, because nothing is known.
* Qwen3-ASR writes ``language English<asr_text>Hello.``; servers that pass that on are understood.

Sources: platform.openai.com/docs/api-reference/audio/verbose-json-object,
https://arxiv.org/abs/2212.04356 (section 4.5), github.com/QwenLM/Qwen3-ASR.
"""

from __future__ import annotations

import math
import re

import msgspec

from dragoman.engines.shared.transcript_words import TimedPiece, transcript_words
from dragoman.speech import Hypothesis
from dragoman.text.language_names import language_tag

_QWEN_HEAD = re.compile(r"\s*(?:language\s([^<]*))?<asr_text>", re.IGNORECASE)
"""Its parts cannot match the same spaces: an answer of thousands of them would take minutes, in
which the GIL is held.
"""
_SPECIAL = re.compile(r"<\|[^|<>]{0,40}\|>|</asr_text>")
MOST_CHARS_PER_S = 40
"""Nobody says more in a second; an answer beyond it is a loop of the decoder."""
_SPARE_CHARS = 40


class TimedWord(msgspec.Struct):
    """A word of ``verbose_json``; seconds."""

    word: str
    start: float = 0.0
    end: float = 0.0


class TimedSegment(msgspec.Struct):
    """A segment of ``verbose_json``; seconds. ``avg_logprob``: None or 0 where a server leaves it
    out.
    """

    text: str = ""
    start: float = 0.0
    end: float = 0.0
    avg_logprob: float | None = None


class Transcription(msgspec.Struct):
    """An answer. Fields that are not used are not read."""

    text: str
    language: str | None = None
    words: list[TimedWord] | None = None
    segments: list[TimedSegment] | None = None


def hypothesis_of(answer: Transcription, language: str | None, length_s: float) -> Hypothesis:
    """The hypothesis for audio of this length. ``language`` is what was asked for."""
    head = _QWEN_HEAD.match(answer.text)
    text = _SPECIAL.sub(" ", answer.text[head.end() :] if head else answer.text)
    detected = (head[1] or "").partition(",")[0].strip() if head else answer.language
    is_loop = len(text) > _SPARE_CHARS + MOST_CHARS_PER_S * length_s
    words = () if is_loop else transcript_words(text, _pieces(answer, length_s))
    if not words:  # the language of noise says nothing
        return Hypothesis(confidence=0.0, language=language, language_confidence=0.0)
    sure = _confidence(answer.segments or ())
    found = language_tag(detected) or language
    return Hypothesis(words, sure, found, language_confidence=sure)


def _pieces(answer: Transcription, length_s: float) -> list[TimedPiece]:
    def within(seconds: float) -> float:
        return min(max(seconds, 0.0), length_s)

    if answer.words:
        return [
            TimedPiece(each.word, within(each.start), within(each.end)) for each in answer.words
        ]
    segments = [each for each in answer.segments or () if each.end > each.start]
    return [TimedPiece(each.text, within(each.start), within(each.end)) for each in segments]


def _confidence(segments: list[TimedSegment] | tuple[()]) -> float:
    """The mean over the letters of what is known."""
    known = [
        (each.avg_logprob, len(each.text)) for each in segments if each.avg_logprob is not None
    ]
    letters = sum(size for _, size in known)
    if not letters:
        return 1.0
    return sum(size * math.exp(min(0.0, logprob)) for logprob, size in known) / letters
