"""What clients of the synthesis API are given to say, and how much sound it is.

The scripted voice speaks every word as a tone; its length follows from the letters alone.
"""

from __future__ import annotations

import re

SHORT_TEXT = "The wind rose in the night. In the morning, the sea was white. Nobody went out."
_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
LONG_TEXT = " ".join(
    f"This is sentence number {number} of a long answer, and like all the others it goes on for"
    " a while."
    for number in _NUMBERS
)
"""948 characters in ten sentences."""

WORD_MS, LETTER_MS, GAP_MS = 60, 30, 40
PCM_BYTES_PER_MS = 48
"""16 bits, one channel, 24,000 Hz."""


def speech_bytes(text: str) -> int:
    """How many bytes of PCM at 24,000 Hz the scripted voice makes of plain words."""
    lengths_ms = (WORD_MS + LETTER_MS * len(word) + GAP_MS for word in re.findall(r"\w+", text))
    return PCM_BYTES_PER_MS * sum(lengths_ms)
