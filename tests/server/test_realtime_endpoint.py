"""What a session writes to the log."""

from __future__ import annotations

import logging

import pytest

from dragoman.server.metrics import Metrics
from dragoman.server.realtime_endpoint import NOTES_LOGGED, SessionObserver


def test_a_session_cannot_fill_the_log_but_everything_is_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    metrics = Metrics()
    with caplog.at_level(logging.INFO, "dragoman.session"), metrics.session("tts") as counted:
        observer = SessionObserver(counted)
        for _ in range(10 * NOTES_LOGGED):
            observer.noted("unknown_voice", "a\nb")
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == "unknown_voice: 'a\\nb'"
    assert len(lines) == NOTES_LOGGED + 1
    assert "only counted" in lines[-1]
    assert f'dragoman_notes_total{{name="unknown_voice"}} {10.0 * NOTES_LOGGED}' in (
        metrics.page().decode()
    )
