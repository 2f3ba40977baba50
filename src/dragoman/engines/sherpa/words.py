"""Tokens of sherpa-onnx as words with times and confidences.

Scope: pure. The models cut text into tokens each in its way: pieces of words with a space (or
"▁") where a word begins, characters, bytes. So words are found on the text, and the times and
probabilities of tokens are laid upon it by counting letters (``transcript_words``).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import msgspec
from msgspec.structs import replace

from dragoman.engines.shared.greedy_decoding import geometric_mean
from dragoman.engines.shared.transcript_words import TimedPiece, transcript_words
from dragoman.speech import Word

_LONGEST_TOKEN_S = 0.4


class TimedTokens(msgspec.Struct, frozen=True):
    """What a recogniser answers: the text, its tokens, when each begins in seconds, and the
    logarithm of its probability; the last two may be missing.
    """

    text: str
    tokens: Sequence[str] = ()
    starts_s: Sequence[float] = ()
    logprobs: Sequence[float] = ()


def words_of(found: TimedTokens) -> tuple[Word, ...]:
    """The words, with what is known about them."""
    count = len(found.tokens)
    pieces: list[TimedPiece] = []
    if count and len(found.starts_s) == count:
        following = [*found.starts_s[1:], found.starts_s[-1] + _LONGEST_TOKEN_S]
        for token, start_s, next_s in zip(found.tokens, found.starts_s, following, strict=True):
            pieces.append(TimedPiece(token, start_s, min(next_s, start_s + _LONGEST_TOKEN_S)))
    words = transcript_words(found.text.replace("▁", " "), pieces)
    if not count or len(found.logprobs) != count:
        return words
    return tuple(
        replace(word, confidence=confidence)
        for word, confidence in zip(words, _confidences(words, found), strict=True)
    )


def confidence_of(found: TimedTokens) -> float:
    """Of the whole: the geometric mean of its tokens' probabilities; 1 where there are none."""
    return min(1.0, geometric_mean(found.logprobs)) if found.logprobs else 1.0


def _confidences(words: Sequence[Word], found: TimedTokens) -> list[float | None]:
    """Of each word the geometric mean of the tokens that have a part in it."""
    ends = list(accumulate(map(_letters, found.tokens)))
    total = ends[-1]
    if total != sum(_letters(word.text) for word in words):  # other letters than those of the text
        return [None] * len(words)
    confidences: list[float | None] = []
    place = begin = 0
    for word in words:
        end = begin + _letters(word.text)
        while place < len(ends) and ends[place] <= begin:
            place += 1
        last = place
        while last < len(ends) - 1 and ends[last] < end:
            last += 1
        inside = list(found.logprobs[place : last + 1]) if end > begin else []
        confidences.append(min(1.0, geometric_mean(inside)) if inside else None)
        begin = end
    return confidences


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))
