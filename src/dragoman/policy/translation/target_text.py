"""The committed target text of one turn, sentence by sentence.

Scope: text is only ever added. Sentences are joined with a space where the language is written with
spaces. Pure.
"""

from __future__ import annotations

from dragoman.text import clause_data


class TurnTarget:
    """Closed sentences and the open one."""

    def __init__(self, language: str) -> None:
        self._spaced = clause_data.is_spaced(language)
        self._closed = ""
        self.open = ""
        """Committed text of the open sentence."""

    @property
    def text(self) -> str:
        """All of it."""
        return self._join(self._closed, self.open)

    def extend(self, addition: str) -> None:
        """Commit more of the open sentence."""
        self.open += addition if self.open else addition.lstrip()

    def behind(self, rest: str) -> str:
        """More of the open sentence as it reads behind the whole text, with its leading space."""
        if self.open or not rest:
            return rest
        return self._join(self._closed, rest.lstrip())[len(self._closed) :]

    def close(self) -> str:
        """The open sentence is complete; returns it."""
        sentence, self._closed = self.open, self.text
        self.open = ""
        return sentence

    def _join(self, left: str, right: str) -> str:
        return f"{left} {right}" if left and right and self._spaced else left + right
