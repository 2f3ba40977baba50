"""Kokoro itself: level, pace, gender, hostile text, and folders of the operator's."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dragoman.engines.base import EngineUnavailable, Samples, Utterance
from dragoman.engines.kokoro.engine import RATE_HZ, Kokoro
from dragoman.engines.shared.model_store import find_model
from dragoman.engines.shared.voice_table import FEMALE, LEVEL_LUFS, MALE
from tests.scripts.load import script

pytestmark = pytest.mark.engine

TEXT = "電車が遅れています。"
measure = script("measure_voices")


@pytest.fixture(scope="module")
def engine() -> Iterator[Kokoro]:
    engine = Kokoro()
    engine.load()
    yield engine
    engine.close()


def spoken(engine: Kokoro, text: str = TEXT, voice: str = "Cherry", rate: float = 1.0) -> Samples:
    pcm = b"".join(engine.synthesize(Utterance(text, voice, "ja", rate=rate)))
    return np.frombuffer(pcm, "<i2").astype(np.float32) / 32768


def test_men_and_women_speak_at_the_common_level(engine: Kokoro) -> None:
    woman, man = spoken(engine), spoken(engine, voice="Ethan")
    assert measure.median_f0_hz(woman, RATE_HZ) > 1.5 * measure.median_f0_hz(man, RATE_HZ)
    for samples in (woman, man):
        assert measure.loudness_lufs(samples, RATE_HZ) == pytest.approx(LEVEL_LUFS, abs=2)


def test_no_two_names_of_a_gender_sound_the_same(engine: Kokoro) -> None:
    table = engine._opened.sounds["ja"]
    for names in (FEMALE, MALE):
        assert len({(table.of(name).variant, table.of(name).size) for name in names}) == len(names)


def test_the_rate_is_followed(engine: Kokoro) -> None:
    usual, fast = len(spoken(engine)), len(spoken(engine, rate=2.0))
    assert usual / fast == pytest.approx(2, rel=0.25)


@pytest.mark.parametrize("text", ["。。。", "😀", "\0\x01", "[[kon]] 今日は", "谢谢 thanks 谢谢"])
def test_any_text_is_answered(engine: Kokoro, text: str) -> None:
    assert len(spoken(engine, text)) / RATE_HZ < 6


def test_other_languages_need_a_folder(engine: Kokoro) -> None:
    with pytest.raises(ValueError, match="en"):
        list(engine.synthesize(Utterance("hello", "Cherry", "en")))
    with pytest.raises(EngineUnavailable, match=r"voices-v1\.0\.bin"):
        Kokoro(folder="/there/is/none").load()


def test_the_official_files_in_a_folder_speak_english_as_well(tmp_path: Path) -> None:
    """The voices are Japanese ones under English names: the reading is what is tested."""
    data = find_model("kokoro-ja")
    (tmp_path / "kokoro-v1.0.int8.onnx").symlink_to(data / "model.onnx")
    with np.load(data / "voices_ja.npz") as archive:
        styles = {name: archive[name] for name in archive.files}
    english = {f"a{name[1:]}": style for name, style in styles.items()}
    with (tmp_path / "voices-v1.0.bin").open("wb") as file:
        np.savez(file, **styles, **english)
    engine = Kokoro(folder=str(tmp_path))
    assert engine.info.languages == ("ja", "en")
    engine.load()
    pcm = b"".join(engine.synthesize(Utterance("The train is late.", "Cherry", "en")))
    assert 0.8 < len(pcm) / 2 / RATE_HZ < 3
    engine.close()
    shutil.rmtree(tmp_path)
