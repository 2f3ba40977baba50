"""Recordings of a manifest and of installed packages."""

from __future__ import annotations

import asyncio
import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from dragoman_bench.figures import BenchFailed
from dragoman_bench.interpret import recordings
from dragoman_bench.interpret.stream import loudness


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
    ]
    (tmp_path / "manifest.json").write_text(json.dumps(entries), "utf-8")
    found = recordings.find(tmp_path)
    assert [(one.id, one.segment.translations) for one in found] == [
        ("good", {"es": "¡good"}),
        ("bare", {}),
    ]


def test_a_folder_without_a_manifest_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BenchFailed, match=r"no .*manifest\.json"):
        recordings.find(tmp_path)


def test_the_reading_in_the_wheel_sounds_in_its_clauses_and_pauses_between_them() -> None:
    found = recordings.two_cities()
    assert found.segment.length_ms == pytest.approx(44_374, abs=1)
    assert found.segment.transcript.startswith("It was the best of times, it was the worst")
    curve = loudness(asyncio.run(recordings.read(found.path)))

    def mean_between(start_ms: float, end_ms: float) -> float:
        return float(np.mean(curve[round(start_ms / 50) : max(1, round(end_ms / 50))]))

    clauses = found.segment.clauses
    assert all(mean_between(clause.start_ms, clause.end_ms) > 0.008 for clause in clauses)
    pauses = [(one.end_ms, two.start_ms) for one, two in itertools.pairwise(clauses)]
    assert all(mean_between(a, b) < 0.004 for a, b in pauses if b - a >= 200)
