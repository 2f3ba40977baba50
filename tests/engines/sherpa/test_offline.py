"""Windows of sherpa-onnx with a real model: Moonshine tiny."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from dragoman.engines.base import Window
from dragoman.engines.sherpa.offline import SherpaOfflineAsr
from dragoman.engines.sherpa.words import TimedTokens, words_of
from dragoman.speech import Word
from tests import recordings
from tests.engines.sherpa.tiny_models import write_moonshine

RATE = 16_000


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SherpaOfflineAsr]:
    folder = write_moonshine(tmp_path_factory.mktemp("sherpa") / "moonshine")
    engine = SherpaOfflineAsr(model=str(folder), languages=("en",), max_batch=4)
    engine.load()
    yield engine
    engine.close()


def text(engine: SherpaOfflineAsr, *samples: np.ndarray) -> list[str]:
    windows = [Window(one.astype(np.float32).tobytes(), "en") for one in samples]
    return [" ".join(w.text for w in found.words) for found in engine.transcribe(windows)]


@pytest.mark.engine
def test_a_real_model_hears_what_is_said(engine: SherpaOfflineAsr) -> None:
    samples = recordings.read(recordings.two_cities())
    assert text(engine, samples[: 5 * RATE]) == [
        "It was the best of times, it was the worst of times."
    ]


@pytest.mark.engine
def test_windows_of_any_length_go_together(engine: SherpaOfflineAsr) -> None:
    samples = recordings.read(recordings.two_cities())[: 3 * RATE]
    parts = [samples, np.zeros(RATE), samples[:100], np.zeros(0), samples[: 2 * RATE]]
    assert text(engine, *parts) == [text(engine, part)[0] for part in parts]
    assert text(engine, *parts)[1::2] == ["", ""]


@pytest.mark.engine
def test_a_window_that_is_too_long_is_refused(engine: SherpaOfflineAsr) -> None:
    with pytest.raises(ValueError, match="at most 60 s"):
        engine.transcribe([Window(np.ones(61 * RATE, np.float32).tobytes(), "en")])


# ---------------------------------------------------------------- tokens and words
def test_pieces_of_words_give_times_and_confidences() -> None:
    log = [math.log(p) for p in (0.9, 0.4, 0.8, 0.5)]
    found = words_of(
        TimedTokens("Good eve, all", ["▁Good", "▁e", "ve,", "▁all"], [0, 1, 1.2, 3], log)
    )
    assert [(w.text, w.start_ms, w.end_ms) for w in found] == [
        ("Good", 0, 400),
        ("eve,", 1000, 1600),
        ("all", 3000, 3400),
    ]
    assert [round(w.confidence or 0, 3) for w in found] == [0.9, round((0.4 * 0.8) ** 0.5, 3), 0.5]


def test_characters_are_words_in_chinese_and_bytes_give_no_confidence() -> None:
    found = words_of(
        TimedTokens("你好 ok", ["你", "好", "▁ok"], [0.1, 0.3, 0.5], [-0.1, -0.2, -0.3])
    )
    assert [(w.text, w.joined, w.start_ms) for w in found] == [
        ("你", False, 100),
        ("好", True, 300),
        ("ok", False, 500),
    ]
    assert words_of(TimedTokens("ê", ["Ã", "ª"], [], [-1, -1])) == (Word("ê"),)
    assert words_of(TimedTokens("")) == ()
