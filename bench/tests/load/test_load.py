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
from dragoman_bench.load import carry, connects, curve
from dragoman_bench.load.bare import BarePlan
from dragoman_bench.load.carry import Carried
from dragoman_bench.load.connects import Connects
from dragoman_bench.load.crowd import CrowdPlan, CrowdResult, Trace, compare
from dragoman_bench.load.crowded import beside, crowd
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
def test_the_same_engines_talk_without_a_server() -> None:
    async def scene() -> bytes:
        async with beside("bare", BarePlan(2, 45, 0.2, "scripted")) as running:
            await running.talking()
            await running.ending()
            return await running.last_line()

    assert int(uvloop.run(scene()).strip(b"{}\n")) == 2, "a turn of each is over"


def test_the_server_carries_as_much_as_its_engines_where_it_costs_nothing() -> None:
    rounds = [Carried(server=1.0, bare=0.9), Carried(server=2.0, bare=1.0), Carried(1.0, 0.7)]
    *_, ratio = carry.figures(4, rounds)
    assert (ratio.value, ratio.met) == (0.7, False)


def test_lag_that_grows_breaks_an_aim_of_the_curve() -> None:
    found = CrowdResult(
        admitted=4, refused={503: 2}, refusal_ms=[3.0, 70.0], finish_s=[1.0, 9.0],
        late_s={"heard": [0.1, 5.0, 6.0], "voice": [0.1]}, growth_s={"heard": [0.0, 4.0]},
    )  # fmt: skip
    load = LiveLoad(
        crowd=found, waits={}, seconds=9.0, gateway_cores=0.1, server_cores=1.0,
        engines_share=0.9, loop_lag_p99_ms=1.0, skipped=0.0,
    )  # fmt: skip
    broken = {figure.name for figure in curve.load_figures(6, load) if figure.met is False}
    assert broken == {
        "refusal p99",
        "transcript later than alone p95",
        "last third later than first third, worst",
        "all said after last audio, worst",
    }


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
