"""Loads: what a crowd counts as lost and late, and small ones on a real server."""

from __future__ import annotations

import asyncio

import pytest
import uvloop

from dragoman.testing import LiveServer, serve
from dragoman_bench.harness.microphones import Microphones
from dragoman_bench.harness.pacer import Pacer
from dragoman_bench.harness.server_process import ServerProcess
from dragoman_bench.harness.ws_client import SYNTHESIS_MODEL, Refused, WsClient
from dragoman_bench.load import connects
from dragoman_bench.load.connects import Connects
from dragoman_bench.load.crowd import CrowdPlan, CrowdResult, Trace, compare
from dragoman_bench.load.crowded import crowd
from dragoman_bench.load.live import LiveLoad, observed
from dragoman_bench.load.probes import open_probes, probing


def trace(heard: list[float], texts: list[str]) -> Trace:
    return Trace(marks={"turn": [], "heard": heard, "voice": [], "done": []}, texts=texts)


def test_what_a_session_lacks_against_one_alone_was_lost() -> None:
    alone = trace([1.0, 2.0, 3.0], ["one", "two", "three"])
    result = CrowdResult()
    traces = [trace([1.5, 2.5, 4.0], ["one", "two", "three"]), trace([1.0, 2.0], ["one", "too"])]
    compare(result, traces, alone)
    assert result.late_s["heard"] == [0.5, 0.5, 1.0, 0.0, 0.0]
    assert result.growth_s["heard"] == [0.5], "the second has no thirds"
    assert result.lost == 2, "a transcript and a text"
    assert result.differing == 1


def test_a_microphone_stops_after_its_frames() -> None:
    sent: list[bytes] = []

    async def play() -> None:
        pacer = Pacer()
        await Microphones(pacer, [b"a", b"b"]).play(sent.append, pacer.now_s, 3)

    asyncio.run(play())
    assert sent == [b"a", b"b", b"a"]


@pytest.mark.live
def test_a_small_crowd_loses_nothing_and_others_are_answered(scripted_server: LiveServer) -> None:
    server = ServerProcess(scripted_server.process, scripted_server.port)

    async def scene() -> tuple[LiveLoad, LiveLoad]:
        probes = await open_probes(server.port)
        loads: list[LiveLoad] = []
        for sessions in (1, 3):
            plan = CrowdPlan(
                port=server.port,
                sessions=sessions,
                frames=40,
                ramp_s=0.2,
                reference=loads[0].crowd.first if loads else None,
            )
            async with crowd(plan) as running, probing(probes) as waits:
                await running.talking()
                loads.append(await observed(server, running, waits))
        return loads[0], loads[1]

    alone, beside = uvloop.run(scene())
    found = beside.crowd
    assert alone.crowd.first is not None
    assert alone.crowd.first.texts
    assert (found.admitted, found.failed, found.lost, found.differing) == (3, 0, 0, 0)
    assert found.sent == 3 * 40
    assert len(found.late_s["voice"]) == 3 * len(alone.crowd.first.marks["voice"]) > 0
    assert all(beside.waits.values()), "every probe was answered"


@pytest.mark.live
def test_a_full_server_refuses_and_says_so() -> None:
    with serve(engines="scripted", limits={"sessions": 1}) as live:

        async def scene() -> int:
            held = await WsClient.connect(live.port, SYNTHESIS_MODEL)
            try:
                await WsClient.connect(live.port, SYNTHESIS_MODEL)
            except Refused as refused:
                return refused.status
            finally:
                held.close()
            return 0

        assert uvloop.run(scene()) == 503


def test_connects_that_were_neither_created_nor_refused_break_the_aim() -> None:
    taken = Connects(created_ms=[1.0] * 90, seconds=0.2)
    refused = Connects(refused_ms=[60.0] * 100, failures=["hung up"], seconds=0.2)
    missed = {figure.name for figure in connects.figures(100, taken, refused) if not figure.met}
    assert {"sessions per second", "not created"} <= missed
    assert {"full server: refusal p99", "full server: neither refused nor created"} <= missed
