"""An engine that does not stop is cut off in every host; audio before the limit is kept."""

from __future__ import annotations

import pytest

from dragoman.engines.base import Caps, Utterance
from dragoman.runtime.hosts.host import EngineFailed, EngineHost
from dragoman.runtime.hosts.loop_host import LoopHost
from dragoman.runtime.hosts.synthesize_segment import AudioLimitExceeded, limit_audio
from dragoman.runtime.hosts.thread_host import ThreadHost
from tests.runtime.hosts import tiny_engines as tiny

pytestmark = pytest.mark.anyio


async def listen(host: EngineHost, text: str, heard: list[bytes]) -> None:
    async for piece in host.speak(Utterance(text, "", "en"), tiny.RATE_HZ):
        heard.append(piece)


def test_the_cap_itself_may_be_reached() -> None:
    pieces = [bytes(1000)] * 4
    assert list(limit_audio(pieces, Caps(audio_s=0.25), 8_000)) == pieces
    kept = []
    with pytest.raises(AudioLimitExceeded, match="beyond 0"):
        kept.extend(limit_audio(pieces, Caps(audio_s=0.249), 8_000))
    engine_pieces = iter(pieces)
    with pytest.raises(AudioLimitExceeded):
        list(limit_audio(engine_pieces, Caps(audio_s=0.1), 8_000))
    assert list(engine_pieces) == [bytes(1000)] * 2, "and it asks for no more"


@pytest.mark.parametrize("kind", ["loop", "thread"])
async def test_a_runaway_engine_is_cut_off(kind: str) -> None:
    engine = tiny.Terse()
    host: EngineHost = LoopHost(engine) if kind == "loop" else ThreadHost(engine, threads=1)
    await host.start()
    try:
        heard: list[bytes] = []
        with pytest.raises(EngineFailed, match="beyond 1 s"):
            await listen(host, "t" * 4000, heard)
        assert 0 < len(b"".join(heard)) <= 2 * tiny.RATE_HZ
        assert engine.stopped.wait(10), "the engine was told"
        assert engine.made < 20
        heard.clear()
        await listen(host, "next", heard)
        assert b"".join(heard) == tiny.pcm_of("next")
    finally:
        await host.close()
