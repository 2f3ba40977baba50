"""Glossary phrases as the hotwords of a streaming transducer.

Scope: text; the library biases its beam search to them. A phrase with a character that the model
does not know is left out, and so is everything that means something in a list of hotwords: the
library would end the process over some of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from dragoman.engines.base import EngineUnavailable
from dragoman.text.scripts import is_unspaced

MOST_PHRASES = 1_000
_MEANT = re.compile(r"[/:#@\\\s]+")
_BEGIN = "▁"


class HotwordRules(msgspec.Struct, frozen=True):
    """What the model's units of text are, and in which characters it writes."""

    unit: str
    vocabulary: str
    """A file with its pieces of words, or empty."""
    characters: frozenset[str]

    def listed(self, phrases: Iterable[str]) -> str:
        """The phrases that the model can write, as the library wants them; empty for none."""
        found = dict.fromkeys(self._written(phrase) for phrase in phrases)
        return "/".join(filter(None, list(found)[:MOST_PHRASES]))

    def _written(self, phrase: str) -> str:
        text = " ".join(_MEANT.sub(" ", phrase).split())
        cased = (text, text.upper(), text.lower())
        return next((one for one in cased if self.characters.issuperset(one.replace(" ", ""))), "")


def hotword_rules(tokens: Path, vocabulary: Path | None) -> HotwordRules:
    """By the model's ``tokens.txt``, and its ``bpe.vocab`` if it has one. Raises
    ``EngineUnavailable`` for units of text that hotwords cannot be cut into without it.
    """
    pieces = [line.split()[0] for line in tokens.read_text("utf-8").splitlines() if line.split()]
    text = [piece for piece in pieces if not (piece.startswith("<") and piece.endswith(">"))]
    characters = frozenset("".join(text)) - {_BEGIN}
    has_unspaced = any(map(is_unspaced, characters))
    if vocabulary is None and not has_unspaced:
        raise EngineUnavailable(
            f"{tokens.parent}: hotwords (boost) need a file bpe.vocab beside tokens.txt, with the "
            "pieces of the model's bpe.model and their scores. Leave out boost otherwise."
        )
    unit = "cjkchar" if vocabulary is None else "cjkchar+bpe" if has_unspaced else "bpe"
    if unit == "cjkchar":
        characters = frozenset(piece for piece in text if len(piece) == 1)
    return HotwordRules(unit, str(vocabulary or ""), characters)
