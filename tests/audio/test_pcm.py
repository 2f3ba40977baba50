"""PCM arithmetic, WAV headers and the trimming of edge silence."""

import io
import itertools
import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.audio.pcm import (
    EdgeTrim,
    Fade,
    amplified,
    as_int16,
    bytes_in,
    from_float,
    samples_in,
    silence,
    to_float,
    wav_header,
)

RATE_HZ = 16_000


def tone(ms: int, level: float = 0.5) -> bytes:
    time_s = np.arange(samples_in(ms, RATE_HZ)) / RATE_HZ
    return from_float((level * np.sin(2 * np.pi * 440 * time_s)).astype(np.float32))


def trimmed(pcm: bytes, cuts: list[int]) -> bytes:
    trim = EdgeTrim(RATE_HZ)
    edges = sorted({0, len(pcm), *(2 * (cut % (len(pcm) // 2 + 1)) for cut in cuts)})
    pieces = [trim.feed(pcm[a:b]) for a, b in itertools.pairwise(edges)]
    return b"".join(pieces) + trim.finish()


def test_bytes_are_whole_samples() -> None:
    assert bytes_in(20, RATE_HZ) == 640
    assert bytes_in(0.1, 22_050) % 2 == 0
    assert silence(10, 8_000) == bytes(160)


def test_floats_are_clipped_not_wrapped() -> None:
    assert np.frombuffer(from_float(np.array([2.0, -2.0, 0.0], np.float32)), "<i2").tolist() == [
        32767,
        -32768,
        0,
    ]


@given(st.lists(st.integers(-32768, 32767)))
def test_int16_survives_floats(samples: list[int]) -> None:
    pcm = np.array(samples, "<i2").tobytes()
    assert from_float(to_float(pcm)) == pcm


def test_amplified_clips() -> None:
    loud = np.array([20_000, -20_000, 100], "<i2").tobytes()
    assert np.frombuffer(amplified(loud, 2.0), "<i2").tolist() == [32767, -32768, 200]
    assert amplified(loud, 1.0) is loud
    assert amplified(loud, 0.0) == bytes(6)


@pytest.mark.parametrize("size", [None, 640])
def test_wav_header_is_read_to_the_end(size: int | None) -> None:
    with wave.open(io.BytesIO(wav_header(RATE_HZ, size=size) + tone(20))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE_HZ, 1, 2)
        assert file.readframes(320) == tone(20)
        if size is not None:
            assert file.getnframes() == 320


def test_odd_bytes_are_refused() -> None:
    with pytest.raises(ValueError):
        to_float(b"abc")


@given(cuts=st.lists(st.integers(0, 20_000), max_size=12))
def test_trim_keeps_what_is_between_the_silent_ends_however_it_is_cut(cuts: list[int]) -> None:
    speech = tone(200) + silence(300, RATE_HZ) + tone(100)
    out = trimmed(silence(500, RATE_HZ) + speech + silence(400, RATE_HZ), cuts)
    assert speech in out
    kept_ms = (len(out) - len(speech)) / bytes_in(1, RATE_HZ)
    assert 40 <= kept_ms <= 45  # 20 ms on each side, 5 ms windows


def test_trim_gives_nothing_for_silence() -> None:
    assert trimmed(silence(700, RATE_HZ), [3, 500]) == b""
    assert trimmed(b"", []) == b""


def test_trim_does_not_hold_back_sound() -> None:
    trim = EdgeTrim(RATE_HZ)
    first = trim.feed(silence(100, RATE_HZ) + tone(60))
    assert len(first) / bytes_in(1, RATE_HZ) >= 75


def test_trim_keeps_a_last_sound_shorter_than_a_window() -> None:
    click = tone(3)
    kept = trimmed(tone(50) + silence(100, RATE_HZ) + click, [])
    assert len(kept) == bytes_in(153, RATE_HZ)
    assert np.abs(as_int16(kept[-len(click) :])).max() > 1000


@given(st.lists(st.integers(0, 40), max_size=6), st.integers(0, 60))
def test_a_fade_changes_only_the_ends_however_the_input_is_cut(cuts: list[int], n: int) -> None:
    pcm = np.full(n, 1000, "<i2").tobytes()
    fade = Fade(8)
    edges = [0, *sorted(2 * min(cut, n) for cut in cuts), len(pcm)]
    out = b"".join(fade.feed(pcm[a:b]) for a, b in itertools.pairwise(edges)) + fade.finish()
    samples = as_int16(out)
    assert samples.size == n
    if n >= 18:
        assert (samples[8:-8] == 1000).all()
        assert (np.diff(samples[:9]) > 0).all()
        assert (np.diff(samples[-9:]) < 0).all()
        assert samples[0] < 100
        assert samples[-1] < 100


def test_sound_that_starts_and_ends_loud_is_faded() -> None:
    samples = as_int16(trimmed(tone(100), []))
    assert abs(int(samples[0])) < 200
    assert abs(int(samples[-1])) < 200
