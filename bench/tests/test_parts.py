"""The parts' own arithmetic, recordings, report and command."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from dragoman_bench import report, suite, synthesis
from dragoman_bench.interpretation import growth, streams
from dragoman_bench.numbers import BenchFailed, Figure, Part
from dragoman_bench.processes import machine
from dragoman_bench.quality import QualityJudges
from dragoman_bench.recordings import RATE_HZ, Recording, all_english, turned
from dragoman_bench.texts import plain_words
from tests.cli.run_command import run


def test_the_sentence_is_the_agreed_length() -> None:
    assert len(synthesis.SENTENCE) == 60


def test_growth_is_the_last_third_minus_the_first() -> None:
    lags = [(0, 100.0), (10, 300.0), (45, 9_999.0), (70, 1_000.0), (90, 1_400.0)]
    assert growth(lags) == 1_000.0
    assert growth([(90, 5.0)]) is None
    assert growth([]) is None


def test_each_session_hears_another_place() -> None:
    source = np.arange(10 * RATE_HZ, dtype=np.int32).astype(np.int16)
    made = streams(source, 4, 25)
    assert [len(stream) for stream in made] == [25 * RATE_HZ] * 4
    assert len({int(stream[0]) for stream in made}) == 4


def test_a_turned_recording_begins_at_a_quiet_moment_and_loses_nothing() -> None:
    samples = np.full(5 * RATE_HZ, 5_000, np.int16)
    quiet = slice(int(2.5 * RATE_HZ), int(2.7 * RATE_HZ))
    samples[quiet] = 1
    found = turned(samples, 2 * RATE_HZ)
    assert abs(int(found[0])) == 1
    assert sorted(found) == sorted(samples)
    assert turned(samples, 0) is samples


def test_words_as_error_rates_count_them() -> None:
    assert plain_words("It’s the “best”, isn't it – Sir?") == "it's the best isn't it sir"


def test_word_error_rate_and_chrf_of_known_texts() -> None:
    judges = QualityJudges()
    assert judges.wer(["One two three four."], ["one too three"]) == 0.5
    assert judges.wer(["a b", "c d e f g h"], ["a x", "c d e f g h"]) == 1 / 8
    assert judges.chrf(["hola mundo"], ["hola mundo"]) == 100.0
    assert judges.chrf(["xyz"], ["hola mundo"]) == 0.0


def test_totals_without_human_references() -> None:
    judges = QualityJudges()
    recording = Recording(id="r", path=Path("r.wav"), transcript="one two three four")
    score = judges.score(recording, ("one two three", "uno dos"), ("one two three four", "uno dos"))
    assert (score.wer, score.wer_offline, score.chrf) == (0.25, 0.0, None)
    found = {figure.name: figure.value for figure in judges.totals([score])}
    assert found["WER live"] == 25.0
    assert found["chrF live against offline"] == 100.0
    assert found["retention (chrF live / offline)"] is None


def test_retention_is_the_quotient() -> None:
    judges = QualityJudges()
    recording = Recording(
        id="r", path=Path("r.wav"), transcript="x", translations={"es": "uno dos tres cuatro"}
    )
    said, offline = "uno dos tres", "uno dos tres cuatro"
    score = judges.score(recording, ("x", said), ("x", offline))
    found = {figure.name: figure.value for figure in judges.totals([score])}
    assert found["chrF offline, human reference"] == 100.0
    assert found["retention (chrF live / offline)"] == pytest.approx(
        found["chrF live, human reference"]
    )


def test_recordings_of_a_folder(tmp_path: Path) -> None:
    def entry(name: str, **more: object) -> dict[str, object]:
        usual = {
            "id": name,
            "file": f"{name}.flac",
            "language": "en",
            "duration_s": 5,
            "human_speech": "yes",
            "transcript": name,
            "translations": {"es": {"text": "¡" + name}},
        }
        return usual | more

    entries = [
        entry("good"),
        entry("bare", translations=None),
        entry("robot", human_speech="no (vendor TTS)"),
        entry("german", language="de"),
        entry("long", duration_s=600),
        entry("film", file="film.mp4"),
    ]
    (tmp_path / "manifest.json").write_text(json.dumps(entries), "utf-8")
    found = all_english(tmp_path)
    assert [(r.id, r.translations) for r in found] == [("good", {"es": "¡good"}), ("bare", {})]


def test_a_folder_without_a_manifest_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BenchFailed, match=r"no manifest\.json"):
        all_english(tmp_path)


def results() -> report.Results:
    figures = [
        Figure(part="a", name="fast", value=1.234, unit="ms", aim=2),
        Figure(part="a", name="slow", value=250.4, unit="ms", aim=2),
        Figure(part="b", name="much", value=0.9, unit="x", aim=0.85, at_least=True),
        Figure(part="b", name="never came", value=None),
    ]
    part = Part(name="a", figures=figures, raw={"inner": {"x": [1.5]}})
    failures = {"idle": "no [room]"}
    return report.Results(
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
    path = report.write(results(), tmp_path / "new" / "folder")
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
    told: list[str] = []
    found = suite.run(["idle", "append"], quick=True, recordings=None, progress=told.append)
    assert told == ["idle", "append"]
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
