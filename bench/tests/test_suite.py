"""The report, the order of the parts, and the command."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path

import pytest
from rich.console import Console

from dragoman_bench import report, suite
from dragoman_bench.figures import BenchFailed, Figure, Part
from dragoman_bench.harness.processes import machine
from tests.cli.run_command import run


def results() -> report.SuiteResults:
    figures = [
        Figure(part="a", name="fast", value=1.234, unit="ms", aim=2),
        Figure(part="a", name="slow", value=250.4, unit="ms", aim=2),
        Figure(part="b", name="much", value=0.9, unit="x", aim=0.85, at_least=True),
        Figure(part="b", name="never came", value=None),
    ]
    part = Part(name="a", figures=figures, raw={"inner": {"x": [1.5]}})
    failures = {"idle": "no [room]"}
    return report.SuiteResults(
        began="2026-01-02T03:04:05Z", machine=machine(), quick=True, parts=[part], failures=failures
    )


def test_the_report_shows_values_aims_and_failures() -> None:
    console = Console(width=100, record=True, file=io.StringIO())
    report.show(results(), console)
    lines = [" ".join(line.replace("│", " ").split()) for line in console.export_text().split("\n")]
    assert "fast 1.23 ms 2 ms yes" in lines
    assert "slow 250 ms 2 ms no" in lines
    assert "much 0.90 x at least 0.85 x yes" in lines
    assert "never came -" in lines
    assert "idle was not measured: no [room]" in lines
    assert any("cores" in line and "load at start" in line for line in lines)


def test_the_json_holds_everything(tmp_path: Path) -> None:
    path = results().write(tmp_path / "new" / "folder", "bench-{began}.json")
    assert path.name == "bench-2026-01-02T030405Z.json"
    found = json.loads(path.read_text("utf-8"))
    assert found["parts"][0]["raw"] == {"inner": {"x": [1.5]}}
    assert found["parts"][0]["figures"][0]["value"] == 1.234
    assert found["failures"] == {"idle": "no [room]"}


def test_a_part_that_fails_does_not_keep_others_from_running(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(**_: object) -> Part:
        raise BenchFailed("the server did not start")

    fine = Part(name="append", figures=[], raw={})
    monkeypatch.setattr(suite.idle, "measure", broken)
    monkeypatch.setattr(suite.append, "measure", lambda **_: fine)
    measured: list[str] = []
    found = suite.run(["idle", "append"], quick=True, recordings=None, progress=measured.append)
    assert measured == ["idle", "append"]
    assert found.parts == [fine]
    assert found.failures == {"idle": "the server did not start"}


@pytest.mark.live
@pytest.mark.timeout(180)
def test_the_command_measures_a_part_and_keeps_the_figures(tmp_path: Path) -> None:
    done = run("bench", "idle", "--quick", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr + done.stdout
    assert "interpretation session" in done.stdout
    (path,) = tmp_path.glob("bench-*.json")
    (part,) = json.loads(path.read_text("utf-8"))["parts"]
    value = part["raw"]["interpretation"]["each_kib"]
    assert 5 < value < 1_000
    assert not math.isnan(value)
