"""Markup into what a person would read aloud.

Law of this file: pure; state only for what spans segments.
"""

from __future__ import annotations


class Reader:
    """One text, segment by segment."""

    def read(self, segment: str) -> str:
        """What to say for the segment; empty if nothing."""
        return segment

    def reset(self) -> None:
        """A new text begins."""
