"""The load's own client against real servers, and its framing against a library's."""

from __future__ import annotations

import asyncio

import pytest
import uvloop
from websockets.protocol import SERVER, Protocol

from dragoman.testing.live_server import LiveServer as Server
from dragoman_bench.figures import BenchFailed
from dragoman_bench.harness.echo import REPLY
from dragoman_bench.harness.pacer import Pacer
from dragoman_bench.harness.server_process import echoing
from dragoman_bench.harness.ws_client import INTERPRETATION_MODEL as MODEL
from dragoman_bench.harness.ws_client import WsClient, append_audio, framed, type_of
from dragoman_bench.parts.append import speechlike


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 200_000])
def test_frames_are_what_a_library_reads(size: int) -> None:
    protocol = Protocol(SERVER)
    protocol.receive_data(framed(b"x" * size))
    (frame,) = protocol.events_received()
    assert (frame.opcode, frame.data, frame.fin) == (1, b"x" * size, True)


def test_the_type_of_an_event_is_found_without_parsing() -> None:
    assert type_of(b'{"event_id":"e","type":"response.done","response":{}}') == "response.done"
    assert type_of(b"nothing of the sort") == ""


def test_a_client_opens_a_session_and_receives_errors(scripted_server: Server) -> None:
    async def scene() -> list[str]:
        seen: list[str] = []
        client = await WsClient.connect(
            scripted_server.port, MODEL, lambda frame, _at: seen.append(type_of(frame))
        )
        await client.update({"translation": {"language": "es"}})
        finished = client.next_event("session.finished")
        client.send(b'{"type":"no such event"}')
        with pytest.raises(BenchFailed, match="invalid event type"):
            await asyncio.wait_for(finished, 10)
        client.close()
        return seen

    assert uvloop.run(scene()) == ["session.created", "session.updated", "error"]


def test_a_refused_handshake_says_why(scripted_server: Server) -> None:
    async def scene() -> None:
        client = WsClient(scripted_server.port, "m HTTP/1.1\r\nOrigin: http://elsewhere\r\nX:")
        opened = client.next_event("")
        await asyncio.get_running_loop().create_connection(
            lambda: client, "127.0.0.1", scripted_server.port
        )
        await asyncio.wait_for(opened, 10)

    with pytest.raises(BenchFailed, match="403"):
        uvloop.run(scene())


@pytest.mark.live
def test_the_echo_answers_every_frame() -> None:
    async def scene(port: int) -> list[bytes]:
        seen: list[bytes] = []
        three: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def take(frame: bytes, _at: float) -> None:
            seen.append(frame)
            if len(seen) == 3:
                three.set_result(None)

        client = await WsClient.connect(port, MODEL, take, greeting="")
        for frame in speechlike()[:3]:
            client.write(frame)
        await asyncio.wait_for(three, 10)
        client.close()
        return seen

    with echoing() as server:
        assert uvloop.run(scene(server.port)) == [REPLY.encode()] * 3


def test_the_pacer_runs_actions_in_order_and_counts_lateness() -> None:
    async def scene() -> tuple[list[str], list[float]]:
        pacer, seen = Pacer(), []
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        zero_s = pacer.now_s
        pacer.at(zero_s + 0.02, lambda _due: seen.append("second"))
        pacer.at(zero_s + 0.04, lambda _due: done.set_result(None))
        pacer.at(zero_s + 0.01, lambda _due: seen.append("first"))
        pacer.at(zero_s - 1.0, lambda _due: seen.append("overdue"))
        await asyncio.wait_for(done, 10)
        return seen, pacer.late_s

    seen, late_s = uvloop.run(scene())
    assert seen == ["overdue", "first", "second"]
    assert late_s[0] >= 1.0
    assert all(late >= 0 for late in late_s)


def test_an_append_audio_holds_its_pcm() -> None:
    assert append_audio(b"\x00\x01\x02") == (b'{"type":"input_audio_buffer.append","audio":"AAEC"}')
