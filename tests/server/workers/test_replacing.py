"""SIGHUP replaces the gateways one by one: new settings, and no session is lost."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from dragoman.testing import LiveServer, serve
from tests.conformance.clients.connection import connected, sound
from tests.conformance.speeches import SHORT_TEXT
from tests.server.workers.several import THREADED, kill, one_on_each, pids, until

pytestmark = pytest.mark.live


async def one_session(live: LiveServer) -> None:
    async with connected(live.url) as socket:
        await socket.until("session.created")
        await socket.append("One.")
        assert sound(await socket.finish())


def test_replacing_under_load_loses_nothing(tmp_path: Path) -> None:
    settings = tmp_path / "dragoman.toml"
    settings.write_text("[limits]\nsessions = 100\n")
    with serve(engines=THREADED, workers=2, drain_s=30, config=settings) as live:
        before = pids(live)
        engines = pids(live, "engines")
        assert live.health()[1]["sessions"]["limit"] == 100
        settings.write_text("[limits]\nsessions = 200\n")

        async def main() -> None:
            replaced = asyncio.Event()
            served = 0

            async def load() -> None:
                nonlocal served
                while not replaced.is_set():
                    await one_session(live)
                    served += 1

            def is_replaced() -> bool:
                found = pids(live)
                return len(found) == 2 and not found & before

            async with one_on_each(live) as sockets:
                loads = [asyncio.create_task(load()) for _ in range(2)]
                live.process.send_signal(signal.SIGHUP)
                await asyncio.to_thread(until, lambda: bool(pids(live) - before), "nothing new")
                for socket in sockets.values():
                    await socket.append(SHORT_TEXT)
                    assert sound(await socket.finish())
            await asyncio.to_thread(until, is_replaced, "old gateways stay")
            replaced.set()
            await asyncio.gather(*loads)
            assert served > 0

        asyncio.run(main())
        assert live.health()[1]["sessions"]["limit"] == 200
        assert pids(live, "engines") == engines


def test_wrong_settings_change_nothing(tmp_path: Path) -> None:
    settings = tmp_path / "dragoman.toml"
    settings.write_text("")
    with serve(engines=THREADED, workers=2, config=settings) as live:
        before = pids(live)
        settings.write_text("no_such_setting = 1\n")
        live.process.send_signal(signal.SIGHUP)
        until(lambda: "no_such_setting" in live.log(), "nothing is said about it")
        asyncio.run(one_session(live))
        assert pids(live) == before


def test_settings_that_no_gateway_starts_with_are_not_kept(tmp_path: Path) -> None:
    settings = tmp_path / "dragoman.toml"
    settings.write_text("")
    with serve(engines=THREADED, workers=2, config=settings) as live:
        before = pids(live)
        settings.write_text('tls_cert = "none"\ntls_key = "none"\n')
        live.process.send_signal(signal.SIGHUP)
        until(lambda: "does not start" in live.log(), "the new settings are taken")
        killed = before.pop()
        kill(killed)
        until(lambda: len(pids(live) - {killed}) == 2, "nobody takes its place")


def test_a_public_address_that_stays_is_not_opened(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.touch(mode=0o600)
    keys.write_text("sk-of-this-test-only\n")
    settings = tmp_path / "dragoman.toml"
    settings.write_text('host = "0.0.0.0"\napi_keys_file = "keys"\n')
    with serve(engines=THREADED, workers=2, config=settings) as live:
        before = pids(live)
        settings.write_text('host = "127.0.0.1"\n')
        live.process.send_signal(signal.SIGHUP)
        until(lambda: "settings stay as they were" in live.log(), "the new settings are taken")
        assert pids(live) == before
