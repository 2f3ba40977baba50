"""Real recordings to measure with: where they are and what is said in them.

Scope: nothing is downloaded, and no recording is part of this project. Looked for in this order: a
folder with a ``manifest.json`` (``--recordings``, else ``shared/data/speech`` beside the checkout);
the reading inside the moonshine-voice wheel and Debian's ``pocketsphinx-testdata``.

A manifest is a list of objects with ``id``, ``file``, ``language``, ``duration_s``, ``transcript``,
``human_speech``, and where known ``speech_start_s``, ``speech_end_s``, ``clauses``, ``words`` and
``translations`` by language, each with a ``text``.
"""

from __future__ import annotations

import importlib.util
import json
import re
import wave
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from dragoman.client.media import MediaFile, SoundChunk
from dragoman_bench.figures import BenchFailed
from dragoman_bench.interpret.script import Segment, Span

BESIDE = Path(__file__).resolve().parents[5] / "shared" / "data" / "speech"
POCKETSPHINX = Path("/usr/share/pocketsphinx/test/data/librivox")
RATE_HZ = 16_000
_LONGEST_S = 60.0

TWO_CITIES = (
    ("It was the best of times,", 0.4, 2.85),
    ("it was the worst of times,", 2.9, 4.55),
    ("it was the age of wisdom,", 4.8, 6.2),
    ("it was the age of foolishness,", 6.4, 8.2),
    ("it was the epoch of belief,", 8.8, 10.4),
    ("it was the epoch of incredulity,", 10.65, 12.9),
    ("it was the season of Light,", 13.15, 15.0),
    ("it was the season of Darkness,", 15.1, 16.7),
    ("it was the spring of hope,", 17.05, 18.75),
    ("it was the winter of despair,", 19.0, 20.5),
    ("we had everything before us,", 21.1, 22.55),
    ("we had nothing before us,", 22.6, 24.0),
    ("we were all going direct to Heaven,", 24.6, 26.05),
    ("we were all going direct the other way –", 26.25, 28.4),
    ("in short,", 28.95, 29.65),
    ("the period was so far like the present period,", 29.9, 32.3),
    ("that some of its noisiest authorities insisted on its being received,", 32.35, 36.8),
    ("for good or for evil,", 36.85, 38.6),
    ("in the superlative degree of comparison only.", 38.65, 41.75),
)
"""A Tale of Two Cities, 1859, as read in the wheel's ``two_cities.wav``: clauses with their start
and end in seconds, from the pauses and a recogniser.
"""

Pcm = npt.NDArray[np.int16]


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """A recording, and what is said in it (starting at 0)."""

    path: Path
    language: str
    segment: Segment

    @property
    def id(self) -> str:
        """Its name."""
        return self.segment.id


def find(folder: Path | None, language: str = "en", target: str | None = None) -> list[Recording]:
    """The recordings of human speech in this language, of at most a minute each; with ``target``
    only those with a human translation into it. Without a folder, English ones may come from
    installed packages. Raises ``BenchFailed`` where there are none.
    """
    manifest = (folder or BESIDE) / "manifest.json"
    if manifest.is_file():
        listed = json.loads(manifest.read_text("utf-8"))
        found = [_of(entry, manifest.parent) for entry in listed if _fits(entry, language, target)]
    elif folder is None and language == "en" and target is None:
        found = [two_cities(), *_debian()]
    else:
        raise BenchFailed(f"there is no {manifest}: name a folder with --recordings")
    if not found:
        into = f" translated into {target}" if target else ""
        raise BenchFailed(f"{manifest} has no {language} recording{into}")
    return found


def _fits(entry: Mapping[str, Any], language: str, target: str | None) -> bool:
    return bool(
        entry["language"] == language
        and str(entry.get("human_speech", "yes")).startswith(("yes", "prob"))
        and entry.get("transcript")
        and (target is None or target in (entry.get("translations") or {}))
        and entry["duration_s"] <= _LONGEST_S
    )


def _of(entry: Mapping[str, Any], folder: Path) -> Recording:
    clauses, words = entry.get("clauses") or [], entry.get("words") or []
    segment = Segment(
        id=entry["id"],
        start_ms=0.0,
        length_ms=entry["duration_s"] * 1000,
        speech_start_ms=entry.get("speech_start_s", 0.0) * 1000,
        speech_end_ms=entry.get("speech_end_s", entry["duration_s"]) * 1000,
        transcript=" ".join(entry["transcript"].split()),
        clauses=[_span(clause["text"], clause["start"], clause["end"]) for clause in clauses],
        words=[_span(*word) for word in words],
        translations={
            language: " ".join(translation["text"].split())
            for language, translation in (entry.get("translations") or {}).items()
        },
    )
    return Recording(path=folder / entry["file"], language=entry["language"], segment=segment)


def _span(text: str, start_s: float, end_s: float) -> Span:
    return Span(text=text, start_ms=start_s * 1000, end_ms=end_s * 1000)


# ---------------------------------------------------------------- from installed packages
def two_cities() -> Recording:
    """The reading in the moonshine-voice wheel. Raises ``BenchFailed`` without it."""
    spec = importlib.util.find_spec("moonshine_voice")
    for folder in [] if spec is None else spec.submodule_search_locations or []:
        for path in sorted(Path(folder).glob("assets/*two_cities*.wav")):
            clauses = [{"text": text, "start": a, "end": b} for text, a, b in TWO_CITIES]
            speech = {"speech_start_s": TWO_CITIES[0][1], "speech_end_s": TWO_CITIES[-1][2]}
            text = " ".join(clause for clause, _, _ in TWO_CITIES)
            return _read_aloud("two_cities", path, text, clauses=clauses, **speech)
    raise BenchFailed("no recording: the package moonshine-voice is not installed")


def _debian() -> list[Recording]:
    listing = POCKETSPHINX / "transcription"
    lines = listing.read_text("utf-8").splitlines() if listing.is_file() else []
    found = (re.fullmatch(r"<s> (.*) </s> \((\S+)\)", line.strip()) for line in lines)
    return [
        _read_aloud(line[2], POCKETSPHINX / f"{line[2]}.wav", line[1])
        for line in found
        if line is not None
    ]


def _read_aloud(name: str, path: Path, transcript: str, **more: object) -> Recording:
    with wave.open(str(path)) as sound:
        duration_s = sound.getnframes() / sound.getframerate()
    entry = {"id": name, "file": path.name, "duration_s": duration_s, "transcript": transcript}
    return _of(entry | {"language": "en"} | more, path.parent)


async def read(path: Path) -> Pcm:
    """Any audio file as mono s16 at 16 kHz, shape (n,). Raises ``MediaError``."""
    async with MediaFile(path) as media:
        pieces = [piece.pcm async for piece in media if isinstance(piece, SoundChunk)]
    return np.frombuffer(b"".join(pieces), "<i2")
