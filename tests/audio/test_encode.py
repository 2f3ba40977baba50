"""Encoders: the same stream however the input is cut; independent decoders read it."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import weakref
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.audio.encode import FORMATS, RATES_HZ, Format, encoder
from dragoman.audio.mp3 import DELAY_SAMPLES, mp3_bit_rate
from dragoman.audio.opus import OpusEncoder, opus_codec_bit_rate
from dragoman.audio.pcm import samples_in
from tests.audio.sounds import (
    Samples,
    by_ffmpeg,
    by_libsndfile,
    by_wave,
    delay_and_correlation,
    encoded,
    level_db,
    samples_of,
    speechlike,
    strongest_hz,
    tone,
)

CODECS: tuple[Format, ...] = ("mp3", "opus")
READERS = [
    *((form, read) for form in ("wav", "mp3", "opus") for read in (by_ffmpeg, by_libsndfile)),
    ("wav", by_wave),
]


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("form", FORMATS)
@settings(deadline=None, max_examples=8)
@given(cuts=st.lists(st.integers(0, 24_000), max_size=12))
def test_a_stream_does_not_depend_on_how_the_input_was_cut(
    form: Format, rate_hz: int, cuts: list[int]
) -> None:
    pcm = speechlike(rate_hz, 0.25)
    assert encoded(form, rate_hz, pcm, cuts) == encoded(form, rate_hz, pcm, [])


@pytest.mark.parametrize("form", FORMATS)
def test_input_byte_by_byte_gives_the_same_stream(form: Format) -> None:
    pcm = speechlike(16_000, 0.1)
    assert encoded(form, 16_000, pcm, list(range(len(pcm)))) == encoded(form, 16_000, pcm, [])


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize(("form", "read"), READERS)
def test_independent_decoders_read_the_same_sound(
    form: Format, read: Callable[[bytes], tuple[Samples, int]], rate_hz: int
) -> None:
    """Length (but for mp3's delay), pitch, loudness and samples are those of the input."""
    hz, seconds = 440.0, 0.6
    pcm = tone(rate_hz, hz, seconds) + speechlike(rate_hz, seconds)
    sound = samples_of(pcm)
    decoded, decoded_hz = read(encoded(form, rate_hz, pcm, []))
    length_ms = decoded.size / decoded_hz * 1000
    extra_ms = length_ms - sound.size / rate_hz * 1000
    if form == "mp3":
        assert DELAY_SAMPLES / rate_hz * 1000 <= extra_ms <= (217 if rate_hz == 8_000 else 109)
    else:
        assert abs(extra_ms) < 0.05  # a sample at the decoder's rate, where it is another
    lag = round(DELAY_SAMPLES * decoded_hz / rate_hz) if form == "mp3" else 0
    begin = round(0.1 * decoded_hz) + lag
    assert strongest_hz(decoded[begin : begin + decoded_hz // 3], decoded_hz) == pytest.approx(
        hz, abs=4
    )
    assert level_db(decoded[lag:]) == pytest.approx(level_db(sound), abs=1.0)
    if decoded_hz == rate_hz:
        found, match = delay_and_correlation(sound, decoded)
        assert abs(found - lag) <= 2
        assert match > (0.999 if form == "wav" else 0.97)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("form", FORMATS)
def test_a_stream_without_samples_is_empty(form: Format, rate_hz: int) -> None:
    stream = encoder(form, rate_hz)
    assert stream.feed(b"") + stream.finish() + stream.finish() == b""
    with pytest.raises(ValueError, match="complete"):
        stream.feed(b"\0\0")


def test_a_sound_of_one_sample_is_a_stream() -> None:
    for form in ("wav", "mp3", "opus"):
        decoded, _ = by_ffmpeg(encoded(form, 24_000, b"\0\x40", []))
        assert decoded.size


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("form", CODECS)
def test_output_comes_while_input_is_fed(form: Format, rate_hz: int) -> None:
    """mp3: the first bytes come within two frames. Nothing is held back longer than that."""
    frame_ms = (1152 if rate_hz > 24_000 else 576) / rate_hz * 1000 if form == "mp3" else 20
    step = samples_in(10, rate_hz) * 2
    pcm = speechlike(rate_hz, 1.0)
    stream = encoder(form, rate_hz, 64)
    without_output_ms, waits_ms = 0.0, []
    for at in range(0, len(pcm), step):
        without_output_ms += 10
        if stream.feed(pcm[at : at + step]):
            waits_ms.append(without_output_ms)
            without_output_ms = 0.0
    assert waits_ms[0] <= 2 * frame_ms + 10
    assert max(waits_ms) <= 2 * frame_ms + 10
    assert len(waits_ms) > 900 / (frame_ms + 10)


@pytest.mark.parametrize("form", CODECS)
@pytest.mark.parametrize("bit_rate", [6, 24, 64, 128, 510])
def test_the_size_is_what_was_asked_for_within_what_the_codec_can(
    form: Format, bit_rate: int
) -> None:
    seconds = 3.0
    noise = np.random.default_rng(5).standard_normal(int(24_000 * seconds)) * 3000
    pcm = (noise + np.frombuffer(speechlike(24_000, seconds), "<i2")).astype("<i2").tobytes()
    kbps = len(encoded(form, 24_000, pcm, [], bit_rate)) * 8 / seconds / 1000
    codec = mp3_bit_rate(24_000, bit_rate), opus_codec_bit_rate(bit_rate) + 12
    wanted = codec[form == "opus"]
    assert kbps == pytest.approx(wanted, rel=0.06, abs=2.5)


def test_bit_rates_are_brought_into_range() -> None:
    assert [mp3_bit_rate(8_000, asked) for asked in (6, 30, 128)] == [8, 32, 64]
    assert [mp3_bit_rate(24_000, asked) for asked in (6, 128, 510)] == [8, 128, 160]
    assert [mp3_bit_rate(48_000, asked) for asked in (6, 128, 510)] == [32, 128, 320]
    assert [opus_codec_bit_rate(asked) for asked in (1, 6, 20, 64, 510)] == [6, 6, 16, 52, 256]


def test_rates_that_a_format_lacks_are_refused() -> None:
    for form in FORMATS:
        with pytest.raises(ValueError, match="rate"):
            encoder(form, 0)
    with pytest.raises(ValueError, match="rate"):
        encoder("mp3", 23_456)


# ---------------------------------------------------------------- mp3
@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_mp3_has_no_header_frame_with_the_length(rate_hz: int) -> None:
    stream = encoded("mp3", rate_hz, speechlike(rate_hz), [])
    assert stream[0] == 0xFF
    assert stream[1] & 0xE0 == 0xE0
    assert not any(mark in stream for mark in (b"Xing", b"Info", b"VBRI"))


@pytest.mark.parametrize("extra", range(0, 576, 64))
def test_mp3_at_8_khz_ends_within_120_ms_of_speech_with_its_pause(extra: int) -> None:
    sound = speechlike(8_000)[: 7_000 + 2 * extra]
    pcm = sound + bytes(2 * samples_in(220, 8_000))
    decoded, _ = by_libsndfile(encoded("mp3", 8_000, pcm, []))
    assert 0 <= decoded.size - len(pcm) // 2 <= samples_in(120, 8_000)
    lag, match = delay_and_correlation(samples_of(sound), decoded)
    assert abs(lag - DELAY_SAMPLES) <= 2
    assert match > 0.97


# ---------------------------------------------------------------- opus
def pages(stream: bytes) -> list[tuple[int, int, int]]:
    """Flags, granule position and payload size of every Ogg page (RFC 3533)."""
    found, at = [], 0
    while at < len(stream):
        assert stream[at : at + 4] == b"OggS"
        segments = stream[at + 26]
        size = sum(stream[at + 27 : at + 27 + segments])
        granule = int.from_bytes(stream[at + 6 : at + 14], "little", signed=True)
        found.append((stream[at + 5], granule, size))
        at += 27 + segments + size
    return found


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_opus_pages_hold_20_ms_and_the_last_one_gives_the_length(rate_hz: int) -> None:
    pcm = speechlike(rate_hz, 0.513)
    stream = encoded("opus", rate_hz, pcm, [])
    head, tags, *sound = pages(stream)
    assert head[0] == 2
    assert tags[1] == 0
    granules = [granule for _, granule, _ in sound]
    assert set(np.diff(granules[:-1])) == {960}
    assert 0 < granules[-1] - granules[-2] <= 960
    assert sound[-1][0] & 4
    pre_skip = int.from_bytes(stream[stream.index(b"OpusHead") + 10 :][:2], "little")
    assert granules[-1] - pre_skip == pytest.approx(len(pcm) / 2 / rate_hz * 48_000, abs=1)


@pytest.mark.live
def test_opus_is_the_same_in_every_process() -> None:
    code = (
        "import hashlib; from tests.audio.sounds import encoded, speechlike\n"
        "print(hashlib.sha256(encoded('opus', 24000, speechlike(24000), [])).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = hashlib.sha256(encoded("opus", 24_000, speechlike(24_000), [])).hexdigest()
    assert other.stdout.strip() == here


def test_an_encoder_closed_early_is_freed_without_the_cycle_collector() -> None:
    stream = OpusEncoder(24_000, 64)
    assert stream.feed(speechlike(24_000))
    pages = weakref.ref(stream._pages)
    stream.close()
    stream.close()
    with pytest.raises(ValueError, match="complete"):
        stream.feed(b"\0\0")
    assert stream.finish() == b""
    del stream
    assert pages() is None
