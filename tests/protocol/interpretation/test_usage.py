"""Usage: the rates of the generations, in integers that add up."""

import pytest
from msgspec import UNSET

from dragoman.protocol.interpretation.generations import QWEN3, QWEN35, QWEN38
from dragoman.protocol.interpretation.usage import UsageMeter

BYTES_PER_S = 48_000


def usage_of(family, *, in_ms, out_s, source="", target="", images=0.0, speaks=True):
    meter = UsageMeter(family.tariff)
    meter.add_speech_in(in_ms)
    meter.add_speech_out(round(out_s * BYTES_PER_S))
    meter.image_tokens = images
    return meter.usage(source, target, speaks=speaks)


@pytest.mark.parametrize("family", [QWEN35, QWEN38])
def test_the_recorded_numbers(family):
    usage = usage_of(family, in_ms=12_000, out_s=14.96)
    assert usage.input_tokens_details.audio_tokens == 84
    assert usage.output_tokens_details.audio_tokens == 187
    assert usage.total_tokens == 84 + 187


def test_qwen3_has_its_own_rate_and_bills_the_transcript_as_output():
    usage = usage_of(QWEN3, in_ms=2_000, out_s=2, source="four", target="fourfour")
    assert usage.input_tokens_details.audio_tokens == 25
    assert usage.input_tokens_details.text_tokens == 0
    assert usage.output_tokens_details.text_tokens == 1 + 2


def test_text_only_leaves_the_audio_count_out():
    usage = usage_of(QWEN38, in_ms=1_000, out_s=0, source="four", target="四", speaks=False)
    assert usage.output_tokens_details.audio_tokens is UNSET
    assert usage.input_tokens_details.text_tokens == 1
    assert usage.output_tokens == 1


def test_pictures_are_part_of_the_input():
    usage = usage_of(QWEN38, in_ms=0, out_s=0, images=150.0)
    assert usage.input_tokens == usage.total_tokens == 150


def test_everything_adds_up():
    usage = usage_of(QWEN3, in_ms=777, out_s=0.777, source="a b c d e", target="名古屋", images=9.5)
    spent, made = usage.input_tokens_details, usage.output_tokens_details
    assert usage.input_tokens == spent.text_tokens + spent.audio_tokens
    assert usage.output_tokens == made.text_tokens + made.audio_tokens
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
