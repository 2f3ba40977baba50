"""Which host an engine gets, by what it says and what the operator wants."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.engines.base import Utterance
from dragoman.engines.registry import RegistryError, make
from dragoman.runtime.hosts.host import EngineFailed, EngineHost
from dragoman.runtime.hosts.loop_host import LoopHost
from dragoman.runtime.hosts.make_host import make_host
from dragoman.runtime.hosts.process.host import ProcessHost
from dragoman.runtime.hosts.thread_host import ThreadHost
from tests.runtime.hosts import tiny_engines as tiny


def made(spec: str) -> EngineHost:
    return make_host(make(spec), spec=spec, threads=2, workers=3)


@pytest.mark.parametrize(
    ("spec", "kind", "capacity"),
    [
        ("scripted-mt", LoopHost, 1),
        ("scripted-mt?script=talk.toml", ThreadHost, 2),
        ("espeak", ProcessHost, 3),
        ("espeak@concurrency=5", ProcessHost, 5),
        ("flite@host=thread", ThreadHost, 2),
        ("scripted-asr?script=talk.toml", ThreadHost, 2 * 16),
        ("scripted-asr@host=thread,concurrency=3,batch=4", ThreadHost, 12),
        ("silero@host=process", ProcessHost, 3),
    ],
)
def test_the_engine_proposes_and_the_operator_decides(
    spec: str, kind: type[Any], capacity: int
) -> None:
    host = made(spec)
    assert type(host) is kind
    assert host.capacity == capacity


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("silero@batch=8", "at most 1 in a batch"),
        ("espeak@host=thread", "GPL"),
        ("scripted-mt@concurrency=2", "host=thread"),
        ("silero@host=moon", "no host 'moon'. There are: thread, process."),
        ("scripted-mt@host=loop", "no host 'loop'"),
    ],
)
def test_impossible_placements_are_refused_in_a_sentence(spec: str, sentence: str) -> None:
    with pytest.raises(RegistryError, match=sentence):
        made(spec)


def test_the_operator_says_how_long_the_first_sound_may_take() -> None:
    assert made("espeak").info.caps.first_sound_s == 2
    assert made("espeak@first_sound_s=5").info.caps.first_sound_s == 5


@pytest.mark.anyio
async def test_that_holds_in_threads_too() -> None:
    engine = tiny.Late()
    spec = "late@host=thread,first_sound_s=0.1"
    host = make_host(engine, spec=spec, threads=1, workers=1)
    await host.start()
    try:
        with pytest.raises(EngineFailed, match=r"no sound in 0\.1 s"):
            await anext(host.speak(Utterance("late", "", "en"), tiny.RATE_HZ))
    finally:
        engine.gate.set()
        await host.close()
