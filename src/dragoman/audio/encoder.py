"""What an audio encoder is; ``audio.encode`` makes them.

Scope: the interface only, so that each codec's file depends on nothing but PCM.
"""

from __future__ import annotations

from typing import Protocol


class Encoder(Protocol):
    """Encodes one stream. Not thread-safe: one call at a time."""

    def feed(self, pcm: bytes) -> bytes:
        """Encode more s16le mono; an odd byte waits for its other half. Returns what is ready.

        Raises ``ValueError`` after ``finish`` or ``close``.
        """

    def finish(self) -> bytes:
        """End the stream and return the rest of it; b"" when called again."""

    def close(self) -> None:
        """Free the codec now and drop what it still holds. Safe to call twice."""
