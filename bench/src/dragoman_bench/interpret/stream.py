"""Streams to interpret: single recordings, or a long talk made of them, at any speed.

Scope: sound and script are made together, so that they cannot disagree. Between recordings there is
noise from a fixed seed as room tone, so the same recordings give the same stream. A faster speaker
is the same recording with its tempo changed and its pitch kept (ffmpeg's ``atempo``), sent at the
pace of a microphone: to the server it is somebody who talks fast.
"""

from __future__ import annotations

import fractions
import itertools
from collections.abc import Sequence

import av
import av.filter
import msgspec
import numpy as np

from dragoman.client.media import MediaError
from dragoman_bench.interpret.recordings import RATE_HZ, Pcm, Recording, read
from dragoman_bench.interpret.script import (
    LOUDNESS_MS,
    Script,
    Segment,
    Span,
    joined,
    spoken_words,
)

_LEAD_S, _TAIL_S = 0.5, 1.0
_GAP_S, _READER_GAP_S = 0.35, 1.2
_ROOM_DBFS = -65.0
_SEED = 20260
_FRAME = 1024


class Stream(msgspec.Struct, frozen=True):
    """What is sent, s16 mono at 16 kHz, and what is in it."""

    samples: Pcm
    script: Script

    @classmethod
    def of(
        cls,
        samples: Pcm,
        segments: list[Segment],
        languages: tuple[str, str],
        *,
        name: str,
        speed: float = 1.0,
    ) -> Stream:
        """A stream with the script that belongs to it; ``languages``: source and target."""
        script = Script(
            name=name,
            language=languages[0],
            target=languages[1],
            segments=segments,
            speed=speed,
            length_ms=len(samples) * 1000 / RATE_HZ,
            loudness=loudness(samples),
        )
        return cls(samples, script)


async def singles(found: Sequence[Recording], target: str, speed: float = 1.0) -> list[Stream]:
    """Each recording as a stream of its own. Raises ``MediaError``."""
    streams = []
    for one in found:
        samples, segment = faster(await read(one.path), speed), one.segment.moved(0.0, speed)
        languages = one.language, target
        streams.append(Stream.of(samples, [segment], languages, name=one.id, speed=speed))
    return streams


async def talk(
    found: Sequence[Recording],
    target: str,
    *,
    minutes: float | None = None,
    speed: float = 1.0,
    first: int = 0,
) -> Stream:
    """All recordings one after another, beginning with number ``first``, as often as ``minutes``
    needs (once without it): 0.35 s of room tone between pieces of one reading, 1.2 s between
    readers, each before the change of speed (a fast speaker pauses less, too). Raises
    ``MediaError``.
    """
    ordered = [*found[first:], *found[:first]]
    rng = np.random.default_rng(_SEED)
    pieces = [_room_tone(rng, _LEAD_S)]
    segments: list[Segment] = []
    at_s, wanted_s, before = _LEAD_S, (minutes or 0.0) * 60, None
    for one in itertools.cycle(ordered):
        if segments and (at_s >= wanted_s if minutes else len(segments) == len(ordered)):
            break
        if before is not None:
            gap_s = _GAP_S if _reading(before) == _reading(one.id) else _READER_GAP_S
            pieces.append(_room_tone(rng, gap_s))
            at_s += len(pieces[-1]) / RATE_HZ
        samples = await read(one.path)
        segments.append(one.segment.moved(at_s * 1000 / speed, speed))
        pieces.append(samples)
        at_s += len(samples) / RATE_HZ
        before = one.id
    pieces.append(_room_tone(rng, _TAIL_S))
    samples = faster(np.concatenate(pieces), speed)
    languages = ordered[0].language, target
    return Stream.of(samples, segments, languages, name="talk", speed=speed)


def excerpt(stream: Stream, start_s: float, length_s: float, name: str) -> Stream:
    """A part of a stream as one recording, beginning at the quietest moment within a second."""
    step = RATE_HZ // 10
    around = range(max(0, int((start_s - 1) * RATE_HZ)), int((start_s + 1) * RATE_HZ), step)
    first = min(
        around, key=lambda at: float(np.square(stream.samples[at : at + step], dtype=float).sum())
    )
    samples = stream.samples[first : first + int(length_s * RATE_HZ)]
    start_ms, length_ms = first * 1000 / RATE_HZ, len(samples) * 1000 / RATE_HZ
    inside = [
        word
        for word in spoken_words(stream.script)
        if start_ms <= word.start_ms and word.end_ms <= start_ms + length_ms
    ]
    language = stream.script.language
    clauses = []
    for clause in stream.script.clauses:
        mine = [word for word in inside if clause.start_ms <= word.start_ms < clause.end_ms]
        if mine:
            text = joined([word.text for word in mine], language)
            clauses.append(Span(text=text, start_ms=mine[0].start_ms, end_ms=mine[-1].end_ms))
    segment = Segment(
        id=name,
        start_ms=start_ms,
        length_ms=length_ms,
        speech_start_ms=clauses[0].start_ms,
        speech_end_ms=clauses[-1].end_ms,
        transcript=joined([clause.text for clause in clauses], language),
        clauses=clauses,
        words=inside,
    ).moved(-start_ms, 1.0)
    languages = language, stream.script.target
    return Stream.of(samples, [segment], languages, name=name, speed=stream.script.speed)


def _reading(name: str) -> str:
    """Pieces of one reading share their id up to its last part (``en_LJ001_0007``)."""
    return name.rpartition("_")[0]


def _room_tone(rng: np.random.Generator, seconds: float) -> Pcm:
    level = 32768 * 10 ** (_ROOM_DBFS / 20)
    noise = rng.standard_normal(int(seconds * RATE_HZ)) * level
    return np.round(noise).astype("<i2")


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
