"""Policies over a log made by hand, with a translator that takes a given time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dragoman.cli.main import app
from dragoman.engines.base import Translation
from dragoman.policy.recognition import hypothesis_log
from dragoman.policy.recognition.hypothesis_log import (
    Entry,
    Line,
    LoggedEnd,
    LoggedStart,
    LoggedWords,
)
from dragoman_bench.replay import Replay, ReplaySettings, totals

TEXT = "when the rain had stopped, they went home and slept until the morning came."


def entry(text: str, end_ms: int) -> Entry:
    return text, end_ms - 300, end_ms, False


def log(text: str = TEXT, turn: int = 1, from_s: float = 0.0) -> list[Line]:
    """A word each 0.4 s, certain one word later; a decode each 0.4 s."""
    begin_ms = round(from_s * 1000)
    words = [entry(word, begin_ms + 400 * n) for n, word in enumerate(text.split(), 1)]
    lines: list[Line] = [LoggedStart(from_s + 0.3, turn, begin_ms)]
    lines += [
        LoggedWords(from_s + 0.4 * n, turn, tuple(words[: n - 1]), tuple(words[n - 1 : n]))
        for n in range(1, len(words) + 1)
    ]
    end_s = from_s + 0.4 * len(words) + 0.8
    lines.append(LoggedEnd(end_s, turn, begin_ms + 400 * len(words)))
    lines.append(LoggedWords(end_s, turn, tuple(words), final=True))
    return lines


def upper(request: Translation) -> str:
    return request.text.upper()


def run(policy: str, call_s: float = 0.02, lines: list[Line] | None = None):
    traces = Replay(ReplaySettings(policy=policy, call_s=call_s), upper).run(lines or log())
    return traces, totals(traces)


def test_all_policies_say_everything_and_differ_in_when() -> None:
    found = {policy: run(policy)[1] for policy in ("agree", "units", "turn")}
    for measured in found.values():
        assert measured.text == TEXT.upper()
        assert measured.violations == 0
        assert measured.flicker == 0
    assert found["agree"].laal_ms < found["units"].laal_ms < found["turn"].laal_ms
    assert found["agree"].first_ms < found["units"].first_ms < found["turn"].first_ms
    assert found["units"].voice_lag_s < found["turn"].voice_lag_s


def test_a_clause_is_committed_when_its_mark_is_certain() -> None:
    (trace,), _ = run("units")
    first = next(shown for shown in trace.shown if shown.text)
    assert first.text == "WHEN THE RAIN HAD STOPPED,"
    assert first.at_ms == pytest.approx(6 * 400 + 20, abs=21)
    assert trace.spoken[0][1] == first.text


def test_a_slow_translator_is_asked_less_and_loses_nothing() -> None:
    (quick,), _ = run("units", 0.01)
    (slow,), measured = run("units", 0.9)
    assert slow.calls < quick.calls
    assert measured.text == TEXT.upper()


def test_turns_follow_each_other() -> None:
    traces, measured = run("auto", lines=log("one two three.") + log("four five.", 2, 3.0))
    assert [trace.text for trace in traces] == ["ONE TWO THREE.", "FOUR FIVE."]
    assert traces[1].shown[0].at_ms > traces[0].shown[-1].at_ms
    assert measured.calls_per_word > 0


def test_a_log_that_breaks_off_is_replayed_as_far_as_it_goes() -> None:
    traces, _ = run("agree", lines=log()[:8])
    assert TEXT.upper().startswith(traces[0].text)


def test_logs_are_read_as_they_were_written_and_a_torn_last_line_is_left_out() -> None:
    lines = log()
    data = b"".join(hypothesis_log.encode(line) for line in lines)
    assert list(hypothesis_log.decode(data)) == lines
    assert list(hypothesis_log.decode(data[:-20])) == lines[:-1]
    with pytest.raises(ValueError, match="line 1 is not"):
        list(hypothesis_log.decode(b'{"type":"else"}\n' + data))


def test_the_command_compares_policies(tmp_path: Path) -> None:
    path = tmp_path / "talk.jsonl"
    path.write_bytes(b"".join(hypothesis_log.encode(line) for line in log()))
    (tmp_path / "talk.txt").write_text(" ".join(f"{word}-es" for word in TEXT.split()))
    command = ["replay", str(tmp_path), "--mt", "scripted", "--reference", str(tmp_path), "--json"]
    result = CliRunner().invoke(app, [*command, "--policy", "agree,units", "--pace", "eager,even"])
    assert result.exit_code == 0, result.output
    rows = json.loads(result.output)
    assert [(row["policy"], row["pace"]) for row in rows] == [
        ("agree", "eager"), ("agree", "even"), ("units", "eager"), ("units", "even"),
    ]  # fmt: skip
    assert all(row["violations"] == 0 and row["chrf"] > 50 for row in rows)
    assert CliRunner().invoke(app, ["replay", str(path), "--policy", "best"]).exit_code == 2


def test_known_translations_need_no_engine(tmp_path: Path) -> None:
    path, known = tmp_path / "talk.jsonl", tmp_path / "known.json"
    path.write_bytes(b"".join(hypothesis_log.encode(line) for line in log("one two.")))
    known.write_text('{"one two.": "uno dos."}')
    command = ["replay", str(path), "--known", str(known), "--mt", "nobody", "--policy", "turn"]
    drafts = CliRunner().invoke(app, [*command, "--json"])
    assert drafts.exit_code == 2  # a draft of "one" is not known, and there is no such engine
    known.write_text('{"one two.": "uno dos.", "one": "uno"}')
    result = CliRunner().invoke(app, [*command, "--json"])
    assert json.loads(result.output)[0]["text"] == "uno dos."
