"""Hypothesis logs of live sessions: only when asked for, complete, private."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from dragoman.policy.recognition.hypothesis_log import LoggedEnd, LoggedStart, LoggedWords, decode
from dragoman.runtime.cascade import hypothesis_recorder
from dragoman.speech import Heard, Input
from tests.runtime.cascade.fake_cascade import FakeEngines, final, pieces, run
from tests.runtime.fake_engines import spoken


def speech() -> list[Input]:
    return pieces(spoken("w5", "w6", "w7", 1600, "w8", "w9", 1600), [1600])


def test_a_session_writes_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(hypothesis_recorder.VARIABLE, str(tmp_path / "logs"))
    facts = run(FakeEngines(), speech())
    (path,) = (tmp_path / "logs").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    lines = list(decode(path.read_bytes()))
    assert [line.t for line in lines] == sorted(line.t for line in lines)
    ends = {n: [w[0] for w in line.words] for line in lines if isinstance(line, LoggedWords) and
    line.final
            for n in [line.turn]}  # fmt: skip
    assert {n: " ".join(words) for n, words in ends.items()} == final(facts, Heard)
    for kind in (LoggedStart, LoggedEnd):
        assert [line.turn for line in lines if isinstance(line, kind)] == [1, 2]


def test_nothing_is_written_unless_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(hypothesis_recorder.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    run(FakeEngines(), speech())
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_fails_no_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(hypothesis_recorder.VARIABLE, str(tmp_path / "file" / "logs"))
    assert final(run(FakeEngines(), speech()), Heard) == {1: "w5 w6 w7", 2: "w8 w9"}
    assert len([r for r in caplog.records if "not recorded" in r.getMessage()]) == 1
