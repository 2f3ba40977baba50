"""Streams to interpret: single recordings, or a long talk made of them, at any speed.

Law of this file: sound and script are made together, so that they cannot disagree. Nothing is
copied from anywhere but the recordings; room tone between them is noise from a fixed seed, so the
same recordings give the same stream. A faster speaker is the same recording with its tempo
changed and its pitch kept (ffmpeg's ``atempo``), sent at the pace of a microphone: everything
downstream meets what it would meet with somebody who talks fast.
"""

from __future__ import annotations

import fractions
import itertools
import json
from collections.abc import Sequence
from pathlib import Path

import av
import av.filter
import msgspec
import numpy as np

from dragoman.client.media import MediaError
from dragoman_bench.figures import BenchFailed
from dragoman_bench.interpret.script import LOUDNESS_MS, Script, Segment, segment_of
from dragoman_bench.recordings import BESIDE, RATE_HZ, Pcm, read

_LEAD_S, _TAIL_S = 0.5, 1.0
_GAP_S, _READER_GAP_S = 0.35, 1.2
_ROOM_DBFS = -65.0
_SEED = 20260
_LONGEST_S = 60.0
_FRAME = 1024


class Stream(msgspec.Struct, frozen=True):
    """What is sent, s16 mono at 16 kHz, and what is in it."""

    samples: Pcm
    script: Script


# ---------------------------------------------------------------- choosing
def entries(folder: Path | None, language: str, target: str) -> list[dict[str, object]]:
    """The manifest's recordings of human speech in this language that have a human translation
    into ``target``, at most a minute each. Raises ``BenchFailed`` where there are none.
    """
    manifest = (folder or BESIDE) / "manifest.json"
    if not manifest.is_file():
        raise BenchFailed(f"there is no {manifest}: name a folder with --recordings")
    found = [
        entry
        for entry in json.loads(manifest.read_text("utf-8"))
        if entry["language"] == language
        and str(entry.get("human_speech", "yes")).startswith(("yes", "prob"))
        and entry.get("transcript")
        and target in (entry.get("translations") or {})
        and entry["duration_s"] <= _LONGEST_S
    ]
    if not found:
        raise BenchFailed(f"{manifest} has no {language} recording translated into {target}")
    return [entry | {"file": str(manifest.parent / str(entry["file"]))} for entry in found]


async def singles(
    found: Sequence[dict[str, object]], target: str, speed: float = 1.0
) -> list[Stream]:
    """Each recording as a stream of its own. Raises ``MediaError``."""
    streams = []
    for entry in found:
        samples = faster(await read(Path(str(entry["file"]))), speed)
        segment = segment_of(entry).moved(0.0, speed)
        language = str(entry["language"])
        script = Script(
            name=segment.id, language=language, target=target, segments=[segment], speed=speed
        )
        streams.append(_made(script, samples))
    return streams


async def talk(
    found: Sequence[dict[str, object]],
    target: str,
    *,
    minutes: float | None = None,
    speed: float = 1.0,
    first: int = 0,
) -> Stream:
    """All recordings one after another, beginning with number ``first``, as often as ``minutes``
    needs (once without it): 0.35 s of room between pieces of one reading, 1.2 s between readers,
    each of which counts in the recording (a fast speaker pauses less, too). Raises ``MediaError``.
    """
    ordered = [*found[first:], *found[:first]]
    rng = np.random.default_rng(_SEED)
    pieces = [_room(rng, _LEAD_S)]
    segments: list[Segment] = []
    at_s, wanted_s, before = _LEAD_S, (minutes or 0.0) * 60, None
    for entry in itertools.cycle(ordered):
        if segments and (at_s >= wanted_s if minutes else len(segments) == len(ordered)):
            break
        if before is not None:
            gap_s = _GAP_S if _reading(before) == _reading(str(entry["id"])) else _READER_GAP_S
            pieces.append(_room(rng, gap_s))
            at_s += len(pieces[-1]) / RATE_HZ
        samples = await read(Path(str(entry["file"])))
        segments.append(segment_of(entry).moved(at_s * 1000 / speed, speed))
        pieces.append(samples)
        at_s += len(samples) / RATE_HZ
        before = str(entry["id"])
    pieces.append(_room(rng, _TAIL_S))
    samples = faster(np.concatenate(pieces), speed)
    language = str(ordered[0]["language"])
    script = Script(name="talk", language=language, target=target, segments=segments, speed=speed)
    return _made(script, samples)


def _reading(name: str) -> str:
    """Pieces of one reading share their id up to its last part (``en_LJ001_0007``)."""
    return name.rpartition("_")[0]


def _room(rng: np.random.Generator, seconds: float) -> Pcm:
    level = 32768 * 10 ** (_ROOM_DBFS / 20)
    noise = rng.standard_normal(int(seconds * RATE_HZ)) * level
    return np.round(noise).astype("<i2")


def _made(script: Script, samples: Pcm) -> Stream:
    script.length_ms = len(samples) * 1000 / RATE_HZ
    script.loudness = loudness(samples)
    return Stream(samples, script)


# ---------------------------------------------------------------- sound
def loudness(samples: Pcm) -> list[float]:
    """RMS (0..1) of each 50 ms, to four places."""
    step = int(RATE_HZ * LOUDNESS_MS / 1000)
    count = len(samples) // step
    if not count:
        return []
    frames = samples[: count * step].reshape(count, step).astype(np.float64) / 32768.0
    return [round(float(value), 4) for value in np.sqrt((frames**2).mean(axis=1))]


def faster(samples: Pcm, speed: float) -> Pcm:
    """The same speech ``speed`` (0.5 to 2) times as fast at the same pitch; exactly
    ``len / speed`` samples. Raises ``MediaError`` when the filter is missing.
    """
    if speed == 1.0:
        return samples
    wanted = round(len(samples) / speed)
    try:
        graph = av.filter.Graph()
        source = graph.add_abuffer(
            sample_rate=RATE_HZ,
            format="s16",
            layout="mono",
            time_base=fractions.Fraction(1, RATE_HZ),
        )
        tempo, sink = graph.add("atempo", f"{speed}"), graph.add("abuffersink")
        source.link_to(tempo)
        tempo.link_to(sink)
        graph.configure()
    except (av.FFmpegError, ValueError) as failure:
        raise MediaError(f"speech cannot be made faster: {failure}") from None
    pieces: list[Pcm] = []
    for start in range(0, len(samples), _FRAME):
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples[start : start + _FRAME]).reshape(1, -1), "s16", "mono"
        )
        frame.sample_rate, frame.pts = RATE_HZ, start
        source.push(frame)
        pieces += _pulled(graph)
    source.push(None)
    pieces += _pulled(graph)
    made = np.concatenate(pieces)
    return np.pad(made, (0, max(0, wanted - len(made))))[:wanted]


def _pulled(graph: av.filter.Graph) -> list[Pcm]:
    pieces: list[Pcm] = []
    while True:
        try:
            frame = graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return pieces
        assert isinstance(frame, av.AudioFrame)
        pieces.append(frame.to_ndarray().reshape(-1).astype("<i2"))
