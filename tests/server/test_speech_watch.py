"""How translated speech kept up, as operators see it: metrics, and a line for each session."""

from __future__ import annotations

from dragoman.server.metrics import Metrics
from dragoman.server.realtime_endpoint import SessionObserver


def test_lag_rate_and_skips_are_metrics() -> None:
    metrics = Metrics()
    with metrics.session("translation") as counted:
        observer = SessionObserver(counted)
        for at in range(20):
            observer.spoke(1.0 if at < 18 else 4.5, 1.15, 100.0 + at)
        observer.skipped(2.5)
        observer.skipped(1.0)
        assert observer.speech == (
            "speech lag: median 1.0 s, p95 4.5 s, drift +5.68 s/min over 20 pieces; "
            "2 skipped (3.5 s)"
        )
    page = metrics.page().decode().splitlines()
    for line in (
        "dragoman_voice_lag_seconds_count 20.0",
        'dragoman_voice_lag_seconds_bucket{le="1.0"} 18.0',
        'dragoman_voice_lag_seconds_bucket{le="5.0"} 20.0',
        'dragoman_speech_rate_bucket{le="1.1"} 0.0',
        'dragoman_speech_rate_bucket{le="1.15"} 20.0',
        "dragoman_speech_skipped_pieces_total 2.0",
        "dragoman_speech_skipped_seconds_total 3.5",
    ):
        assert line in page


def test_a_session_without_speech_has_no_speech_line() -> None:
    with Metrics().session("tts") as counted:
        assert SessionObserver(counted).speech == ""
