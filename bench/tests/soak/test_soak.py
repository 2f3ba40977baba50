"""What a soak does: counting, sampling, churn; on a real server with scripted engines."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

import msgspec
import numpy as np
import pytest

from bench.tests.interpret.manifest import one_recording
from dragoman.client.events import (
    Other,
    Problem,
    ResponseFinished,
    SourceSpeechStarted,
    SourceText,
    SpeechAudio,
)
from dragoman.testing.live_server import LiveServer
from dragoman_bench.harness import processes
from dragoman_bench.harness.server_process import ServerProcess
from dragoman_bench.interpret import log, stream
from dragoman_bench.interpret.play import SessionRequest
from dragoman_bench.interpret.recordings import RATE_HZ, Pcm
from dragoman_bench.soak import churn
from dragoman_bench.soak.churn import Ending
from dragoman_bench.soak.run import material
from dragoman_bench.soak.sampling import Sampler
from dragoman_bench.soak.talk import OpenWork, Talk


def process(live: LiveServer) -> ServerProcess:
    return ServerProcess(live.process, live.port)


def sound(seconds: float) -> Pcm:
    return np.full(int(seconds * RATE_HZ), 3_000, np.int16)


# ---------------------------------------------------------------- counting
def test_what_was_begun_and_did_not_end_stays_open() -> None:
    work = OpenWork()
    for item in ("a", "b"):
        work.take(0, SourceSpeechStarted(audio_start_ms=0, item_id=item))
        work.take(0, Other(type="response.created", raw={"response": {"id": f"r{item}"}}))
    open_ = work.outcome(0.0)
    assert (open_.turns, open_.open_items, open_.open_responses) == (2, 2, 2)
    work.take(1, SourceText(item_id="a", text="x"))
    assert work.open_items == 2
    work.take(2, SourceText(item_id="a", text="x", final=True))
    work.take(3, ResponseFinished(response_id="ra", status="completed"))
    open_ = work.outcome(0.0)
    assert (open_.open_items, open_.open_responses, open_.failed) == (1, 1, [])
    work.take(4, ResponseFinished(response_id="rb", status="failed"))
    work.take(5, Problem(type="server_error", code="boom", message=""))
    assert work.failed == ["failed", "boom"]


def test_speech_that_was_not_played_yet() -> None:
    work = OpenWork()
    work.take(1_000, SpeechAudio(data=bytes(48 * 500), response_id="r"))
    work.take(1_100, SpeechAudio(data=bytes(48 * 1_000), response_id="r"))
    assert work.unplayed_s(1_200) == pytest.approx(1.3)
    assert work.unplayed_s(9_000) == 0.0


# ---------------------------------------------------------------- sampling
def test_what_a_process_holds() -> None:
    before = processes.usage([os.getpid()])
    with Path(os.devnull).open("rb"):
        kept = mmap.mmap(-1, 8 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)  # never reused
        kept.write(b"x" * len(kept))
        after = processes.usage([os.getpid()])
    assert after.files == before.files + 1
    assert after.own_kib - before.own_kib > 7 * 1024
    assert (after.processes, after.threads >= 1, len(kept)) == (1, True, 8 << 20)
    assert processes.usage([2**22 + 1]) == processes.ProcessUsage()


@pytest.mark.anyio
async def test_a_talk_is_observed_while_it_runs(
    scripted_server: LiveServer, tmp_path: Path
) -> None:
    found = material(one_recording(tmp_path))
    one = await stream.talk(found, "es", minutes=0.03)
    talk = Talk(one, tmp_path / "talk.jsonl")
    sampler = Sampler(process(scripted_server), [talk], 0.0)
    first = await sampler.sample()
    played = await talk.run(SessionRequest(url=scripted_server.url, target="es", source="en"))
    await churn.synthesise(scripted_server.port, churn.TEXT, "finish")
    second = await sampler.sample()
    assert first.tasks >= 1
    assert second.server.threads >= 1
    assert second.server.own_kib > 1_000
    assert second.voice_lag_s is not None
    outcome = talk.work.outcome(played.late_ms)
    assert outcome.turns >= 1
    assert (outcome.open_items, outcome.open_responses, outcome.failed) == (0, 0, [])
    assert len(log.read(played.log).turns) == outcome.turns


# ---------------------------------------------------------------- churn
@pytest.mark.anyio
@pytest.mark.parametrize("ending", ["finish", "close", "abort"])
async def test_short_sessions_leave_nothing_behind(
    scripted_server: LiveServer, ending: Ending
) -> None:
    server = process(scripted_server)
    sampler = Sampler(server, [], 0.0)
    before = await sampler.sample()
    await churn.interpret(server.port, sound(0.4), ending, "es")
    await churn.synthesise(server.port, churn.TEXT, ending)
    while (after := await sampler.sample()).sessions > before.sessions:
        pass
    for _ in range(50):  # the tasks of a connection end a little after its session
        if after.tasks <= before.tasks:
            break
        after = await sampler.sample()
    assert after.tasks <= before.tasks


@pytest.mark.anyio
async def test_one_of_each_is_counted(
    scripted_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(churn, "SPEECH_S", 0.2)
    counts = churn.ChurnCounts()
    await churn.one_of_each(scripted_server.port, sound(1), counts, target="es")
    assert msgspec.to_builtins(counts) == {
        "interpreted": 3,
        "spoken": 3,
        "aborted": 2,
        "failures": 0,
        "why": [],
    }
