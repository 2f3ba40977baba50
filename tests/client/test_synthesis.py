"""The synthesis client: what it sends, what it yields, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from dragoman.client.errors import ConnectionLost, ServerError
from dragoman.client.events import Cleared, Committed, SessionChanged, SessionEnded, SpeechAudio
from dragoman.client.synthesis import SpeechClient
from tests.client.fake_server import SPOKEN, TTS, ServerSide, fake_server, opening, speaking


async def spoken(client: SpeechClient, text: str | AsyncIterator[str]) -> bytes:
    return b"".join([data async for data in client.speak(text)])


def test_a_text_becomes_audio() -> None:
    async def run(url: str) -> None:
        async with SpeechClient(url) as client:
            assert client.session["id"] == "sess_1"
            await client.update(voice="Cherry", sample_rate=24_000)
            assert await spoken(client, "Hello.") == SPOKEN
            assert client.first_audio_ms is not None
            assert client.first_audio_ms > 0

    with fake_server(speaking) as fake:
        asyncio.run(run(fake.url))
    assert fake.types() == ["session.update", "input_text_buffer.append", "session.finish"]
    assert fake.received[0]["session"] == {"voice": "Cherry", "sample_rate": 24_000}
    assert fake.received[1]["text"] == "Hello."
    assert fake.paths[0].endswith(f"?model={TTS}")


def test_pieces_are_sent_while_audio_is_received() -> None:
    """The second piece is sent only after the first audio was received."""
    audio_received = asyncio.Event()

    async def pieces() -> AsyncIterator[str]:
        yield "One. "
        await audio_received.wait()
        yield "Two."

    async def run(url: str) -> bytes:
        async with SpeechClient(url) as client:
            got = bytearray()
            async for data in client.speak(pieces()):
                got += data
                audio_received.set()
            return bytes(got)

    with fake_server(speaking) as fake:
        assert asyncio.run(run(fake.url)) == SPOKEN
    appended = [event["text"] for event in fake.sent("input_text_buffer.append")]
    assert appended == ["One. ", "Two."]


def test_a_long_text_is_sent_in_pieces_that_the_cloud_accepts() -> None:
    text = "語" * 2000

    async def run(url: str) -> None:
        async with SpeechClient(url) as client:
            await spoken(client, text)

    with fake_server(speaking) as fake:
        asyncio.run(run(fake.url))
    pieces = [event["text"] for event in fake.sent("input_text_buffer.append")]
    assert "".join(pieces) == text
    assert max(map(len, pieces)) <= 900


def test_commit_mode_commits_before_it_finishes() -> None:
    async def run(url: str) -> None:
        async with SpeechClient(url) as client:
            await client.update(mode="commit")
            await spoken(client, "Hello.")

    with fake_server(speaking) as fake:
        asyncio.run(run(fake.url))
    assert fake.types()[-2:] == ["input_text_buffer.commit", "session.finish"]


def test_sending_and_iterating_separately() -> None:
    async def script(server: ServerSide) -> None:
        await opening(server, TTS)
        await server.receive_until("input_text_buffer.commit")
        await server.send("input_text_buffer.committed", item_id="")
        await server.receive_until("input_text_buffer.clear")
        await server.send("input_text_buffer.cleared")
        await server.receive_until("response.cancel")
        await server.receive_until("session.finish")
        await server.send("session.finished")

    async def run(url: str) -> list[type]:
        async with SpeechClient(url) as client:
            await client.append("")
            await client.append("Hello.")
            await client.commit()
            await client.clear()
            await client.cancel()
            await client.finish()
            return [type(event) async for event in client]

    with fake_server(script) as fake:
        assert asyncio.run(run(fake.url)) == [Committed, Cleared, SessionEnded]
    assert len(fake.sent("input_text_buffer.append")) == 1


def test_a_finished_session_can_be_used_again() -> None:
    async def script(server: ServerSide) -> None:
        await opening(server, TTS)
        for _ in range(2):
            await server.receive_until("session.finish")
            await server.send("session.finished")

    async def run(url: str) -> list[type]:
        async with SpeechClient(url) as client:
            await client.finish()
            kinds = [type(event) async for event in client]
            await client.finish()
            return kinds + [type(event) async for event in client]

    with fake_server(script) as fake:
        assert asyncio.run(run(fake.url)) == [SessionEnded, SessionEnded]


def test_an_error_event_is_raised_with_its_fields() -> None:
    async def script(server: ServerSide) -> None:
        await opening(server, TTS)
        await server.receive_until("session.finish")
        await server.error(
            "invalid_value", "no voice 'X'", "invalid_request_error", "session.voice"
        )
        await server.wait_for_close()

    async def run(url: str) -> None:
        async with SpeechClient(url) as client:
            await spoken(client, "Hello.")

    with fake_server(script) as fake, pytest.raises(ServerError) as failed:
        asyncio.run(run(fake.url))
    error = failed.value
    assert (error.code, error.param, error.fatal) == ("invalid_value", "session.voice", False)


def test_a_session_that_ends_early_raises() -> None:
    async def script(server: ServerSide) -> None:
        await opening(server, TTS)
        await server.receive_until("session.finish")

    async def run(url: str) -> None:
        async with SpeechClient(url) as client:
            await spoken(client, "Hello.")

    with fake_server(script) as fake, pytest.raises(ConnectionLost):
        asyncio.run(run(fake.url))


def test_an_exception_of_the_text_iterator_is_raised() -> None:
    class OutOfWords(Exception):
        pass

    async def pieces() -> AsyncIterator[str]:
        yield "One. "
        raise OutOfWords

    async def run(url: str) -> None:
        async with SpeechClient(url) as client:
            await spoken(client, pieces())

    with fake_server(speaking) as fake, pytest.raises(OutOfWords):
        asyncio.run(run(fake.url))
    assert "session.finish" not in fake.types()


def test_leaving_the_iteration_stops_the_sender() -> None:
    stopped = asyncio.Event()

    async def pieces() -> AsyncIterator[str]:
        try:
            yield "One. "
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async def run(url: str) -> bool:
        async with SpeechClient(url) as client:
            speech = client.speak(pieces())
            async for _ in speech:
                break
            await speech.aclose()  # type: ignore[attr-defined]  # it is a generator
            return stopped.is_set()

    with fake_server(speaking) as fake:
        assert asyncio.run(run(fake.url))


def test_updates_and_data_are_typed_events() -> None:
    async def run(url: str) -> list[object]:
        async with SpeechClient(url) as client:
            await client.update(voice="Cherry", enable_tn=True)
            await client.append("Hello.")
            await client.finish()
            return [event async for event in client]

    with fake_server(speaking) as fake:
        events = asyncio.run(run(fake.url))
    assert fake.received[0]["session"]["enable_tn"] is True
    changed = [event for event in events if isinstance(event, SessionChanged)]
    assert changed[0].session["voice"] == "Cherry"
    data = b"".join(event.data for event in events if isinstance(event, SpeechAudio))
    assert data == SPOKEN
