"""Test signals, and independent decoders to read encoded streams with."""

from __future__ import annotations

import io
import itertools
import wave

import av
import numpy as np
import numpy.typing as npt
import soundfile

from dragoman.audio.encode import Format, encoder

Samples = npt.NDArray[np.float64]


def vowel(rate_hz: int, hz: float = 120.0, seconds: float = 1.0) -> bytes:
    """A vowel: a pulse train with formants at 700 and 1200 Hz, at about a tenth of full scale."""
    count = int(rate_hz * seconds)
    frequencies = np.arange(hz, min(rate_hz / 2, 3_900), hz)
    formants = sum(1 / (1 + ((frequencies - f) / 90) ** 2) for f in (700.0, 1200.0)) + 0.02
    angles = 2 * np.pi * np.outer(np.arange(count) / rate_hz, frequencies)
    samples = np.cos(angles) @ formants
    return pcm_of(0.3 * samples / np.abs(samples).max())


def speechlike(rate_hz: int, seconds: float = 0.5) -> bytes:
    """A rising tone with slow amplitude modulation; no two parts of it are equal."""
    time_s = np.arange(int(rate_hz * seconds)) / rate_hz
    swell = 0.2 + 0.2 * np.sin(2 * np.pi * 3 * time_s)
    return pcm_of(swell * np.sin(2 * np.pi * (300 + 800 * time_s) * time_s))


def tone(rate_hz: int, hz: float, seconds: float) -> bytes:
    """One pure tone."""
    return pcm_of(0.3 * np.sin(2 * np.pi * hz * np.arange(int(rate_hz * seconds)) / rate_hz))


def pcm_of(samples: Samples) -> bytes:
    """Floats as s16le."""
    return np.rint(samples * 32767).astype("<i2").tobytes()


def samples_of(pcm: bytes) -> Samples:
    """s16le as floats."""
    return np.frombuffer(pcm, "<i2").astype(float) / 32768


def encoded(form: Format, rate_hz: int, pcm: bytes, cuts: list[int], bit_rate: int = 64) -> bytes:
    """The whole stream, with the input cut at ``cuts`` (bytes)."""
    made = encoder(form, rate_hz, bit_rate)
    edges = [0, *sorted(min(cut, len(pcm)) for cut in cuts), len(pcm)]
    pieces = [made.feed(pcm[a:b]) for a, b in itertools.pairwise(edges)]
    return b"".join(pieces) + made.finish()


def by_ffmpeg(stream: bytes) -> tuple[Samples, int]:
    """Samples and sample rate, decoded by FFmpeg."""
    with av.open(io.BytesIO(stream)) as container:
        frames = list(container.decode(audio=0))
    samples = np.concatenate([frame.to_ndarray().ravel() for frame in frames]).astype(float)
    return samples / (32768 if frames[0].format.name.startswith("s16") else 1), frames[0].rate


def by_libsndfile(stream: bytes) -> tuple[Samples, int]:
    """The same, decoded by libsndfile (mpg123 for mp3, libopus for opus)."""
    samples, rate_hz = soundfile.read(io.BytesIO(stream))
    return samples, rate_hz


def by_wave(stream: bytes) -> tuple[Samples, int]:
    """The same, decoded by the standard library; wav only."""
    with wave.open(io.BytesIO(stream)) as file:
        return samples_of(file.readframes(file.getnframes())), file.getframerate()


def delay_and_correlation(wanted: Samples, decoded: Samples) -> tuple[int, float]:
    """Delay of ``wanted`` in ``decoded`` (samples), and their correlation there (0 to 1)."""
    size = 1 << (wanted.size + decoded.size).bit_length()
    match = np.fft.irfft(np.fft.rfft(decoded, size) * np.conj(np.fft.rfft(wanted, size)), size)
    lag = int(np.argmax(match[: max(1, decoded.size - wanted.size + 1)]))
    there = decoded[lag : lag + wanted.size]
    there = np.pad(there, (0, wanted.size - there.size))
    power = float(np.sqrt((wanted**2).sum() * (there**2).sum()))
    return lag, float(wanted @ there) / power if power else 0.0


def strongest_hz(samples: Samples, rate_hz: int) -> float:
    """The frequency with the most power."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
    return float(np.argmax(spectrum) * rate_hz / samples.size)


def level_db(samples: Samples) -> float:
    """RMS in dBFS."""
    return 20 * float(np.log10(np.sqrt((samples**2).mean()) + 1e-9))
