"""Real recordings for tests: where they are, what was said in them, as 16 kHz float32.

Three sources, none of which is part of this project: a folder ``../shared/data/speech`` beside
the checkout (many languages; tests that need it carry ``needs_shared`` and are skipped with a
plain reason elsewhere), the readings inside the moonshine-voice wheel, and the sentences of
Debian's ``pocketsphinx-testdata``.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import re
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import numpy.typing as npt
import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "speech"
POCKETSPHINX = Path("/usr/share/pocketsphinx/test/data/librivox")

needs_shared = pytest.mark.skipif(
    not (SHARED / "manifest.json").is_file(),
    reason="the recordings in ../shared/data/speech are not beside this checkout",
)
needs_pocketsphinx = pytest.mark.skipif(
    not (POCKETSPHINX / "transcription").is_file(),
    reason="Debian's pocketsphinx-testdata is not installed",
)

DICKENS = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the "
    "age of foolishness, it was the epoch of belief, it was the epoch of incredulity, it was the "
    "season of Light, it was the season of Darkness, it was the spring of hope, it was the winter "
    "of despair."
)
"""How the wheel's ``two_cities.wav`` begins (Charles Dickens, 1859; about its first 27 s)."""


class Recording(NamedTuple):
    """One recording; ``transcript`` is what was said in it."""

    id: str
    path: Path
    language: str
    transcript: str
    duration_s: float
    human: bool = True

    def samples(self) -> npt.NDArray[np.float32]:
        """The audio, mono, float32, 16 kHz."""
        return read(self.path)


@functools.lru_cache(maxsize=16)
def read(path: Path) -> npt.NDArray[np.float32]:
    """Any audio file as mono float32 at 16 kHz, shape (n,)."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=16_000)
    pieces = []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            pieces += [piece.to_ndarray()[0] for piece in resampler.resample(frame)]
        pieces += [piece.to_ndarray()[0] for piece in resampler.resample(None)]
    samples = np.concatenate(pieces).astype(np.float32)
    samples.setflags(write=False)
    return samples


def shared(*languages: str) -> list[Recording]:
    """The recordings beside the checkout, of some languages or all; empty where there are none."""
    if not (SHARED / "manifest.json").is_file():
        return []
    return [
        Recording(
            id=entry["id"],
            path=SHARED / entry["file"],
            language=entry["language"],
            transcript=entry["transcript"],
            duration_s=entry["duration_s"],
            human=str(entry["human_speech"]).startswith("yes"),
        )
        for entry in json.loads((SHARED / "manifest.json").read_text(encoding="utf-8"))
        if not languages or entry["language"] in languages
    ]


def pocketsphinx() -> list[Recording]:
    """The five sentences of Jane Austen in Debian's package; empty where it is not installed."""
    if not (POCKETSPHINX / "transcription").is_file():
        return []
    lines = (POCKETSPHINX / "transcription").read_text().splitlines()
    found = []
    for line in lines:
        if match := re.fullmatch(r"<s> (.*) </s> \((\S+)\)", line.strip()):
            path = POCKETSPHINX / f"{match[2]}.wav"
            duration_s = path.stat().st_size / 32_000
            found.append(Recording(match[2], path, "en", match[1], duration_s))
    return found


def two_cities() -> Path:
    """The Dickens reading inside the moonshine-voice wheel; skips the test without it."""
    spec = importlib.util.find_spec("moonshine_voice")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the package moonshine-voice is not installed")
    return Path(spec.submodule_search_locations[0]) / "assets" / "two_cities.wav"


def spoken_words(text: str) -> str:
    """Text as word error rates count it: lower case, without marks."""
    return " ".join(re.sub(r"[^\w' ]+", " ", text.lower()).split())
