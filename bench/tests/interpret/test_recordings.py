"""Recordings of a manifest and of installed packages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dragoman_bench.figures import BenchFailed
from dragoman_bench.interpret import recordings
from dragoman_bench.interpret.recordings import TWO_CITIES


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


def test_the_reading_in_the_wheel_is_as_long_as_its_file() -> None:
    found = recordings.two_cities()
    assert found.segment.transcript == TWO_CITIES
    assert 40_000 < found.segment.length_ms == found.segment.speech_end_ms < 60_000
