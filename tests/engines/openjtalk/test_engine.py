"""Open JTalk itself; skipped where the extra ``ja`` is not installed."""

from __future__ import annotations

import builtins
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from dragoman.engines.base import EngineUnavailable, Utterance
from dragoman.engines.openjtalk import engine as openjtalk
from dragoman.engines.openjtalk.engine import RATE_HZ, OpenJtalk, sentences
from tests.scripts.load import script

pytestmark = pytest.mark.engine

TEXT = "今日は天気が良いので、公園まで歩きました。"


@pytest.fixture(scope="module")
def engine() -> Iterator[OpenJtalk]:
    engine = OpenJtalk()
    try:
        engine.load()
    except EngineUnavailable as reason:
        pytest.skip(str(reason))
    yield engine
    engine.close()


def spoken(engine: OpenJtalk, text: str = TEXT, voice: str = "Cherry", **more: Any) -> np.ndarray:
    pcm = b"".join(engine.synthesize(Utterance(text, voice, "ja", **more)))
    return np.frombuffer(pcm, "<i2").astype(float)


def pitch_hz(samples: np.ndarray) -> float:
    return float(script("measure_voices").median_f0_hz(samples, RATE_HZ))


def seconds(samples: np.ndarray) -> float:
    return len(samples) / RATE_HZ


def test_describing_it_imports_nothing() -> None:
    code = (
        "import sys\nfrom dragoman.engines.openjtalk.engine import OpenJtalk\n"
        "assert OpenJtalk().info.languages == ('ja',)\n"
        "sys.exit('pyopenjtalk' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_kanji_kana_numbers_and_latin_words_are_spoken_the_same_each_time(
    engine: OpenJtalk,
) -> None:
    assert 2.2 < seconds(spoken(engine)) < 4.5
    assert (
        2.0 < seconds(spoken(engine, "きょうはてんきがよいので、こうえんまであるきました。")) < 4.5
    )
    mixed = seconds(spoken(engine, "3.5パーセントのAIは、TOKYOにあります。"))
    assert 2.5 < mixed < 7
    assert np.array_equal(spoken(engine), spoken(engine))


def test_rate_pitch_and_volume(engine: OpenJtalk) -> None:
    normal = spoken(engine)
    assert 1.6 < seconds(normal) / seconds(spoken(engine, rate=2.0)) < 2.2  # a sound has its least
    assert 1.7 < seconds(spoken(engine, rate=0.5)) / seconds(normal) < 2.2
    higher = pitch_hz(spoken(engine, pitch=1.3)) / pitch_hz(normal)
    assert higher == pytest.approx(1.3, rel=0.08)
    assert np.array_equal(spoken(engine), normal), "nothing of it stuck"
    assert spoken(engine, volume=25).std() == pytest.approx(normal.std() / 2, rel=0.1)
    assert not spoken(engine, volume=0).any()


def test_loud_speech_stays_within_the_scale(engine: OpenJtalk) -> None:
    loud = np.abs(spoken(engine, voice="Ethan", volume=100))
    assert 30_000 < loud.max() <= 32_767
    assert (loud >= 32_700).mean() < 0.001, "bent, not cut"


def test_a_first_sentence_comes_before_the_others_are_made(engine: OpenJtalk) -> None:
    pieces = engine.synthesize(Utterance(TEXT * 20, "Cherry", "ja"))
    first = next(iter(pieces))
    assert first
    pieces.close()
    assert 2.2 < seconds(spoken(engine)) < 4.5


@pytest.mark.parametrize("text", ["", " ", "。。。", "😀", "\0"])
def test_nothing_to_say_yields_nothing(engine: OpenJtalk, text: str) -> None:
    assert not list(engine.synthesize(Utterance(text, "Cherry", "ja")))


def test_hostile_text_is_cut_and_its_parts_stay_short(engine: OpenJtalk) -> None:
    assert seconds(spoken(engine, "a" * 2000)) < 80
    assert max(map(len, sentences("あ" * 5000))) <= 120
    assert seconds(spoken(engine, "broken \ud83d 半分 ]] [[x]] <b>")) > 0.5


def test_sentences_are_cut_at_stops_then_commas_then_anywhere() -> None:
    assert list(sentences("はい。いいえ！「ほんとう？」と。")) == [
        "はい。", "いいえ！", "「ほんとう？」", "と。",
    ]  # fmt: skip
    long = "あ" * 70 + "、" + "い" * 100 + "。"
    assert [len(part) for part in sentences(long)] == [71, 101]
    for text in (TEXT, long, "う" * 1000, "一\n二", ""):
        assert "".join(sentences(text)) == text.replace("\n", "")


def test_other_languages_are_refused(engine: OpenJtalk) -> None:
    with pytest.raises(ValueError, match="en"):
        list(engine.synthesize(Utterance("hello", "Cherry", "en")))


def test_a_missing_package_says_how_to_mend_it(monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def without(name: str, *args: Any, **more: Any) -> Any:
        if name == "pyopenjtalk":
            raise ImportError(name)
        return imported(name, *args, **more)

    openjtalk._package.cache_clear()
    monkeypatch.setattr(builtins, "__import__", without)
    try:
        with pytest.raises(EngineUnavailable, match=r"pip install 'dragoman\[ja\]'"):
            OpenJtalk().load()
    finally:
        openjtalk._package.cache_clear()


def test_it_must_be_loaded() -> None:
    with pytest.raises(EngineUnavailable, match="not loaded"):
        list(OpenJtalk().synthesize(Utterance(TEXT, "Cherry", "ja")))
