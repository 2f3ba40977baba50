"""Streams: the sound and its script agree."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from dragoman_bench.figures import BenchFailed
from dragoman_bench.interpret import recordings, stream
from dragoman_bench.interpret.script import Script

RATE_HZ = 16_000


def tone(seconds: float, hz: float = 200.0) -> np.ndarray:
    time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return (8000 * np.sin(2 * np.pi * hz * time)).astype("<i2")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three recordings of two readers, one second each, sounding from 0.2 to 0.8 s."""
    entries = []
    for name in ("a_1", "a_2", "b_1"):
        sound = np.concatenate([np.zeros(3200, "<i2"), tone(0.6), np.zeros(3200, "<i2")])
        sf.write(tmp_path / f"{name}.wav", sound, RATE_HZ, subtype="PCM_16")
        entries.append(
            {
                "id": name,
                "file": f"{name}.wav",
                "language": "en",
                "duration_s": 1.0,
                "speech_start_s": 0.2,
                "speech_end_s": 0.8,
                "transcript": "one two",
                "words": [["one", 0.2, 0.5], ["two", 0.5, 0.8]],
                "clauses": [{"text": "one two", "start": 0.2, "end": 0.8}],
                "translations": {"es": {"text": "uno dos"}},
            }
        )
    entries.append(entries[0] | {"id": "german", "language": "de"})
    entries.append(entries[0] | {"id": "untranslated", "translations": {}})
    (tmp_path / "manifest.json").write_text(json.dumps(entries))
    return tmp_path


def test_recordings_with_a_translation_are_chosen(folder: Path) -> None:
    assert [one.id for one in recordings.find(folder, "en", "es")] == ["a_1", "a_2", "b_1"]
    with pytest.raises(BenchFailed, match="no en recording translated into fr"):
        recordings.find(folder, "en", "fr")
    with pytest.raises(BenchFailed, match="--recordings"):
        recordings.find(folder / "none", "en", "es")


def sounding(one: stream.Stream) -> list[bool]:
    return [value > 0.05 for value in one.script.loudness]


def test_a_talk_sounds_where_its_script_says(folder: Path) -> None:
    talk = asyncio.run(stream.talk(recordings.find(folder, "en", "es"), "es"))
    starts = [segment.start_ms for segment in talk.script.segments]
    assert starts == [500, 500 + 1000 + 350, 500 + 1000 + 350 + 1000 + 1200]
    assert talk.script.length_ms == len(talk.samples) / 16 == starts[-1] + 1000 + 1000
    inside = [
        any(s.speech_start_ms <= at * 50 < s.speech_end_ms for s in talk.script.segments)
        for at in range(len(talk.script.loudness))
    ]
    assert sounding(talk) == inside
    room = talk.samples[:8000]
    assert 0 < np.abs(room).max() < 200
    assert talk.script.reference == "uno dos uno dos uno dos"


def test_a_talk_is_the_same_every_time_and_begins_where_asked(folder: Path) -> None:
    found = recordings.find(folder, "en", "es")
    one, again = (asyncio.run(stream.talk(found, "es")) for _ in range(2))
    assert np.array_equal(one.samples, again.samples)
    other = asyncio.run(stream.talk(found, "es", first=2))
    assert [segment.id for segment in other.script.segments] == ["b_1", "a_1", "a_2"]


def test_a_talk_is_repeated_until_it_is_long_enough(folder: Path) -> None:
    talk = asyncio.run(stream.talk(recordings.find(folder, "en", "es"), "es", minutes=0.2))
    assert 12_000 <= talk.script.length_ms <= 15_000
    assert [segment.id for segment in talk.script.segments[:4]] == ["a_1", "a_2", "b_1", "a_1"]


def test_faster_speech_keeps_its_pitch_and_its_place(folder: Path) -> None:
    fast = stream.faster(tone(2.0, 440.0), 1.25)
    assert len(fast) == 2 * RATE_HZ / 1.25
    spectrum = np.abs(np.fft.rfft(fast[4000:20_000].astype(float)))
    peak_hz = spectrum.argmax() * RATE_HZ / 16_000
    assert peak_hz == pytest.approx(440, rel=0.02)
    talk = asyncio.run(stream.talk(recordings.find(folder, "en", "es"), "es", speed=1.25))
    inside = [
        any(s.speech_start_ms <= at * 50 + 25 < s.speech_end_ms for s in talk.script.segments)
        for at in range(len(talk.script.loudness))
    ]
    wrong = sum(a != b for a, b in zip(sounding(talk), inside, strict=True))
    assert wrong <= 6  # one frame at each border
    assert stream.faster(fast, 1.0) is fast


def test_a_saved_script_is_read_back_unchanged(folder: Path, tmp_path: Path) -> None:
    (one, *_) = asyncio.run(stream.singles(recordings.find(folder, "en", "es"), "es"))
    one.script.terms = {"one": "uno"}
    one.script.save(tmp_path / "x.script.json")
    assert Script.load(tmp_path / "x.script.json") == one.script


def test_an_excerpt_is_one_recording_with_the_words_in_it(folder: Path) -> None:
    talk = asyncio.run(stream.talk(recordings.find(folder, "en", "es"), "es", minutes=0.2))
    # The quietest moment near 3 s is the end of the second recording, so three more follow.
    one = stream.excerpt(talk, 3.0, 6.0, "part")
    assert one.script.length_ms == 6000 == len(one.samples) / 16
    (segment,) = one.script.segments
    assert segment.transcript == "one two one two one two"
    inside = [
        any(word.start_ms <= at * 50 + 25 < word.end_ms for word in segment.words)
        for at in range(len(one.script.loudness))
    ]
    assert sum(a != b for a, b in zip(sounding(one), inside, strict=True)) <= 6
