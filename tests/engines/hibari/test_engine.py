"""hibari itself: what it says, in which voice, how fast, and that it repeats itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dragoman.engines.base import EngineUnavailable, Samples, Utterance
from dragoman.engines.hibari.engine import RATE_HZ, Hibari
from tests.engines.round_trip import word_error_rate
from tests.scripts.load import script

pytestmark = pytest.mark.engine

TEXT = "The quick brown fox jumps over the lazy dog, and runs away."
measure = script("measure_voices")


@pytest.fixture(scope="module")
def engine() -> Iterator[Hibari]:
    engine = Hibari()
    engine.load()
    yield engine
    engine.close()


def spoken(engine: Hibari, text: str = TEXT, voice: str = "Cherry", **more: float) -> Samples:
    pcm = b"".join(engine.synthesize(Utterance(text, voice, "en", **more)))  # type: ignore[arg-type]
    return np.frombuffer(pcm, "<i2").astype(np.float32)


def seconds(engine: Hibari, text: str = TEXT, voice: str = "Cherry", **more: float) -> float:
    return len(spoken(engine, text, voice, **more)) / RATE_HZ


@pytest.mark.parametrize("voice", ["Cherry", "Tina", "Ethan", "Rocky", "nobody"])
def test_every_voice_keeps_the_pace(engine: Hibari, voice: str) -> None:
    for rate in (0.5, 1.0, 2.0):
        assert seconds(engine, voice=voice, rate=rate) == pytest.approx(3.4 / rate, rel=0.08)


@pytest.mark.parametrize("voice", ["Cherry", "Ethan"])
def test_pitch_moves_and_the_rest_stays(engine: Hibari, voice: str) -> None:
    usual, high = spoken(engine, voice=voice), spoken(engine, voice=voice, pitch=1.25)
    assert len(high) == pytest.approx(len(usual), rel=0.02)
    found = [measure.median_f0_hz(samples / 32768, RATE_HZ) for samples in (usual, high)]
    assert found[1] / found[0] == pytest.approx(1.25, rel=0.06)
    assert spoken(engine, voice=voice, volume=25).std() == pytest.approx(usual.std() / 2, rel=0.05)


def test_the_same_text_gives_the_same_samples_whatever_was_said_before(engine: Hibari) -> None:
    for voice in ("Cherry", "Ethan"):
        first = spoken(engine, voice=voice)
        spoken(engine, "Something else, and longer than that by a good deal.", voice)
        assert np.array_equal(first, spoken(engine, voice=voice))


def test_the_first_clause_comes_alone(engine: Hibari) -> None:
    """Two sentences, of which the first has two clauses: three pieces of speech."""
    text = f"{TEXT} Nobody has ever found out why it did so, or where it went."
    pieces = engine.synthesize(Utterance(text, "Cherry", "en"))
    first = len(next(iter(pieces)))
    pieces.close()  # type: ignore[attr-defined]  # a generator
    assert 1.5 * 2 * RATE_HZ < first < 3 * 2 * RATE_HZ
    assert seconds(engine, text) > 6


@pytest.mark.parametrize("text", ["", " ", "?!", "\0", "漢字", "😀", "...", "-"])
def test_nothing_to_say_yields_nothing(engine: Hibari, text: str) -> None:
    assert not list(engine.synthesize(Utterance(text, "Cherry", "en")))


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("7" * 200, 40, 120),
        ("x" * 4000, 30, 120),
        ("supercalifragilistic" * 200, 5, 60),
        ("a " * 2000, 60, 900),
        ("naïve “café” – a\0b 谢谢 means thank you 😀", 1.5, 5),
        ("Do you know Москва and Ωmega?", 1.5, 5),
    ],
)
def test_hostile_text_is_read_or_cut(engine: Hibari, text: str, least: float, most: float) -> None:
    pieces = engine.synthesize(Utterance(text, "Cherry", "en"))
    assert least < sum(map(len, pieces)) / 2 / RATE_HZ < most


def test_other_languages_are_refused(engine: Hibari) -> None:
    with pytest.raises(ValueError, match="es"):
        list(engine.synthesize(Utterance("hola", "Cherry", "es")))


def test_a_missing_package_says_how_to_mend_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DRAGOMAN_MODELS", str(tmp_path))
    monkeypatch.setattr("dragoman.engines.shared.model_store._installed", lambda _file: ())
    with pytest.raises(EngineUnavailable, match=r"install hibari-tts==0\.2\.1"):
        Hibari().load()


@pytest.mark.parametrize("voice", ["Cherry", "Tina", "Ethan", "Rocky"])
def test_a_recogniser_understands_nearly_every_word(engine: Hibari, voice: str) -> None:
    """Also of the voices that are made from the one by another pitch and size."""
    assert word_error_rate(engine, voice) < 0.05
