"""Loudness of the voices, pitch by gender, edges without clicks, and what ``shaped`` does."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from dragoman.engines import registry
from dragoman.engines.base import EngineUnavailable
from dragoman.engines.shared.pcm_shaping import leveled, shaped
from dragoman.engines.shared.voice_table import FEMALE, LEVEL_LUFS
from dragoman.protocol.synthesis.voices import VOICES
from tests.scripts.load import script

pytestmark = pytest.mark.engine

measure = script("measure_voices")
LANGUAGES = {
    "espeak": ("en", "zh", "de", "fr", "es", "it", "pt", "ru", "ja", "ko"),
    "flite": ("en",),
    "hibari": ("en",),
    "openjtalk": ("ja",),
}


@pytest.fixture(scope="module", params=LANGUAGES)
def engine(request: pytest.FixtureRequest) -> Iterator[Any]:
    engine: Any = registry.make(request.param, "tts")
    try:
        engine.load()
    except EngineUnavailable as reason:
        pytest.skip(str(reason))
    yield engine
    engine.close()


def test_the_loudness_meter_measures_the_reference_sine() -> None:
    """BS.1770: 997 Hz at full scale, one channel, is -3.01 LUFS."""
    times = np.arange(48_000 * 3) / 48_000
    for rate in (16_000, 22_050, 48_000):
        times = np.arange(rate * 3) / rate
        sine = np.sin(2 * np.pi * 997 * times)
        assert measure.loudness_lufs(sine, rate) == pytest.approx(-3.01, abs=0.1)
        assert measure.loudness_lufs(sine / 10, rate) == pytest.approx(-23.01, abs=0.1)
    assert measure.loudness_lufs(np.zeros(48_000), 48_000) == float("-inf")
    saw = np.mod(np.arange(44_100) * 150 / 22_050, 1.0) - 0.5
    assert measure.median_f0_hz(saw, 22_050) == pytest.approx(150, rel=0.02)


def test_a_sample_of_voices_is_at_the_common_level(engine: Any) -> None:
    """Every fifth voice in one language; the languages rotate."""
    languages = LANGUAGES[engine.info.name]
    for index, voice in enumerate(list(VOICES)[::5]):
        language = languages[index % len(languages)]
        sound = measure.spoken(engine, measure.SENTENCES[language], voice, language)
        level = measure.loudness_lufs(sound, engine.info.rate_hz)
        assert level == pytest.approx(LEVEL_LUFS, abs=1.5), f"{voice} in {language}"
        assert np.abs(sound).max() < 0.99, f"{voice} in {language} hits the end of the scale"


def test_female_and_male_voices_differ_in_pitch(engine: Any) -> None:
    language = LANGUAGES[engine.info.name][0]
    pitches = {
        name: measure.median_f0_hz(
            measure.spoken(engine, measure.SENTENCES[language][:1], name, language),
            engine.info.rate_hz,
        )
        for name in list(VOICES)[1::4]
    }
    women = [pitch for name, pitch in pitches.items() if name in FEMALE]
    men = [pitch for name, pitch in pitches.items() if name not in FEMALE]
    assert min(women) > 140
    assert max(men) < 160
    assert np.median(women) > 1.4 * np.median(men)


def test_the_edges_of_a_segment_are_silent_so_joins_do_not_click(engine: Any) -> None:
    """A jump from a sample to the next is heard as a click when nothing around is as loud."""
    language = LANGUAGES[engine.info.name][0]
    for voice in ("Cherry", "Ethan", "Momo", "Aiden"):
        one, two = (
            measure.spoken(engine, (text,), voice, language) for text in measure.SENTENCES[language]
        )
        joined = np.concatenate([one, two])
        at, window = len(one), engine.info.rate_hz // 100
        jumps = np.abs(np.diff(joined))
        assert jumps[at - window : at + 2].max() < 0.02, voice
        assert np.abs(one[-window:]).max() < 0.01, "a pause is there"


def test_loud_samples_are_limited_softly_not_clipped() -> None:
    ramp = np.arange(-32768, 32767, 7, dtype="<i2")
    bent = np.frombuffer(leveled(ramp.tobytes(), 2.0), "<i2").astype(int)
    assert np.all(np.diff(bent) >= 0)
    assert np.abs(bent).max() <= 32767
    quiet = np.abs(ramp.astype(int)) < 12_000
    assert np.abs(bent[quiet] - 2 * ramp[quiet].astype(int)).max() <= 1
    assert leveled(ramp.tobytes(), 1.0) == ramp.tobytes()
    assert leveled(b"", 3.0) == b""


def test_size_lowers_every_frequency() -> None:
    """``shaped`` lowers the pitch, too; engines ask their library for a higher one beforehand."""
    rate = 16_000
    times = np.arange(rate) / rate
    tone = (8000 * np.sin(2 * np.pi * 1000 * times)).astype("<i2").tobytes()
    pieces = shaped(
        iter([tone[: 9999 * 2], tone[9999 * 2 :]]), rate, size=1.25, gain=1.0, pause_ms=0
    )
    found = np.frombuffer(b"".join(pieces), "<i2")
    assert len(found) == pytest.approx(rate * 1.25, rel=0.02)
    peak = np.argmax(np.abs(np.fft.rfft(found))) * rate / len(found)
    assert peak == pytest.approx(800, rel=0.01)


def test_closing_shaped_closes_the_generator_it_reads() -> None:
    ended = []

    def made() -> Iterator[bytes]:
        try:
            while True:
                yield b"\x00\x20" * 8000
        finally:
            ended.append(True)

    pieces = shaped(made(), 16_000, size=1.0, gain=1.0, pause_ms=10)
    assert next(pieces)
    pieces.close()
    assert ended


def test_the_script_prints_its_tables(
    engine: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name, language = engine.info.name, LANGUAGES[engine.info.name][0]
    monkeypatch.setattr(measure, "distinct", lambda _engine: ["Cherry"])
    for options, line in {
        (): f"{LEVEL_LUFS:.1f}",
        ("--table",): f"{engine.sounds.gain_db('Cherry', language):.1f}",
    }.items():
        monkeypatch.setattr(sys, "argv", ["measure", name, "--languages", language, *options])
        measure.main()
        printed = capsys.readouterr().out.splitlines()[1].split()
        assert printed[0] in ("Cherry", engine.sounds.of("Cherry").variant)
        assert float(printed[1]) == pytest.approx(float(line), abs=0.3)
