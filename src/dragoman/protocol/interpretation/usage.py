"""What a turn would have cost on the cloud.

Scope: counts in, integers out. Seconds of speech are paid by the rates of the
generation, pictures by their squares, text by the estimate of ``protocol.core.token_estimate``: the
cloud's tokenizer is not public.
"""

from __future__ import annotations

from msgspec import UNSET

from dragoman.protocol.core.commands import Used
from dragoman.protocol.core.token_estimate import text_tokens
from dragoman.protocol.interpretation.generation import OUTPUT_RATE_HZ, Tariff
from dragoman.protocol.realtime.events import InputTokens, OutputTokens, Usage

_BYTES_PER_S = OUTPUT_RATE_HZ * 2


class UsageMeter:
    """Counts one turn."""

    def __init__(self, tariff: Tariff) -> None:
        self._tariff = tariff
        self._speech_in_ms = 0
        self._speech_out_bytes = 0
        self.image_tokens = 0.0

    def add_speech_in(self, audio_ms: int) -> None:
        """Speech of the turn, media time."""
        self._speech_in_ms += audio_ms

    def add_speech_out(self, size: int) -> None:
        """Bytes of translated speech, without the padding of the last delta."""
        self._speech_out_bytes += size

    @property
    def used(self) -> Used:
        """What the turn consumed, apart from any tariff."""
        out_ms = self._speech_out_bytes * 1000 // _BYTES_PER_S
        return Used(audio_in_ms=self._speech_in_ms, audio_out_ms=out_ms)

    def usage(self, source: str, target: str, *, speaks: bool) -> Usage:
        """Whole tokens; the parts add up. Without speech out, its count is left out."""
        tariff = self._tariff
        audio_in = round(tariff.audio_in * self._speech_in_ms / 1000)
        audio_out = round(tariff.audio_out * self._speech_out_bytes / _BYTES_PER_S)
        recognised = text_tokens(source)
        text_in = round(self.image_tokens) + (0 if tariff.asr_is_output else recognised)
        text_out = text_tokens(target) + (recognised if tariff.asr_is_output else 0)
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
