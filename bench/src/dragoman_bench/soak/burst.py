"""Thousands of short sessions, one after another, that end anywhere: what a server keeps of them.

Scope: sessions of all APIs on a server with scripted engines, some at a time; each ends after a
random step, in a random way, and some ask for a model of a name that nobody has. The server is
sampled at rest a few times in between. The same sessions in every run.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence

import msgspec

from dragoman.client.interpretation import InterpretSettings, session_object
from dragoman_bench.figures import BenchFailed, Figure, Row, lines
from dragoman_bench.harness.microphones import speechlike
from dragoman_bench.harness.server_process import ServerProcess
from dragoman_bench.harness.synthesis_session import COMMIT, append_text, settings
from dragoman_bench.harness.ws_client import (
    FINISH,
    INTERPRETATION_MODEL,
    SYNTHESIS_MODEL,
    WsClient,
    framed,
)
from dragoman_bench.soak.sampling import Sample, Sampler, at_rest

SAMPLES = 5
AT_ONCE = 20
GROWTH_KIB = 1.0
"""At most, per session, after the first two fifths. Allocators keep their high-water mark and the
collector lets a quarter more pile up, so a few thousand sessions leave half of it.
"""
_WAIT_S = 30.0
_KEPT = 10
_RECOGNITION_MODEL = "qwen3-asr-flash-realtime"
_Step = tuple[bytes, str]
"""Frames to send, and the event to wait for; "" for none."""


class Burst(msgspec.Struct):
    """What was seen. ``samples``: the server at rest, after as many sessions each."""

    sessions: int
    samples: list[Sample] = []
    series: list[int] = []
    """Lines of the metrics page at each sample."""
    failures: list[str] = []
    failed: int = 0


async def burst(server: ServerProcess, sessions: int) -> Burst:
    """Run so many sessions. Raises ``OSError`` when the server is gone."""
    found = Burst(sessions)
    chance = random.Random(11)  # noqa: S311  # the same sessions in every run
    sampler = Sampler(server, [], asyncio.get_running_loop().time())
    before = await at_rest(sampler, None)
    for _ in range(SAMPLES):
        seeds = iter([chance.getrandbits(32) for _ in range(sessions // SAMPLES)])
        await asyncio.gather(*(_some(server.port, seeds, found) for _ in range(AT_ONCE)))
        found.samples.append(await at_rest(sampler, before))
        page = await asyncio.to_thread(server.metrics)
        found.series.append(len(page.splitlines()))
    return found


async def _some(port: int, seeds: Iterator[int], found: Burst) -> None:
    for seed in seeds:  # an iterator that others take from, too
        await _one(port, random.Random(seed), found)  # noqa: S311  # see above


async def _one(port: int, chance: random.Random, found: Burst) -> None:
    model, steps = _script(chance)
    client = None
    try:
        async with asyncio.timeout(_WAIT_S):
            client = await WsClient.connect(port, model)
            for frames, answer in steps[: chance.randint(0, len(steps))]:
                waited = client.next_event(answer) if answer else None
                client.write(frames)
                if waited is not None:
                    await waited
    except (BenchFailed, OSError, TimeoutError) as failure:
        found.failed += 1
        if len(found.failures) < _KEPT:
            found.failures.append(f"{model}: {failure or type(failure).__name__}"[:300])
    finally:
        if client is not None:
            (client.abort if chance.random() < 0.5 else client.close)()


def _script(chance: random.Random) -> tuple[str, Sequence[_Step]]:
    """A model and the steps of a whole session."""
    finish = (framed(FINISH), "session.finished")
    match chance.randrange(4):
        case 0:
            speak = append_text("One moment.") + COMMIT
            steps = [(_update(settings("commit")), "session.updated"), (speak, "response.done")]
            return SYNTHESIS_MODEL, [*steps, (speak, "response.audio.delta"), finish]
        case 1:
            settings_ = session_object(
                InterpretSettings(target="es", source="en"), INTERPRETATION_MODEL
            )
            return INTERPRETATION_MODEL, [(_update(settings_), "session.updated"), *_SOUND, finish]
        case 2:
            settings_ = {"input_audio_transcription": {"language": "en"}}
            return _RECOGNITION_MODEL, [(_update(settings_), "session.updated"), *_SOUND, finish]
        case _:
            return f"model-{chance.getrandbits(40):x}", []


_SOUND: list[_Step] = [(frame, "") for frame in speechlike()[:8]]


def _update(session: object) -> bytes:
    return framed(msgspec.json.encode({"type": "session.update", "session": session}))


def figures(found: Burst) -> list[Figure]:
    """What grew and what was left over, with bounds."""
    early, late = found.samples[1], found.samples[-1]
    between = found.sessions * (SAMPLES - 2) / SAMPLES
    grown = (late.server.own_kib - early.server.own_kib) / between
    rows: list[Row] = [
        ("not served", found.failed, "", 0.0),
        ("memory that a session leaves", grown, "KiB", GROWTH_KIB),
        ("lines of /metrics more", found.series[-1] - found.series[1], "", 0.0),
        ("sessions left over", late.sessions, "", 0.0),
        ("tasks left over", late.tasks - early.tasks, "", 0.0),
        ("threads left over", late.server.threads - early.server.threads, "", 0.0),
        ("files left over", late.server.files - early.server.files, "", 0.0),
    ]
    return lines(f"{found.sessions} short sessions", rows)
