"""What the operator reads of a session: lines of the log."""

from __future__ import annotations

import logging

import pytest

from dragoman.protocol.core.commands import Note
from dragoman.runtime.observer import FanOut, SpeechPlayed, SpeechSkipped, TermMissed
from dragoman.server.metrics import Metrics
from dragoman.server.session_log import NOTES_LOGGED, SessionLog


def test_a_session_cannot_fill_the_log_but_everything_is_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    metrics = Metrics()
    with caplog.at_level(logging.INFO, "dragoman.session"), metrics.session("tts") as counted:
        observer = FanOut(counted, SessionLog())
        for _ in range(10 * NOTES_LOGGED):
            observer.on(Note("unknown_voice", "a\nb"))
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == "unknown_voice: 'a\\nb'"
    assert len(lines) == NOTES_LOGGED + 1
    assert "only counted" in lines[-1]
    assert f'dragoman_notes_total{{name="unknown_voice"}} {10.0 * NOTES_LOGGED}' in (
        metrics.page().decode()
    )


def test_a_missed_term_is_logged_by_its_length(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "dragoman.session"):
        SessionLog().on(TermMissed(11))
    assert caplog.messages == ["glossary_miss: a term of 11 letters was not translated"]


def test_one_line_sums_up_how_speech_kept_up() -> None:
    log = SessionLog()
    assert log.speech == ""
    for at in range(20):
        log.on(SpeechPlayed(1.0 if at < 18 else 4.5, 1.15, 100.0 + at))
    log.on(SpeechSkipped(2.5))
    log.on(SpeechSkipped(1.0))
    assert log.speech == (
        "speech lag: median 1.0 s, p95 4.5 s, drift +5.68 s/min over 20 pieces; 2 skipped (3.5 s)"
    )
