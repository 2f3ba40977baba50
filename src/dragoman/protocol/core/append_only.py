"""Text that was published to a client and may only be extended.

Scope: the check. Published text that changes is a defect of an engine and must not reach a client.
"""

from __future__ import annotations


class Rewritten(Exception):
    """Committed text was taken back."""


class AppendOnlyText:
    """The text that was published so far."""

    def __init__(self) -> None:
        self.text = ""

    def extend(self, text: str) -> str:
        """Take the longer text; what is new of it. Raises ``Rewritten``."""
        if not text.startswith(self.text):
            raise Rewritten
        new = text[len(self.text) :]
        self.text = text
        return new
