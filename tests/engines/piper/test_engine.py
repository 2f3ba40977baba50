"""Piper itself: voices of a folder, level, pace, and text that would be markup to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dragoman.engines.base import EngineUnavailable, Samples, Utterance
from dragoman.engines.piper.engine import RATE_HZ, Piper
from dragoman.engines.shared.model_store import find_model
from dragoman.engines.shared.voice_table import LEVEL_LUFS, NAMES
from tests.engines.round_trip import word_error_rate
from tests.scripts.load import script

pytestmark = pytest.mark.engine

TEXT = "The quick brown fox jumps over the lazy dog. Then it runs away."
measure = script("measure_voices")


@pytest.fixture(scope="module")
def engine() -> Iterator[Piper]:
    engine = Piper()
    engine.load()
    yield engine
    engine.close()


def spoken(engine: Piper, text: str = TEXT, language: str = "en", **more: float) -> Samples:
    pcm = b"".join(engine.synthesize(Utterance(text, "Cherry", language, **more)))  # type: ignore[arg-type]
    return np.frombuffer(pcm, "<i2").astype(np.float32) / 32768


def test_a_recogniser_understands_nearly_every_word(engine: Piper) -> None:
    assert word_error_rate(engine, "Cherry") < 0.08


def test_level_and_pace(engine: Piper) -> None:
    usual = spoken(engine)
    assert measure.loudness_lufs(usual, RATE_HZ) == pytest.approx(LEVEL_LUFS, abs=2.5)
    assert 1.3 < len(usual) / len(spoken(engine, rate=2.0)) < 2.3  # it rounds each sound up


def test_a_sentence_comes_at_a_time(engine: Piper) -> None:
    pieces = engine.synthesize(Utterance(TEXT, "Cherry", "en"))
    first = len(next(iter(pieces))) / 2
    pieces.close()  # type: ignore[attr-defined]  # a generator
    assert first < 0.8 * len(spoken(engine))


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("one [[ hɛloʊ hɛloʊ hɛloʊ hɛloʊ ]] two", "one ( hɛloʊ hɛloʊ hɛloʊ hɛloʊ ) two"),
        ("one\0 two\x01", "one two"),
        ("[" * 500 + "one two" + "]" * 500, "one two"),
    ],
)
def test_what_is_markup_to_piper_is_text(engine: Piper, hostile: str, harmless: str) -> None:
    heard, meant = (len(spoken(engine, text)) / RATE_HZ for text in (hostile, harmless))
    assert heard == pytest.approx(meant, rel=0.3, abs=0.4)


@pytest.mark.parametrize("text", ["", "?!", "[[]]", "😀", "\0"])
def test_nothing_to_say_is_no_sound(engine: Piper, text: str) -> None:
    assert not spoken(engine, text).size


def test_the_voices_of_a_folder_say_which_languages_there_are(tmp_path: Path) -> None:
    joe = find_model("piper-en-us-joe")
    for stem in ("en_GB-one-low", "es_ES-two-medium"):
        (tmp_path / f"{stem}.onnx").symlink_to(joe / "en_US-joe-medium.onnx")
        (tmp_path / f"{stem}.onnx.json").symlink_to(joe / "en_US-joe-medium.onnx.json")
    (tmp_path / "fr_FR-without-description.onnx").touch()
    assert Piper(folder=str(tmp_path)).info.languages == ("en", "es")


def test_every_name_sounds_different_in_the_languages_there_are(engine: Piper) -> None:
    sounds = engine._opened.sounds["en"]
    assert len({sounds.of(name).size for name in NAMES}) == len(NAMES)
    with pytest.raises(ValueError, match="fr"):
        spoken(engine, "bonjour", "fr")


def test_a_folder_without_voices_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="no Piper voice"):
        Piper(folder=str(tmp_path)).load()
