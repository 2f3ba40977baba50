"""The proxy: what it relays, what it refuses with which message, and its limits."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

pytest.importorskip("cryptography")

from dragoman.intercept.folder import Folder
from dragoman.intercept.names import Hosts, TargetServer
from dragoman.intercept.proxy import Proxy, ProxyLimits

HOSTS = Hosts()
CLOUD = "dashscope.aliyuncs.com"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """For the proxy, and for a client that trusts its authority only."""
    folder = Folder(tmp_path_factory.mktemp("data") / "i")
    now = datetime.now(UTC)
    authority, _ = folder.authority(HOSTS, now)
    client = ssl.create_default_context(cafile=folder.ca)
    client.set_alpn_protocols(["h2", "http/1.1"])
    return folder.tls_context(authority.issue(HOSTS.patterns, now)), client


class RunningProxy:
    """A proxy, the server it relays to, and its notes."""

    def __init__(self, port: int, server_port: int, client: ssl.SSLContext) -> None:
        self.port = port
        self.server_port = server_port
        self.notes: list[str] = []
        self.client = client
        self.proxy: Any = None

    async def ask(self, text: bytes) -> Streams:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(text)
        return reader, writer

    async def refusal(self, text: bytes) -> tuple[int, str]:
        """Status and body of the answer, which must end the connection."""
        reader, writer = await self.ask(text)
        async with asyncio.timeout(10):
            answer = (await reader.read()).decode()
        writer.close()
        head, _, body = answer.partition("\r\n\r\n")
        assert f"Content-Length: {len(body)}" in head
        return int(head.split()[1]), body

    async def tunnel(self, target: str) -> Streams:
        reader, writer = await self.ask(
            f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode()
        )
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 200 Connection established\r\n\r\n"
        return reader, writer

    async def secure(self, host: str = CLOUD) -> Streams:
        reader, writer = await self.tunnel(f"{host}:443")
        await writer.start_tls(self.client, server_hostname=host)
        return reader, writer


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(65536):
        writer.write(piece)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def running_proxy(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
    serve: Talk = echo,
    *,
    pass_others: bool = False,
    limits: ProxyLimits | None = None,
) -> AsyncIterator[RunningProxy]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    server_port = server.sockets[0].getsockname()[1]
    listener = socket.create_server(("127.0.0.1", 0))
    made = RunningProxy(listener.getsockname()[1], server_port, contexts[1])

    async def context() -> ssl.SSLContext:
        return contexts[0]

    target = TargetServer("127.0.0.1", server_port, tls=False, url=f"ws://127.0.0.1:{server_port}")
    made.proxy = Proxy(
        HOSTS, target, context, made.notes.append, pass_others=pass_others, limits=limits
    )
    made.proxy.start(listener)
    try:
        async with asyncio.timeout(60):
            yield made
    finally:
        await made.proxy.close()
        server.close()


Contexts = tuple[ssl.SSLContext, ssl.SSLContext]


@pytest.mark.anyio
@pytest.mark.parametrize("host", [CLOUD, "ws-1.cn-beijing.maas.aliyuncs.com"])
async def test_a_cloud_host_is_relayed_without_its_tls(host: str, contexts: Contexts) -> None:
    async with running_proxy(contexts) as proxy:
        reader, writer = await proxy.secure(host)
        chosen = writer.get_extra_info("ssl_object").selected_alpn_protocol()
        assert chosen == "http/1.1"
        sent = (
            b"GET / HTTP/1.1\r\nAuthorization: Bearer sk-secret\r\n\r\n" + bytes(range(256)) * 999
        )
        writer.write(sent)
        assert await reader.readexactly(len(sent)) == sent
        writer.close()
    assert proxy.notes == [f"{host} goes to ws://127.0.0.1:{proxy.server_port}"]


@pytest.mark.anyio
async def test_other_hosts_are_refused_and_never_connected_to(contexts: Contexts) -> None:
    asked = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1

    async with running_proxy(contexts, serve) as proxy:
        secret = b"Proxy-Authorization: Basic c2VjcmV0\r\n"
        for target in (
            f"localhost:{proxy.server_port}",
            "example.com:443",
            f"{CLOUD}.evil.example:443",
        ):
            line = f"CONNECT {target} HTTP/1.1\r\n".encode()
            status, body = await proxy.refusal(line + secret + b"\r\n")
            assert status == 403
            assert target.rpartition(":")[0] in body
            assert "--pass-others" in body
        status, body = await proxy.refusal(f"CONNECT {CLOUD}:80 HTTP/1.1\r\n\r\n".encode())
        assert (status, "only port 443" in body) == (403, True)
        status, body = await proxy.refusal(b"GET http://example.com/ HTTP/1.1\r\n\r\n")
        assert (status, "CONNECT" in body) == (403, True)
    assert asked == 0
    assert "c2VjcmV0" not in str(proxy.notes)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "text",
    [b"\r\n\r\n", b"CONNECT\r\n\r\n", b"\x16\x03\x01\x00\r\n\r\n", b"CONNECT a:1 SPDY/9\r\n\r\n",
     b"CONNECT nowhere HTTP/1.1\r\n\r\n", b"CONNECT a:b HTTP/1.1\r\n\r\n",
     f"CONNECT {CLOUD}:443 HTTP/1.1\r\n\r\n\x16\x03".encode()],
)  # fmt: skip
async def test_malformed_requests_get_400(text: bytes, contexts: Contexts) -> None:
    async with running_proxy(contexts, pass_others=True) as proxy:
        status, body = await proxy.refusal(text)
    assert status == 400
    assert body.endswith(".\n")


@pytest.mark.anyio
async def test_pass_others_relays_bytes_unread(contexts: Contexts) -> None:
    async with running_proxy(contexts, pass_others=True) as proxy:
        target = f"127.0.0.1:{proxy.server_port}"
        reader, writer = await proxy.ask(f"CONNECT {target} HTTP/1.1\r\n\r\nearly ".encode())
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"and late")
        assert await reader.readexactly(14) == b"early and late"
        writer.close()
        status, _ = await proxy.refusal(f"CONNECT {CLOUD}:80 HTTP/1.1\r\n\r\n".encode())
        assert status == 403  # a redirected host is never passed
    assert f"{target} passes untouched" in proxy.notes


@pytest.mark.anyio
async def test_size_and_time_of_a_request_are_limited(contexts: Contexts) -> None:
    async with running_proxy(contexts, limits=ProxyLimits(head_s=0.05)) as proxy:
        status, _ = await proxy.refusal(b"CONNECT dash")
        assert status == 408
    async with running_proxy(contexts) as proxy:
        status, _ = await proxy.refusal(b"CONNECT x:1 HTTP/1.1\r\nX: " + b"x" * 300_000)
        assert status == 431


@pytest.mark.anyio
async def test_the_number_of_connections_is_limited(contexts: Contexts) -> None:
    async with running_proxy(contexts, limits=ProxyLimits(connections=2)) as proxy:
        first = await proxy.secure()
        second = await proxy.secure()
        line = f"CONNECT {CLOUD}:443 HTTP/1.1\r\n\r\n".encode()
        status, body = await proxy.refusal(line)
        assert (status, "2 connections" in body) == (503, True)
        first[1].close()
        assert await first[0].read() == b""
        while True:  # The place becomes free a moment later.
            reader, writer = await proxy.ask(line)
            answer = await reader.readuntil(b"\r\n\r\n")
            writer.close()
            if answer.startswith(b"HTTP/1.1 200"):
                break
        second[1].close()


@pytest.mark.anyio
async def test_an_unreachable_server_gives_502(contexts: Contexts) -> None:
    async with running_proxy(contexts, pass_others=True) as proxy:
        with socket.socket() as taken:  # bound but not listening: nobody else can take it
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            proxy.proxy._server = TargetServer("127.0.0.1", port, tls=False, url="ws://gone")
            for target in (f"{CLOUD}:443", f"127.0.0.1:{port}"):
                line = f"CONNECT {target} HTTP/1.1\r\n\r\n".encode()
                status, body = await proxy.refusal(line)
                assert status == 502
                assert "does not answer" in body


@pytest.mark.anyio
async def test_when_the_server_closes_the_client_is_closed(contexts: Contexts) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(2)
        writer.write(b"the last words" * 10_000)
        writer.close()

    async with running_proxy(contexts, serve) as proxy:
        reader, writer = await proxy.secure()
        writer.write(b"go")
        assert await reader.read(-1) == b"the last words" * 10_000
        writer.close()


def reset(writer: asyncio.StreamWriter) -> None:
    """Break off with a TCP reset."""
    own = writer.get_extra_info("socket")
    own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.mark.anyio
@pytest.mark.parametrize("is_abrupt", [False, True])
async def test_when_the_client_closes_the_server_is_closed(
    is_abrupt: bool, contexts: Contexts
) -> None:
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await echo(reader, writer)
        ended.set()

    async with running_proxy(contexts, serve) as proxy:
        reader, writer = await proxy.secure()
        writer.write(b"here")
        await reader.readexactly(4)
        if is_abrupt:
            reset(writer)
        else:
            writer.close()
        await ended.wait()


@pytest.mark.anyio
async def test_when_the_server_resets_the_client_is_closed(contexts: Contexts) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(2)
        reset(writer)

    async with running_proxy(contexts, serve) as proxy:
        reader, writer = await proxy.secure()
        writer.write(b"go")
        assert await reader.read() == b""
        writer.close()


@pytest.mark.anyio
async def test_a_slow_client_slows_the_server(contexts: Contexts) -> None:
    piece, count = bytes(1024 * 1024), 48
    sent = 0
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        for _ in range(count):
            writer.write(piece)
            await writer.drain()
            sent += 1
        done.set()
        writer.close()

    async with running_proxy(contexts, serve) as proxy:
        reader, writer = await proxy.secure()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(done.wait(), 1.5)
        assert sent < count - 8  # the rest fills the kernel's buffers
        got = 0
        while data := await reader.read(1 << 20):
            got += len(data)
        assert got == len(piece) * count
        writer.close()


@pytest.mark.anyio
async def test_a_program_that_does_not_trust_the_authority_is_noted(contexts: Contexts) -> None:
    async with running_proxy(contexts) as proxy:
        _, writer = await proxy.tunnel(f"{CLOUD}:443")
        with pytest.raises(ssl.SSLCertVerificationError):
            await writer.start_tls(ssl.create_default_context(), server_hostname=CLOUD)
        writer.close()
        while not any("does it trust ca.pem" in note for note in proxy.notes):
            await asyncio.sleep(0)


@pytest.mark.anyio
async def test_closing_the_proxy_ends_every_connection(contexts: Contexts) -> None:
    async with running_proxy(contexts) as proxy:
        reader, writer = await proxy.secure()
        waiting, half = await proxy.ask(b"CONNECT ")
        writer.write(b"x")
        await reader.readexactly(1)
        await proxy.proxy.close()
        assert await reader.read() == b""
        assert await waiting.read() == b""
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.close()
        half.close()
