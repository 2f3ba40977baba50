"""One connection: addresses, keys, refusals, errors, closes, and bad servers."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from dragoman.client.connection import Connection, address_of, is_loopback, key_for
from dragoman.client.errors import (
    CannotConnect,
    ClientError,
    ConnectionLost,
    Refused,
    ServerError,
)
from tests.client.fake_server import ServerSide, fake_server, opening

Use = Callable[[Connection], Awaitable[Any]]


def connected(url: str, use: Use, **options: Any) -> Any:
    async def run() -> Any:
        async with await Connection.open(url, "m", **options) as connection:
            return await use(connection)

    return asyncio.run(run())


async def everything(connection: Connection) -> list[dict[str, Any]]:
    return [event async for event in connection]


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("ws://h/p", "ws://h/p?model=a+b"),
        ("wss://h/p?x=1", "wss://h/p?x=1&model=a+b"),
        ("wss://h/p?model=old&x=1", "wss://h/p?x=1&model=a+b"),
        ("ws://[::1]:9/p#part", "ws://[::1]:9/p?model=a+b"),
    ],
)
def test_the_model_goes_into_the_query_once(url: str, address: str) -> None:
    assert address_of(url, "a b") == address


@pytest.mark.parametrize("url", ["http://h/p", "h:8000/p", "ws://", "ws://h:99999/p", "ws://[/"])
def test_a_url_that_is_no_websocket_address_is_refused(url: str) -> None:
    with pytest.raises(CannotConnect, match="ws:// or wss://"):
        address_of(url, "m")


def test_loopback_is_recognised_without_look_up() -> None:
    for url in ("ws://127.0.0.1:1/", "ws://localhost/", "ws://[::1]/"):
        assert is_loopback(url)
    for url in ("ws://127.evil.example/", "wss://dashscope.aliyuncs.com/", "ws://10.0.0.1/"):
        assert not is_loopback(url)


def test_no_server_at_the_address() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused for certain
        port = taken.getsockname()[1]
        with pytest.raises(CannotConnect, match="nothing listens there"):
            connected(f"ws://127.0.0.1:{port}/p", everything)


def test_a_server_that_never_answers_the_handshake() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"ws://127.0.0.1:{silent.getsockname()[1]}/p"
        with pytest.raises(CannotConnect, match="in time"):
            connected(url, everything, open_timeout_s=0.2)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, b'{"code":"InvalidApiKey","message":"Invalid API-key provided."}', "Invalid API-key"),
        (401, b"", "API key is missing or wrong"),
        (403, b"<html>", "access denied"),
        (404, b"", "/api-ws/v1/realtime"),
        (503, b'{"message":"The engines are still loading."}', "still loading"),
    ],
)
def test_a_refused_handshake_gives_the_reason_and_never_the_key(
    status: int, body: bytes, words: str
) -> None:
    with fake_server(status=status, body=body) as fake, pytest.raises(Refused) as refused:
        connected(fake.url, everything, api_key="sk-very-secret")
    assert refused.value.status == status
    assert words in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "environment", "sent"),
    [
        ("sk-a", "sk-b", "Bearer sk-a"),
        (None, "sk-b", "Bearer sk-b"),
        (None, None, None),
        ("", "sk-b", None),
    ],
)
def test_the_key_comes_from_the_argument_or_the_environment(
    monkeypatch: pytest.MonkeyPatch, given: str | None, environment: str | None, sent: str | None
) -> None:
    monkeypatch.delenv("DASHSCOPE_API_KEY", raising=False)
    if environment is not None:
        monkeypatch.setenv("DASHSCOPE_API_KEY", environment)

    async def script(server: ServerSide) -> None:
        await opening(server, "m")

    with fake_server(script) as fake:
        connected(fake.url, everything, api_key=given)
    headers = {name.lower(): value for name, value in fake.headers[0].items()}
    assert headers.get("authorization") == sent
    assert fake.paths == ["/api-ws/v1/realtime?model=m"]


def test_a_key_from_the_environment_is_never_sent_unencrypted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-b")
    assert key_for("ws://192.0.2.7:8000/p", None) is None
    assert key_for("ws://192.0.2.7:8000/p", "sk-a") == "sk-a"
    assert key_for("wss://dashscope.aliyuncs.com/p", None) == "sk-b"


def test_frames_without_an_event_are_skipped() -> None:
    async def script(server: ServerSide) -> None:
        await server.socket.send(b"\x00\x01")
        await server.socket.send("{not json")
        await server.socket.send("[1]")
        await server.socket.send(json.dumps({"no": "type"}))
        await server.send("session.finished")

    with fake_server(script) as fake:
        assert [event["type"] for event in connected(fake.url, everything)] == ["session.finished"]


@pytest.mark.parametrize(("code", "reason"), [(1007, "Workspace access denied"), (1011, "")])
def test_a_close_keeps_its_code_and_reason(code: int, reason: str) -> None:
    async def script(server: ServerSide) -> None:
        await opening(server, "m")
        await server.socket.close(code, reason)

    with fake_server(script) as fake, pytest.raises(ConnectionLost) as lost:
        connected(fake.url, everything)
    assert (lost.value.code, lost.value.reason) == (code, reason)
    assert str(code) in str(lost.value)
    assert reason in str(lost.value)


def test_a_connection_that_breaks_off_is_1006() -> None:
    async def script(server: ServerSide) -> None:
        await opening(server, "m")
        server.socket.transport.abort()

    with fake_server(script) as fake, pytest.raises(ConnectionLost) as lost:
        connected(fake.url, everything)
    assert lost.value.code == 1006


def test_a_close_after_an_error_event_is_that_error() -> None:
    async def script(server: ServerSide) -> None:
        await opening(server, "m")
        await server.error("ModelNotFound", "Model not found (m)!", "invalid_request_error")
        await server.socket.close(1007, "Model not found (m)!")

    with fake_server(script) as fake, pytest.raises(ServerError) as failed:
        connected(fake.url, everything)
    assert (failed.value.code, failed.value.message) == ("ModelNotFound", "Model not found (m)!")


def test_a_close_is_not_explained_by_an_earlier_harmless_error() -> None:
    async def script(server: ServerSide) -> None:
        await server.error("invalid_value", "no such voice", "invalid_request_error")
        await server.send("session.updated", session={})
        await server.socket.close(1001, "")

    with fake_server(script) as fake, pytest.raises(ConnectionLost, match="shutting down"):
        connected(fake.url, everything)


def test_a_close_is_explained_by_an_earlier_fatal_error() -> None:
    async def script(server: ServerSide) -> None:
        await server.error("engine_failed", "the recogniser failed", "server_error")
        await server.send("response.done", response={"id": "resp_1", "status": "failed"})
        await server.socket.close(1011, "")

    with fake_server(script) as fake, pytest.raises(ServerError, match="recogniser") as failed:
        connected(fake.url, everything)
    assert failed.value.fatal


def test_sent_events_get_ids_and_the_tap_gets_both_directions() -> None:
    seen: list[tuple[str, str]] = []

    async def script(server: ServerSide) -> None:
        await server.receive_until("b")
        await server.send("session.finished")

    async def talk(connection: Connection) -> list[str]:
        ids = [await connection.send({"type": name}) for name in ("a", "b")]
        await everything(connection)
        return ids

    with fake_server(script) as fake:
        tap = lambda way, event: seen.append((way, event["type"]))  # noqa: E731  one line
        ids = connected(fake.url, talk, tap=tap)
    assert [event["event_id"] for event in fake.received] == ids
    assert len(set(ids)) == 2
    assert seen == [("out", "a"), ("out", "b"), ("in", "session.finished")]


def test_a_cancelled_send_leaves_no_partial_frame() -> None:
    """The server does not read: the sender waits, is cancelled, and sends again later."""
    big = "x" * 12_000_000  # more than the system takes at once, however fast the reader
    full = threading.Event()

    async def script(server: ServerSide) -> None:
        await server.receive_until("go")
        await asyncio.to_thread(full.wait, 30)  # until then nothing is read
        await server.receive_until("last")
        await server.send("session.finished")

    async def talk(connection: Connection) -> int:
        cancelled = 0
        await connection.send({"type": "go"})
        for _ in range(3):
            sending = asyncio.create_task(connection.send({"type": "big", "text": big}))
            await asyncio.sleep(0)
            cancelled += sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        full.set()
        await connection.send({"type": "last"})
        await everything(connection)
        return cancelled

    with fake_server(script) as fake:
        assert connected(fake.url, talk) >= 1
    assert fake.types()[0] == "go"
    assert fake.types()[-1] == "last"
    assert all(event["text"] == big for event in fake.sent("big"))


def test_sending_on_a_closed_connection_raises_connection_lost() -> None:
    async def script(server: ServerSide) -> None:
        await server.socket.close(1007, "Requests rate limit exceeded, please try again later.")

    async def talk(connection: Connection) -> None:
        with pytest.raises(ClientError):
            await everything(connection)
        await connection.send({"type": "a"})

    with fake_server(script) as fake, pytest.raises(ConnectionLost, match="rate limit"):
        connected(fake.url, talk)
