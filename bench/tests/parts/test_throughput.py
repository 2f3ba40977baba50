"""Audio by the second, counted from what arrives."""

from __future__ import annotations

import base64

import pytest
import uvloop

from dragoman.engines.scripted.engines import ScriptedTts
from dragoman.runtime.hosts.make_host import make_host
from dragoman.testing.live_server import LiveServer as Server
from dragoman_bench.figures import Figure
from dragoman_bench.harness.synthesis_session import audio_bytes
from dragoman_bench.parts import throughput
from dragoman_bench.parts.throughput import Throughput, ThroughputRounds


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 1_000, 46_081])
def test_audio_is_counted_without_decoding(size: int) -> None:
    delta = base64.b64encode(bytes(size)).decode()
    event = f'{{"type":"response.audio.delta","item_id":"i","delta":"{delta}","x":1}}'
    assert audio_bytes(event.encode()) == size


def test_an_event_without_audio_counts_nothing() -> None:
    assert audio_bytes(b'{"type":"response.done"}') == 0


def test_the_ratio_is_the_median_over_pairs() -> None:
    rounds = ThroughputRounds(
        server=[Throughput(90.0, 1.0), Throughput(10.0, 1.0), Throughput(80.0, 0.5)],
        pool=[Throughput(100.0, 1.0), Throughput(100.0, 1.0), Throughput(100.0, 0.5)],
    )
    assert rounds.ratio() == pytest.approx(0.8)


def test_both_sides_give_the_same_audio(scripted_server: Server) -> None:
    async def scene() -> tuple[ThroughputRounds, list[Figure]]:
        pool = make_host(ScriptedTts(), spec="scripted-tts", threads=1, workers=1)
        await pool.start()
        try:
            return await throughput.measure(scripted_server.port, pool, quick=True, sessions=3)
        finally:
            await pool.close()

    rounds, figures = uvloop.run(scene())
    ours, bare = rounds.server[0], rounds.pool[0]
    assert ours.audio_s == bare.audio_s > 1
    assert ours.wall_s > 0
    (ratio,) = (figure for figure in figures if figure.aim is not None)
    assert (ratio.aim, ratio.at_least) == (0.85, True)
    assert ratio.value == rounds.ratio()
