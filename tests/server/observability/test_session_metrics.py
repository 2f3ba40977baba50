"""What happens in a session, as operators see it in the metrics."""

from __future__ import annotations

import pytest

from dragoman.protocol.core.commands import Used
from dragoman.runtime.observer import (
    Event,
    PictureHandled,
    SpeechPlayed,
    SpeechSkipped,
    TermMissed,
    TranslationCommitted,
    TurnClosed,
    WordsCommitted,
)
from dragoman.server.observability.metrics import Metrics
from dragoman.server.observability.session_metrics import counted_session


def test_lag_rate_and_skips_are_metrics() -> None:
    metrics = Metrics()
    with counted_session(metrics, "translation", None, "qwen3.8-livetranslate") as counted:
        for at in range(20):
            counted.on(SpeechPlayed(1.0 if at < 18 else 4.5, 1.15, 100.0 + at))
        counted.on(SpeechSkipped(2.5))
        counted.on(SpeechSkipped(1.0))
        counted.on(WordsCommitted(1, 0.6))
        counted.on(TranslationCommitted(1, 1.2))
    page = metrics.page().decode().splitlines()
    for line in (
        'dragoman_recognition_lag_seconds_sum{family="qwen3.8-livetranslate"} 0.6',
        'dragoman_translation_lag_seconds_sum{family="qwen3.8-livetranslate"} 1.2',
        'dragoman_voice_lag_seconds_count{family="qwen3.8-livetranslate"} 20.0',
        'dragoman_voice_lag_seconds_bucket{family="qwen3.8-livetranslate",le="1.0"} 18.0',
        'dragoman_voice_lag_seconds_bucket{family="qwen3.8-livetranslate",le="5.0"} 20.0',
        'dragoman_speech_rate_bucket{le="1.1"} 0.0',
        'dragoman_speech_rate_bucket{le="1.15"} 20.0',
        "dragoman_speech_skipped_pieces_total 2.0",
        "dragoman_speech_skipped_seconds_total 3.5",
    ):
        assert line in page


def test_what_sessions_consume_is_summed_up() -> None:
    metrics = Metrics()
    with counted_session(metrics, "tts") as counted:
        counted.on(Used(audio_out_ms=1_500, characters=20))
        counted.on(Used(audio_out_ms=500, characters=1))
    page = metrics.page().decode().splitlines()
    assert 'dragoman_used_total{api="tts",of="audio_out_seconds"} 2.0' in page
    assert 'dragoman_used_total{api="tts",of="characters"} 21.0' in page
    assert not [line for line in page if "audio_in_seconds" in line]


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (TurnClosed(1, 900, words_refused=False), "turn_heard"),
        (TurnClosed(1, 900, words_refused=True), "words_refused"),
        (TermMissed(4), "glossary_miss"),
        (PictureHandled("read"), "pictures_read"),
        (PictureHandled("skipped"), "pictures_skipped"),
    ],
)
def test_the_work_of_the_stages_is_counted(event: Event, name: str) -> None:
    metrics = Metrics()
    with (
        counted_session(metrics, "translation") as one,
        counted_session(metrics, "translation") as other,
    ):
        one.on(event)
        other.on(event)
    assert f'dragoman_work_total{{name="{name}"}} 2.0' in metrics.page().decode().splitlines()
