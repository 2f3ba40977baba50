"""``Utterance.pause`` scales the silence behind a segment and changes nothing else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dragoman.engines.base import EngineUnavailable, Synthesizer, Utterance
from dragoman.engines.espeak.engine import Espeak
from dragoman.engines.flite.engine import Flite
from dragoman.engines.openjtalk.engine import OpenJtalk
from dragoman.engines.scripted.engines import ScriptedTts
from dragoman.engines.scripted.script_file import SpeechEntry
from dragoman.text.spoken import FULL_PAUSE_MS

pytestmark = pytest.mark.engine

TEXTS = {"en": "This is said. So is this.", "ja": "今日は晴れです。明日は雨です。"}


def tail_ms(pcm: bytes, rate_hz: int) -> float:
    """Length of the silence at the end."""
    heard = np.flatnonzero(np.frombuffer(pcm, "<i2"))
    return (len(pcm) // 2 - 1 - heard[-1]) * 1000 / rate_hz


@pytest.mark.parametrize(
    ("make", "language", "pause_ms"),
    [
        (Espeak, "en", FULL_PAUSE_MS),
        (Flite, "en", FULL_PAUSE_MS),
        (OpenJtalk, "ja", FULL_PAUSE_MS),
        (ScriptedTts, "en", SpeechEntry().gap_ms),
    ],
)
@pytest.mark.parametrize("rate", [1.0, 1.3])
def test_the_pause_behind_a_segment_is_what_is_asked_for(
    make: Callable[[], Synthesizer], language: str, pause_ms: int, rate: float
) -> None:
    engine = make()
    try:
        engine.load()
    except EngineUnavailable as reason:
        pytest.skip(str(reason))
    try:
        tails, lengths = [], []
        for pause in (1.0, 0.5, 0.0):
            utterance = Utterance(TEXTS[language], "Cherry", language, rate=rate, pause=pause)
            pcm = b"".join(engine.synthesize(utterance))
            tails.append(tail_ms(pcm, engine.info.rate_hz))
            lengths.append(len(pcm) // 2 * 1000 / engine.info.rate_hz - tails[-1])
    finally:
        engine.close()
    whole, half, none = tails
    assert whole - none == pytest.approx(pause_ms / rate, rel=0.05, abs=3)
    assert half - none == pytest.approx(pause_ms / rate / 2, rel=0.05, abs=3)
    assert none < 10
    assert max(lengths) - min(lengths) < 15
