"""``dragoman bench interpret`` on a real server with scripted engines, and on saved logs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.tests.interpret.manifest import one_recording
from dragoman.testing.live_server import LiveServer
from tests.cli.run_command import run


def test_a_server_is_measured_and_its_logs_score_the_same(
    scripted_server: LiveServer, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = ("--recordings", str(one_recording(tmp_path)), "--no-plot")
    done = run(
        "bench", "interpret", "--url", scripted_server.url, "--sessions", "1-2", *options,
        "--out", str(out), DASHSCOPE_API_KEY="sk-any",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    assert "interpret x2" in done.stdout
    found = json.loads((out / "interpret.json").read_text("utf-8"))
    assert [len(one["items"]) for one in found["runs"]] == [1, 2]
    (item,) = found["runs"][0]["items"]
    assert item["problems"] == []
    assert item["transcript"] == "one two"
    assert item["finish_ms"] is not None
    log = out / "logs-1" / "one.jsonl"
    again = run("bench", "interpret", "--log", str(log), *options, "--out", str(tmp_path / "again"))
    assert again.returncode == 0, again.stderr + again.stdout
    (run_again,) = json.loads((tmp_path / "again" / "interpret.json").read_text("utf-8"))["runs"]
    (scored,) = run_again["items"]
    assert {**scored, "late_ms": None} == {**item, "late_ms": None}


def test_several_directions_are_measured_and_compared(
    scripted_server: LiveServer, tmp_path: Path
) -> None:
    """One that cannot be measured does not keep the others from it."""
    out = tmp_path / "out"
    done = run(
        "bench", "interpret", "--url", scripted_server.url, "--pairs", "en-es,de-en,en-ca",
        "--recordings", str(one_recording(tmp_path)), "--no-plot", "--text-only",
        "--out", str(out), DASHSCOPE_API_KEY="sk-any",
    )  # fmt: skip
    assert done.returncode == 1, done.stderr + done.stdout
    assert "en-es x1" in done.stdout
    assert "de-en was not measured" in done.stdout
    found = json.loads((out / "interpret.json").read_text("utf-8"))
    assert [one["name"] for one in found["runs"]] == ["en-es x1"]
    assert set(found["failures"]) == {"de-en", "en-ca"}
    assert (out / "en-es" / "logs-1" / "one.jsonl").is_file()
    result = str(out / "interpret.json")
    alone = run("bench", "interpret", "--compare", result, result)
    assert "fewer than two" in alone.stderr


@pytest.mark.live
def test_failures_are_one_line_on_stderr(tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text("{}\n")
    for options, message in (
        (("--log", str(bad)), "no event of a session"),
        (("--log", str(tmp_path / "none")), "No such file"),
        (("--compare", str(bad), str(bad)), "no result of"),
        (("--recordings", str(tmp_path)), "manifest.json"),
    ):
        done = run("bench", "interpret", *options)
        assert done.returncode == 1
        assert message in done.stderr
        assert len(done.stderr.splitlines()) == 1
    for option in (("--sessions", "0"), ("--pairs", "en"), ("--pairs", "")):
        assert run("bench", "interpret", *option).returncode == 2


@pytest.mark.live
def test_the_command_has_its_own_help() -> None:
    done = run("bench", "interpret", "--help")
    assert "dragoman bench interpret [OPTIONS]" in done.stdout
    assert "--compare" in done.stdout
