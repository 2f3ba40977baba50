"""flite itself; skipped where the library is not installed."""

import ctypes
from collections.abc import Iterator

import numpy as np
import pytest

from dragoman.engines.base import EngineUnavailable, Utterance
from dragoman.engines.flite import engine as flite
from dragoman.engines.flite.engine import RATE_HZ, Flite

pytestmark = pytest.mark.engine

TEXT = "The quick brown fox jumps over the lazy dog, and runs away."


@pytest.fixture(scope="module")
def engine() -> Iterator[Flite]:
    engine = Flite()
    try:
        engine.load()
    except EngineUnavailable as reason:
        pytest.skip(str(reason))
    yield engine
    engine.close()


def spoken(engine: Flite, text: str = TEXT, voice: str = "Cherry", **more):
    pcm = b"".join(engine.synthesize(Utterance(text, voice, "en", **more)))
    return np.frombuffer(pcm, "<i2").astype(float)


@pytest.mark.parametrize("voice", ["Cherry", "Ethan", "Ryan", "Kai", "Serena", "nobody"])
def test_lengths_and_levels_of_the_voices(engine: Flite, voice: str) -> None:
    samples = spoken(engine, voice=voice)
    assert 2.8 < len(samples) / RATE_HZ < 5.2
    assert -25 < 20 * np.log10(samples.std() / 32768) < -16


def test_men_and_women_get_different_voices(engine: Flite) -> None:
    assert len(spoken(engine)) != len(spoken(engine, voice="Ethan"))
    assert len(spoken(engine)) == pytest.approx(len(spoken(engine)), rel=0.02)


def test_edges_are_trimmed_and_a_pause_follows(engine: Flite) -> None:
    samples = np.abs(spoken(engine, "I am here."))
    loud = np.flatnonzero(samples > 300)
    assert loud[0] / RATE_HZ < 0.06
    assert 0.18 < (len(samples) - loud[-1]) / RATE_HZ < 0.36


def test_rate_and_volume(engine: Flite) -> None:
    normal, fast, slow = (len(spoken(engine, rate=rate)) for rate in (1.0, 2.0, 0.5))
    assert normal / fast == pytest.approx(2, rel=0.1)
    assert slow / normal == pytest.approx(2, rel=0.1)
    assert len(spoken(engine)) == pytest.approx(normal, rel=0.02)  # the rate did not stick
    assert spoken(engine, volume=25).std() == pytest.approx(spoken(engine).std() / 2, rel=0.1)


def test_it_streams_and_cancels(engine: Flite) -> None:
    pieces = engine.synthesize(Utterance(TEXT, "Cherry", "en"))
    first = next(iter(pieces))
    assert 0 < len(first) < len(spoken(engine))
    pieces.close()
    assert 2.8 < len(spoken(engine)) / RATE_HZ < 5.2


@pytest.mark.parametrize("text", ["", " ", "?!", "\0", "漢字", "😀"])
def test_nothing_to_say_yields_nothing(engine: Flite, text: str) -> None:
    assert not list(engine.synthesize(Utterance(text, "Cherry", "en")))


def test_hostile_text_is_cut(engine: Flite) -> None:
    assert len(spoken(engine, "x" * 3000, voice="Moon")) / RATE_HZ < 80
    assert len(spoken(engine, "naïve “café” – a\0b", voice="Kai")) / RATE_HZ > 0.5


def test_other_languages_are_refused(engine: Flite) -> None:
    with pytest.raises(ValueError, match="es"):
        list(engine.synthesize(Utterance("hola", "Cherry", "es")))


def test_a_missing_library_says_how_to_mend_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str, **_: object) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    flite._library.cache_clear()
    monkeypatch.setattr(ctypes, "CDLL", absent)
    try:
        with pytest.raises(EngineUnavailable, match="apt-get install libflite1"):
            Flite().load()
    finally:
        flite._library.cache_clear()
