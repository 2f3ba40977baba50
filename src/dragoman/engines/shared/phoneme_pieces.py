"""Phonemes cut into pieces for a model that speaks a piece at once.

Scope: sentences of phonemes with punctuation; of the first one the first clause is a piece of its
own, so that the first sound does not wait for the rest, and no piece is longer than a bound.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_FIRST_CLAUSE = 24  # phonemes; a shorter one would sound cut off
_CLAUSE = re.compile(r"[,;:—.!?…)]+ ?")


def pieces(sentences: Iterator[str], longest: int) -> Iterator[tuple[str, bool]]:
    """Each piece of at most ``longest`` phonemes, and whether it is the last one."""
    before = ""
    for piece in _cut_up(sentences, longest):
        if before:
            yield before, False
        before = piece
    if before:
        yield before, True


def _cut_up(sentences: Iterator[str], longest: int) -> Iterator[str]:
    shortest = min(_FIRST_CLAUSE, longest)
    for sentence in sentences:
        rest = sentence.strip()
        while rest:
            cut = _cut(rest, shortest, longest)
            yield rest[:cut].strip()
            rest, shortest = rest[cut:].strip(), longest


def _cut(text: str, shortest: int, longest: int) -> int:
    """Behind the first clause of at least ``shortest``, at most ``longest``."""
    ends = [match.end() for match in _CLAUSE.finditer(text)]
    early = next((end for end in ends if end >= shortest), len(text))
    if early <= longest:
        return early
    if len(text) <= longest:
        return len(text)
    late = max((end for end in ends if end <= longest), default=0)
    return late or text.rfind(" ", 1, longest) + 1 or longest
