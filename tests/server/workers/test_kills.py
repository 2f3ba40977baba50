"""A process of the server that dies takes its own work and nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from dragoman.testing import serve, validate_synthesis
from tests.conformance.clients.connection import MODEL, of_type, sound
from tests.conformance.speeches import LONG_TEXT, SHORT_TEXT
from tests.server.workers.several import (
    THREADED,
    is_running,
    kill,
    one_on_each,
    pids,
    sessions_by_pid,
    total,
    until,
)

pytestmark = pytest.mark.live

OPENED = 'dragoman_sessions_total{api="tts"}'


def test_a_gateway_that_is_killed_takes_only_its_own_sessions() -> None:
    with serve(engines=THREADED, workers=2) as live:
        before = pids(live)

        async def main() -> None:
            async with one_on_each(live) as sockets:
                opened = total(live.get("/metrics")[1], OPENED)
                (killed, its_socket), (kept, other_socket) = sockets.items()
                kill(killed)
                with pytest.raises(ConnectionClosed):
                    await its_socket.receive()
                await other_socket.append(SHORT_TEXT)
                assert sound(await other_socket.finish())
                until(lambda: len(pids(live)) == 2, "no gateway in place of the one that died")
                assert pids(live) - before
                assert kept in pids(live)
            async with one_on_each(live) as sockets:
                for socket in sockets.values():
                    await socket.append(SHORT_TEXT)
                    assert sound(await socket.finish())
                assert total(live.get("/metrics")[1], OPENED) >= opened + 2

        asyncio.run(main())
        until(lambda: not any(sessions_by_pid(live).values()), "sessions that do not end")


def test_sessions_outlive_the_engine_process() -> None:
    with serve(engines=THREADED, workers=2) as live:
        (engines,) = pids(live, "engines")
        gateways = pids(live)

        async def main() -> None:
            async with one_on_each(live) as sockets:
                for socket in sockets.values():
                    await socket.append(LONG_TEXT * 6)  # more than fits between us
                    await socket.commit()
                    await socket.until("response.audio.delta")
                kill(engines)
                for socket in sockets.values():
                    (done,) = of_type(await socket.until("response.done"), "response.done")
                    assert done["response"]["status"] == "failed"
                until(lambda: pids(live, "engines") - {engines} != set(), "no engine process")
                for socket in sockets.values():
                    await socket.append(SHORT_TEXT)
                    assert sound(await socket.finish())
                    validate_synthesis(socket.log, model=MODEL, failures=True)

        asyncio.run(main())
        assert pids(live) == gateways


def test_no_process_outlives_the_supervisor() -> None:
    with serve(engines=THREADED, workers=2) as live:
        everyone = pids(live) | pids(live, "engines")
        assert len(everyone) == 3
        live.process.kill()
        until(lambda: not any(map(is_running, everyone)), "a process lives on")


def test_engines_that_cannot_be_loaded_end_the_server(tmp_path: Path) -> None:
    script = tmp_path / "wrong.toml"
    script.write_text("nonsense = 1\n")
    with (
        pytest.raises(RuntimeError, match="nonsense"),
        serve(engines=f"scripted,tts=scripted-tts?script={script}", workers=2),
    ):
        pass
