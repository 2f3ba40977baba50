"""Several processes are one server for its clients: same speech, same limits, one health, one sum.

The last tests stop what the others use, so every one that kills has a server of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator

import pytest
from websockets.exceptions import InvalidStatus

from dragoman.client import InterpretClient
from dragoman.client.events import SourceText, TranslatedText
from dragoman.testing import LiveServer, serve, validate_synthesis
from tests.conformance.clients import plain
from tests.conformance.clients.connection import MODEL, connected, sound
from tests.conformance.sounds import turns
from tests.conformance.speeches import SHORT_TEXT
from tests.server.workers.several import (
    THREADED,
    one_on_each,
    pids,
    sessions_by_pid,
    total,
    until,
)

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with serve(engines=THREADED, workers=2, limits={"sessions": 20}) as live:
        yield live


async def interpreted(url: str) -> list[tuple[str, str]]:
    """What an interpretation of two turns says."""
    heard = []
    async with InterpretClient(url) as client:
        await client.update(target="es", source="en")
        pcm = turns(2_000, 3_000)
        for at in range(0, len(pcm), 3_200):
            await client.send_audio(pcm[at : at + 3_200])
        await client.finish()
        async for event in client:
            if isinstance(event, SourceText | TranslatedText) and event.final:
                heard.append((type(event).__name__, event.text))
    return heard


def test_every_gateway_speaks_and_interprets_as_one_process_does(
    server: LiveServer, scripted_server: LiveServer
) -> None:
    async def main() -> None:
        expected = await plain.speak(scripted_server.url, SHORT_TEXT)
        async with one_on_each(server) as sockets:
            assert set(sockets) == pids(server)
            for socket in sockets.values():
                await socket.append(SHORT_TEXT)
                assert sound(await socket.finish()) == expected
                validate_synthesis(socket.log, model=MODEL)
        texts = await interpreted(scripted_server.url)
        assert texts
        for _ in range(4):
            assert await interpreted(server.url) == texts

    asyncio.run(main())


def test_health_and_limit_count_the_sessions_of_all(server: LiveServer) -> None:
    async def main() -> None:
        async with one_on_each(server):
            assert server.health()[1]["sessions"] == {"open": 2, "limit": 20, "tts": 2}
        until(lambda: not any(sessions_by_pid(server).values()), "sessions that do not end")
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(20):
                socket = await stack.enter_async_context(connected(server.url))
                await socket.until("session.created")
            with pytest.raises(InvalidStatus) as refused:
                await stack.enter_async_context(connected(server.url))
            assert refused.value.response.status_code == 503

    until(lambda: not any(sessions_by_pid(server).values()), "sessions of the test before")
    asyncio.run(main())
    until(lambda: not any(sessions_by_pid(server).values()), "sessions that do not end")


def test_metrics_are_the_sum_of_all_processes(server: LiveServer) -> None:
    before = total(server.get("/metrics")[1], 'dragoman_sessions_total{api="tts"}')

    async def main() -> None:
        async with one_on_each(server) as sockets:
            for socket in sockets.values():
                await socket.append(SHORT_TEXT)
                await socket.finish()
            page = server.get("/metrics")[1]
            assert total(page, 'dragoman_sessions_open{api="tts"}') == len(sockets)
            opened = total(page, 'dragoman_sessions_total{api="tts"}') - before
            assert opened >= len(sockets)
            assert total(page, 'dragoman_processes{work="gateway"}') == 2
            assert total(page, 'dragoman_processes{work="engines"}') == 1
            assert total(page, 'dragoman_engine_waiting{engine="scripted-tts"}') == 0

    asyncio.run(main())


def test_sigterm_to_the_whole_group_lets_sessions_finish() -> None:
    with serve(engines=THREADED, workers=2, drain_s=20) as live:

        async def main() -> None:
            async with one_on_each(live) as sockets:
                for pid in pids(live) | pids(live, "engines"):
                    signal_all(pid)
                live.process.send_signal(signal.SIGTERM)
                while live.health()[1]["status"] != "draining":
                    pass
                for socket in sockets.values():
                    await socket.append(SHORT_TEXT)
                    assert sound(await socket.finish())

        asyncio.run(main())
        assert live.process.wait(20) == 0


def test_the_bound_of_speakers_is_that_of_all_gateways() -> None:
    with serve(engines="scripted", workers=2, limits={"speakers": 2}) as live:

        async def main() -> None:
            async with one_on_each(live):  # who has just come is about to speak
                assert live.health()[1]["speakers"]["active"] == 2
                for _ in range(8):  # on both gateways, as good as certainly
                    with pytest.raises(InvalidStatus) as refused:
                        async with connected(live.url):
                            pass
                    assert refused.value.response.status_code == 503

        asyncio.run(main())


def signal_all(pid: int) -> None:
    """What systemd and Docker send to every process of a service."""
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(pid, signum)
