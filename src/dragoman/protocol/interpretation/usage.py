"""What a turn would have cost on the cloud.

Law of this file: counts in, integers out. Seconds of speech are paid by the rates of the
generation, pictures by their squares, text by the estimate of ``protocol.core.token_estimate``: the
cloud's tokenizer is not public.
"""

from __future__ import annotations

from msgspec import UNSET

from dragoman.protocol.core.token_estimate import text_tokens
from dragoman.protocol.interpretation.events import InputTokens, OutputTokens, Usage
from dragoman.protocol.interpretation.family import OUTPUT_RATE_HZ, Tariff

_BYTES_PER_S = OUTPUT_RATE_HZ * 2


class UsageMeter:
    """Counts one turn."""

    def __init__(self, tariff: Tariff) -> None:
        self._tariff = tariff
        self._heard_ms = 0
        self._said_bytes = 0
        self.image_tokens = 0.0

    def hear(self, audio_ms: int) -> None:
        """Speech of the turn, media time."""
        self._heard_ms += audio_ms

    def say(self, size: int) -> None:
        """Bytes of translated speech, without the padding of the last delta."""
        self._said_bytes += size

    def usage(self, source: str, target: str, *, speaks: bool) -> Usage:
        """Whole tokens; the parts add up. Without speech out, its count is left out."""
        tariff = self._tariff
        audio_in = round(tariff.audio_in * self._heard_ms / 1000)
        audio_out = round(tariff.audio_out * self._said_bytes / _BYTES_PER_S)
        heard = text_tokens(source)
        text_in = round(self.image_tokens) + (0 if tariff.asr_is_output else heard)
        text_out = text_tokens(target) + (heard if tariff.asr_is_output else 0)
        spent, made = text_in + audio_in, text_out + audio_out
        return Usage(
            total_tokens=spent + made,
            input_tokens=spent,
            output_tokens=made,
            input_tokens_details=InputTokens(text_tokens=text_in, audio_tokens=audio_in),
            output_tokens_details=OutputTokens(
                text_tokens=text_out, audio_tokens=audio_out if speaks else UNSET
            ),
        )
