"""Raw PCM and WAV out of an answer, however it is cut."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.audio.pcm import wav_header
from dragoman.engines.openai_speech.answered_audio import AnsweredAudio, NotPcm

RATE = 24_000
TONE = (8_000 * np.sin(np.arange(RATE // 10) / 9)).astype("<i2").tobytes()
SIZES = st.lists(st.integers(1, 1_001), min_size=1, max_size=9)


def decoded(body: bytes, sizes: list[int], content_type: str = "audio/pcm") -> bytes:
    audio = AnsweredAudio(content_type, raw_hz=RATE, rate_hz=RATE)
    out, at, turn = b"", 0, 0
    while at < len(body):
        piece = audio.feed(body[at : at + sizes[turn % len(sizes)]])
        assert len(piece) % 2 == 0, "only whole samples come out"
        out, at, turn = out + piece, at + sizes[turn % len(sizes)], turn + 1
    return out + audio.finish()


@settings(deadline=None)
@given(SIZES)
def test_raw_pcm_comes_out_as_it_is_however_it_is_cut(sizes: list[int]) -> None:
    assert decoded(TONE, sizes) == TONE


@settings(deadline=None)
@given(SIZES, st.sampled_from([None, 0, 7, len(TONE), 0xFFFF_0000]))
def test_the_length_in_a_wav_header_is_not_believed(sizes: list[int], length: int | None) -> None:
    header = wav_header(RATE, size=length)
    assert decoded(header + TONE, sizes, "audio/wav") == TONE
    assert decoded(header + TONE, sizes, "audio/pcm") == TONE, "whatever it is called"


@settings(deadline=None)
@given(SIZES)
def test_chunks_before_the_audio_are_skipped(sizes: list[int]) -> None:
    header = wav_header(RATE)
    extra = struct.pack("<4sI5sx", b"LIST", 5, b"hello")
    assert decoded(header[:12] + extra + header[12:] + TONE, sizes) == TONE


@settings(deadline=None)
@given(SIZES)
def test_stereo_becomes_mono(sizes: list[int]) -> None:
    left = np.frombuffer(TONE, "<i2")
    both = np.stack([left, left], axis=1).tobytes()
    assert decoded(wav_header(RATE, channels=2) + both, sizes) == TONE
    assert decoded(both, sizes, "audio/L16; rate=24000; channels=2") == TONE


def test_another_rate_is_resampled() -> None:
    for body, content_type in [
        (TONE, "audio/pcm;rate=8000"),
        (TONE, 'audio/L16; sample_rate="8000"'),
        (wav_header(8_000) + TONE, "audio/wav"),
    ]:
        assert len(decoded(body, [100], content_type)) == 3 * len(TONE)


def test_half_a_sample_at_the_end_is_dropped() -> None:
    assert decoded(TONE + b"x", [7]) == TONE


def test_the_first_samples_pass_at_once() -> None:
    audio = AnsweredAudio("audio/pcm", raw_hz=RATE, rate_hz=RATE)
    assert audio.feed(b"\1\2\3") == b"\1\2"
    assert audio.feed(b"\4") == b"\3\4"


def test_audio_that_begins_like_a_header_is_audio() -> None:
    assert decoded(b"RIFT" + TONE, [1]) == b"RIFT" + TONE
    assert decoded(b"RI", [1]) == b"RI"
    assert decoded(b"", [1]) == b""


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "audio/mpeg"),
        (b"", "text/html; charset=utf-8"),
        (b"", "application/json"),
        (wav_header(RATE)[:30], "audio/wav"),
        (wav_header(RATE, channels=9) + TONE, "audio/wav"),
        (wav_header(1) + TONE, "audio/wav"),
        (TONE, "audio/pcm; rate=999999"),
        (wav_header(RATE).replace(b"\x01\x00\x01\x00", b"\x03\x00\x01\x00") + TONE, "audio/wav"),
        (wav_header(RATE)[:12] + struct.pack("<4sI", b"data", 0) + TONE, "audio/wav"),
        (wav_header(RATE)[:12] + struct.pack("<4sI", b"junk", 1 << 30) + TONE * 20, "audio/wav"),
    ],
)
def test_what_is_no_pcm_is_refused(body: bytes, content_type: str) -> None:
    with pytest.raises(NotPcm):
        decoded(body, [1000], content_type)


def test_the_refusal_quotes_nothing_of_the_answer() -> None:
    with pytest.raises(NotPcm) as refusal:
        AnsweredAudio("x-secret/page", raw_hz=RATE, rate_hz=RATE)
    assert "secret" not in str(refusal.value)
