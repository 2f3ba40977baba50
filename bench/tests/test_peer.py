"""The load's own client against real servers, and its framing against a library's."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from websockets.protocol import SERVER, Protocol

from dragoman.client.events import SourceText, SpeechAudio, TranslatedText
from dragoman.testing.live_server import LiveServer as Server
from dragoman_bench import loops
from dragoman_bench.append import speechlike
from dragoman_bench.echo import REPLY
from dragoman_bench.live import MODEL, Live, append_frame
from dragoman_bench.numbers import BenchFailed
from dragoman_bench.peer import Peer, framed, kind_of
from dragoman_bench.recordings import RATE_HZ, Pcm
from dragoman_bench.subject import echoing
from dragoman_bench.wheel import Wheel


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 200_000])
def test_frames_are_what_a_library_reads(size: int) -> None:
    protocol = Protocol(SERVER)
    protocol.receive_data(framed(b"x" * size))
    (frame,) = protocol.events_received()
    assert (frame.opcode, frame.data, frame.fin) == (1, b"x" * size, True)


def test_the_kind_of_an_event_is_found_without_parsing() -> None:
    assert kind_of(b'{"event_id":"e","type":"response.done","response":{}}') == "response.done"
    assert kind_of(b"nothing of the sort") == ""


def test_a_peer_opens_a_session_and_is_told_of_errors(scripted_server: Server) -> None:
    async def scene() -> list[str]:
        seen: list[str] = []
        peer = await Peer.connect(
            scripted_server.port, MODEL, lambda frame, _at: seen.append(kind_of(frame))
        )
        await peer.update({"translation": {"language": "es"}})
        finished = peer.coming("session.finished")
        peer.send(b'{"type":"no such event"}')
        with pytest.raises(BenchFailed, match="invalid event type"):
            await asyncio.wait_for(finished, 10)
        peer.close()
        return seen

    assert loops.run(scene()) == ["session.created", "session.updated", "error"]


def test_a_refused_handshake_says_why(scripted_server: Server) -> None:
    async def scene() -> None:
        peer = Peer(scripted_server.port, "m HTTP/1.1\r\nOrigin: http://elsewhere\r\nX:")
        opened = peer.coming("")
        await asyncio.get_running_loop().create_connection(
            lambda: peer, "127.0.0.1", scripted_server.port
        )
        await asyncio.wait_for(opened, 10)

    with pytest.raises(BenchFailed, match="403"):
        loops.run(scene())


def test_the_echo_answers_every_frame() -> None:
    async def scene(port: int) -> list[bytes]:
        seen: list[bytes] = []
        three: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def take(frame: bytes, _at: float) -> None:
            seen.append(frame)
            if len(seen) == 3:
                three.set_result(None)

        peer = await Peer.connect_silent(port, MODEL, take)
        for frame in speechlike()[:3]:
            peer.write(frame)
        await asyncio.wait_for(three, 10)
        peer.close()
        return seen

    with echoing() as subject:
        assert loops.run(scene(subject.port)) == [REPLY.encode()] * 3


def test_the_wheel_turns_in_order_and_counts_lateness() -> None:
    async def scene() -> tuple[list[str], list[float]]:
        wheel, seen = Wheel(), []
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        zero_s = wheel.now_s
        wheel.at(zero_s + 0.02, lambda _due: seen.append("second"))
        wheel.at(zero_s + 0.04, lambda _due: done.set_result(None))
        wheel.at(zero_s + 0.01, lambda _due: seen.append("first"))
        wheel.at(zero_s - 1.0, lambda _due: seen.append("overdue"))
        await asyncio.wait_for(done, 10)
        return seen, wheel.late_s

    seen, late_s = loops.run(scene())
    assert seen == ["overdue", "first", "second"]
    assert late_s[0] >= 1.0
    assert all(late >= 0 for late in late_s)


def test_a_live_session_receives_text_and_speech(scripted_server: Server) -> None:
    async def scene() -> Live:
        samples = speech()
        session = await Live.open(scripted_server.port, samples, "es")
        wheel = Wheel()
        session.start(wheel, wheel.now_s)
        await session.finished(30)
        return session

    session = loops.run(scene())
    assert session.sent_ms == pytest.approx(2000)
    assert session.finished_ms is not None
    assert session.finished_ms > 2000
    kinds = {type(event) for _, event in session.rows}
    assert {SourceText, TranslatedText, SpeechAudio} <= kinds
    assert session.problems == []


def speech() -> Pcm:
    at = np.arange(2 * RATE_HZ)
    return (9_000 * np.sin(at * 0.2) * (at < 1.6 * RATE_HZ)).astype("<i2")


def test_an_append_frame_holds_its_pcm() -> None:
    assert append_frame(b"\x00\x01\x02") == (b'{"type":"input_audio_buffer.append","audio":"AAEC"}')
