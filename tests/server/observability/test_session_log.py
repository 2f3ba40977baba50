"""What the operator reads of a session: lines of the log."""

from __future__ import annotations

import logging

import pytest

from dragoman.runtime.observer import EventSent, SpeechPlayed, SpeechSkipped, TermMissed
from dragoman.server.observability.session_log import SessionLog


def test_a_missed_term_is_logged_by_its_length(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "dragoman.session"):
        SessionLog().on(TermMissed(11))
    assert caplog.messages == ["glossary_miss: a term of 11 letters was not translated"]


def test_an_error_that_was_sent_is_logged_by_its_event_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, "dragoman.session"):
        log = SessionLog()
        log.on(EventSent("session.updated", "event_1"))
        log.on(EventSent("error", "event_2"))
    assert caplog.messages == ["error sent: event_2"]


def test_one_line_sums_up_how_speech_kept_up(caplog: pytest.LogCaptureFixture) -> None:
    log = SessionLog()
    with caplog.at_level(logging.INFO, "dragoman.session"):
        log.sum_up()
        for at in range(20):
            log.on(SpeechPlayed(1.0 if at < 18 else 4.5, 1.15, 100.0 + at))
        log.on(SpeechSkipped(2.5))
        log.on(SpeechSkipped(1.0))
        log.sum_up()
    assert caplog.messages == [
        "speech lag: median 1.0 s, p95 4.5 s, drift +5.68 s/min over 20 pieces; 2 skipped (3.5 s)"
    ]
