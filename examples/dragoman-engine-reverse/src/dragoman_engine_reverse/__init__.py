"""A translator that reverses every word: the smallest engine that does something.

It reads like every real engine: ``info`` describes, ``load`` prepares, one method does the work.
"""

from __future__ import annotations

import re

from dragoman.engines.base import EngineUnavailable, Info, Translation

_WORD = re.compile(r"[^\W_]+")


class Reverse:
    """``Translator`` into mirror writing, whatever the target; letter case stays in place.

    ``shortest`` is the length from which words are reversed: keyword arguments of the
    constructor are the options of a spec, as in ``mt=reverse?shortest=3``.
    """

    info = Info(
        name="reverse",
        role="mt",
        licence="Apache-2.0",
        quality="scripted",
        languages=("*",),
        pairs=(("*", "*"),),
        about="Reverses every word; an example",
    )

    def __init__(self, *, shortest: int = 2) -> None:
        self._shortest = shortest
        self._loaded = False

    def load(self) -> None:
        """A real engine reads its model here, and raises ``EngineUnavailable`` if it cannot."""
        self._loaded = True

    def close(self) -> None:
        """Free here what ``load`` read."""
        self._loaded = False

    def warm(self, source: str, target: str) -> None:
        """Nothing to get ready."""

    def translate(self, request: Translation) -> str:
        """Every word reversed, the rest unchanged. Several threads may call this at once."""
        if not self._loaded:
            raise EngineUnavailable("The engine reverse is not loaded.")
        return _WORD.sub(lambda match: self._mirrored(match.group()), request.text.strip())

    def _mirrored(self, word: str) -> str:
        if len(word) < self._shortest:
            return word
        pairs = zip(word, reversed(word), strict=True)
        return "".join(new.upper() if old.isupper() else new.lower() for old, new in pairs)
