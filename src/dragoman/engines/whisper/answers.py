"""What a decoder's tokens mean: words with times and confidences, or nothing.

Scope: one window's result to one hypothesis; no model is called here. Whisper writes fluent words
for silence, noise and music, and may run on: what repeats itself is cut off, and what remains has
the confidence that the model gave to it. Source for the two thresholds on compression and on "no
speech": ``whisper/transcribe.py`` of openai/whisper.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence

import msgspec

from dragoman.engines.shared.greedy_decoding import geometric_mean, repeated_count
from dragoman.engines.whisper.vocabulary import Vocabulary
from dragoman.speech import Hypothesis, Word

FRAME_MS = 20
_MOST_COMPRESSED = 2.4
NO_SPEECH = 0.6
_SURE_OF_SPEECH = 0.55
_LEAST_PROBABILITY = 1e-10


class Aligned(msgspec.Struct, frozen=True):
    """For each token of text: its probability and when it begins; ``end_ms`` of the last one."""

    probabilities: Sequence[float]
    starts_ms: Sequence[int]
    end_ms: int


def text_ids(vocabulary: Vocabulary, ids: Sequence[int]) -> list[int]:
    """The tokens of text among those that were decoded, without what a loop repeats; none where
    most of it is a loop: then what stands before it is no better.
    """
    text = [token for token in ids if token < vocabulary.end]
    count = len(text)
    while repeated := repeated_count(text):
        text = text[:-repeated]
    return text if len(text) * 2 > count else []


def aligned(alignments: Sequence[tuple[int, int]], probabilities: Sequence[float]) -> Aligned:
    """From pairs of text token and encoder frame, in the order of time."""
    count = len(probabilities)
    starts: list[int] = []
    frame = 0
    for token, frame in alignments:
        if token == len(starts) < count:
            starts.append(frame * FRAME_MS)
        elif token == count:  # the end of the text
            break
    starts += [frame * FRAME_MS] * (count - len(starts))
    return Aligned(probabilities, starts, frame * FRAME_MS)


def hypothesis(
    vocabulary: Vocabulary, ids: Sequence[int], timed: Aligned, no_speech: float
) -> Hypothesis:
    """The words of these tokens of text, without a language."""
    logs = [math.log(max(p, _LEAST_PROBABILITY)) for p in timed.probabilities]
    found = vocabulary.words(ids)
    words = []
    for place, (text, positions, joined) in enumerate(found):
        following = found[place + 1][1][0] if place + 1 < len(found) else None
        end_ms = timed.end_ms if following is None else timed.starts_ms[following]
        start_ms = timed.starts_ms[positions[0]]
        confidence = geometric_mean([logs[at] for at in positions])
        words.append(Word(text, confidence, start_ms, max(start_ms, end_ms), joined))
    confidence = geometric_mean(logs)
    is_empty = no_speech > NO_SPEECH and confidence < _SURE_OF_SPEECH
    if is_empty or is_runaway("".join(word.text for word in words)):
        confidence = 0.0
    return Hypothesis(tuple(words), min(confidence, 1.0))


def is_runaway(text: str) -> bool:
    """Whether a text compresses so well that it must repeat itself."""
    raw = text.encode()
    return len(raw) / max(1, len(zlib.compress(raw))) > _MOST_COMPRESSED
