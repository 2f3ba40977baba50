"""Real recordings to measure with: where they are and what is said in them.

Law of this file: nothing is downloaded, and no recording is part of this project. Looked for in
this order: a folder with a ``manifest.json`` (``--recordings``, else ``shared/data/speech`` beside
the checkout); the reading inside the moonshine-voice wheel; Debian's ``pocketsphinx-testdata``.

A manifest is a list of objects with ``file``, ``language``, ``transcript``, ``human_speech``, and
``translations`` by language, each with a ``text``.
"""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from dragoman.client.media import MediaFile, SoundChunk
from dragoman.engines.moonshine.engine import REQUIREMENT
from dragoman.engines.shared.model_files import pip_install
from dragoman_bench.figures import BenchFailed

BESIDE = Path(__file__).resolve().parents[4] / "shared" / "data" / "speech"
POCKETSPHINX = Path("/usr/share/pocketsphinx/test/data/librivox")
RATE_HZ = 16_000
_LONGEST_S = 60.0

DICKENS = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the "
    "age of foolishness, it was the epoch of belief, it was the epoch of incredulity, it was the "
    "season of Light, it was the season of Darkness, it was the spring of hope, it was the winter "
    "of despair, we had everything before us, we had nothing before us, we were all going direct "
    "to Heaven, we were all going direct the other way – in short, the period was so far like the "
    "present period, that some of its noisiest authorities insisted on its being received, for "
    "good or for evil, in the superlative degree of comparison only."
)
"""A Tale of Two Cities, 1859: what is read in the wheel's ``two_cities.wav``."""

Pcm = npt.NDArray[np.int16]


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """One English recording; ``translations`` are human ones, by language."""

    id: str
    path: Path
    transcript: str
    translations: dict[str, str] = {}


def dickens() -> Recording:
    """The reading in the wheel. Raises ``BenchFailed`` without it."""
    spec = importlib.util.find_spec("moonshine_voice")
    for folder in [] if spec is None else spec.submodule_search_locations or []:
        for path in sorted(Path(folder).glob("assets/*two_cities*.wav")):
            return Recording(id="two_cities", path=path, transcript=DICKENS)
    raise BenchFailed(f"no recording: install it with `{pip_install(REQUIREMENT)}`")


def all_english(folder: Path | None) -> list[Recording]:
    """Every English recording of human speech at hand that is at most a minute long."""
    manifest = (folder or BESIDE) / "manifest.json"
    if manifest.is_file():
        return _listed(manifest)
    if folder is not None:
        raise BenchFailed(f"there is no manifest.json in {folder}")
    return [dickens(), *_debian()]


def _listed(manifest: Path) -> list[Recording]:
    return [
        Recording(
            id=entry["id"],
            path=manifest.parent / entry["file"],
            transcript=entry["transcript"],
            translations={
                language: translation["text"]
                for language, translation in (entry.get("translations") or {}).items()
            },
        )
        for entry in json.loads(manifest.read_text("utf-8"))
        if entry["language"] == "en"
        and str(entry.get("human_speech", "yes")).startswith(("yes", "prob"))
        and entry.get("transcript")
        and entry["duration_s"] <= _LONGEST_S
        and entry["file"].endswith((".flac", ".wav"))
    ]


def _debian() -> list[Recording]:
    listing = POCKETSPHINX / "transcription"
    if not listing.is_file():
        return []
    found = (re.fullmatch(r"<s> (.*) </s> \((\S+)\)", line.strip()) for line in
             listing.read_text("utf-8").splitlines())  # fmt: skip
    return [
        Recording(id=line[2], path=POCKETSPHINX / f"{line[2]}.wav", transcript=line[1])
        for line in found
        if line is not None
    ]


async def read(path: Path) -> Pcm:
    """Any audio file as mono s16 at 16 kHz, shape (n,). Raises ``MediaError``."""
    async with MediaFile(path) as media:
        pieces = [piece.pcm async for piece in media if isinstance(piece, SoundChunk)]
    return np.frombuffer(b"".join(pieces), "<i2")


def turned(samples: Pcm, begin: int) -> Pcm:
    """The recording from about ``begin`` (in samples) on and around to there again.

    The seam is moved to the quietest moment within a second, so that no word is cut.
    """
    if not begin:
        return samples
    step = RATE_HZ // 10
    starts = range(max(0, begin - RATE_HZ), min(len(samples) - step, begin + RATE_HZ), step)
    quiet = min(starts, key=lambda at: float(np.square(samples[at : at + step], dtype=float).sum()))
    seam = quiet + step // 2
    return np.concatenate((samples[seam:], samples[:seam]))
