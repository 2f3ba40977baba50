"""What a soak does: counting, sampling, company; on a real server with scripted engines."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import numpy as np
import pytest

from bench.tests.interpret.test_command import recordings as made_recordings
from dragoman.client.events import (
    Other,
    Problem,
    ResponseFinished,
    SourceSpeechStarted,
    SourceText,
    SpeechAudio,
)
from dragoman.client.interpretation import InterpretSettings, session_object
from dragoman.testing.live_server import LiveServer
from dragoman_bench import processes, recordings
from dragoman_bench.interpret import log, stream
from dragoman_bench.interpret.log import Turn
from dragoman_bench.interpret.play import MODEL
from dragoman_bench.interpret.script import Script, Segment
from dragoman_bench.measures import Shown
from dragoman_bench.numbers import BenchFailed
from dragoman_bench.soak import company
from dragoman_bench.soak.run import material
from dragoman_bench.soak.sampling import Sampler
from dragoman_bench.soak.scoring import parts
from dragoman_bench.soak.talk import Talk, Tally, told
from dragoman_bench.subject import Subject

RATE_HZ = recordings.RATE_HZ


def subject(live: LiveServer) -> Subject:
    return Subject(live.process, live.port)


def sound(seconds: float) -> recordings.Pcm:
    return np.full(int(seconds * RATE_HZ), 3_000, np.int16)


# ---------------------------------------------------------------- counting
def test_what_was_promised_and_did_not_come_stays_open() -> None:
    tally = Tally()
    for item in ("a", "b"):
        tally.take(0, SourceSpeechStarted(audio_start_ms=0, item_id=item))
        tally.take(0, Other(type="response.created", raw={"response": {"id": f"r{item}"}}))
    assert (tally.turns, tally.open_items, tally.open_responses) == (2, 2, 2)
    tally.take(1, SourceText(item_id="a", text="x"))
    assert tally.open_items == 2
    tally.take(2, SourceText(item_id="a", text="x", final=True))
    tally.take(3, ResponseFinished(response_id="ra", status="completed"))
    assert (tally.open_items, tally.open_responses, tally.failed) == (1, 1, [])
    tally.take(4, ResponseFinished(response_id="rb", status="failed"))
    tally.take(5, Problem(type="server_error", code="boom", message=""))
    assert tally.failed == ["failed", "boom"]


def test_speech_that_was_not_heard_yet() -> None:
    tally = Tally()
    tally.take(1_000, SpeechAudio(data=bytes(48 * 500), response_id="r"))
    tally.take(1_100, SpeechAudio(data=bytes(48 * 1_000), response_id="r"))
    assert tally.unheard_s(1_200) == pytest.approx(1.3)
    assert tally.unheard_s(9_000) == 0.0


# ---------------------------------------------------------------- scoring
def test_a_long_talk_is_measured_in_parts_that_begin_with_a_recording() -> None:
    segments = [
        Segment(
            id=f"s{n}",
            start_ms=n * 30_000.0,
            length_ms=30_000.0,
            speech_start_ms=n * 30_000.0,
            speech_end_ms=n * 30_000.0 + 29_000,
            transcript="x",
        )
        for n in range(10)
    ]
    turns = [Turn(start_ms=n * 15_000.0 + 200, source=[Shown(0, "x")]) for n in range(20)]
    script = Script(name="talk", language="en", target="es", segments=segments)
    found = list(parts(turns, script))
    assert [len(part) for part, _ in found] == [8, 8, 4]
    assert [[s.id for s in one.segments] for _, one in found] == [
        ["s0", "s1", "s2", "s3"],
        ["s4", "s5", "s6", "s7"],
        ["s8", "s9"],
    ]
    with pytest.raises(BenchFailed):
        list(parts([], script))


# ---------------------------------------------------------------- looking
def test_what_a_process_holds() -> None:
    before = processes.holding([os.getpid()])
    with Path(os.devnull).open("rb"):
        kept = bytearray(b"x" * (8 << 20))
        after = processes.holding([os.getpid()])
    assert after.files == before.files + 1
    assert after.own_kib - before.own_kib > 7 * 1024
    assert (after.processes, after.threads >= 1, len(kept)) == (1, True, 8 << 20)
    assert processes.holding([2**22 + 1]) == processes.Holding()


@pytest.mark.anyio
async def test_a_talk_is_watched_and_told(scripted_server: LiveServer, tmp_path: Path) -> None:
    found = material(made_recordings(tmp_path))
    one = await stream.talk(found, "es", minutes=0.03)
    talk = Talk(one, tmp_path / "talk.jsonl")
    sampler = Sampler(subject(scripted_server), [talk], 0.0)
    first = await sampler.look()
    session = session_object(InterpretSettings(target="es", source="en"), MODEL)
    await talk.run(scripted_server.url, session)
    await company.synthesise(scripted_server.port, company.TEXT, "finish")
    second = await sampler.look()
    assert first.tasks >= 1
    assert second.server.threads >= 1
    assert second.server.own_kib > 1_000
    assert second.voice_lag_s is not None
    promised = told(talk)
    assert promised.turns >= 1
    assert (promised.open_items, promised.open_responses, promised.failed) == (0, 0, [])
    assert len(log.read(talk.log).turns) == promised.turns


# ---------------------------------------------------------------- company
@pytest.mark.anyio
@pytest.mark.parametrize("ending", ["finish", "close", "drop"])
async def test_short_sessions_leave_nothing_behind(
    scripted_server: LiveServer, ending: str
) -> None:
    server = subject(scripted_server)
    sampler = Sampler(server, [], 0.0)
    before = await sampler.look()
    await company.interpret(server.port, sound(0.4), ending, "es")
    await company.synthesise(server.port, company.TEXT, ending)
    while (after := await sampler.look()).sessions > before.sessions:
        pass
    for _ in range(50):  # the tasks of a connection end a little after its session
        if after.tasks <= before.tasks:
            break
        after = await sampler.look()
    assert after.tasks <= before.tasks


@pytest.mark.anyio
async def test_one_of_each_is_counted(
    scripted_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(company, "SPEAKS_S", 0.2)
    guests = company.Company()
    await company.each(scripted_server.port, sound(1), guests, target="es")
    assert msgspec.to_builtins(guests) == {
        "interpreted": 3,
        "spoken": 3,
        "vanished": 2,
        "failures": 0,
        "why": [],
    }
