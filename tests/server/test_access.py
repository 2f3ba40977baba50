"""Handshakes and requests over real sockets: keys, tokens, names, limits, what strangers see."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from dragoman.server.access.key_file import write
from dragoman.server.access.keys import Key, KeyLimits, digest
from dragoman.server.admission import may_see_details
from dragoman.server.config import Config
from dragoman.server.lifecycle import Lifecycle
from tests.server.server_thread import FakeEngines, Shell, shell

KEY = "sk-right-0123456789"
BEARER = {"Authorization": f"Bearer {KEY}"}


def ask(
    server: Shell, path: str, headers: dict[str, str], method: str = "GET"
) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        return answer.status, json.loads(body) if body.startswith(b"{") else {"text": body.decode()}
    finally:
        connection.close()


def refusal(url: str, **options: Any) -> tuple[int, str, str | None]:
    with pytest.raises(InvalidStatus) as caught, connect(url, **options):
        pass
    response = caught.value.response
    body = json.loads(response.body)
    assert body["request_id"] == response.headers["x-request-id"]
    return response.status_code, body["code"], response.headers.get("retry-after")


def key_file(folder: Path, **limits: int) -> str:
    path = folder / "keys.json"
    write(path, [Key(name="ann", sha256=digest(KEY), limits=KeyLimits(**limits))])
    return str(path)


# ---------------------------------------------------------------- names
def test_a_rebound_name_reaches_nothing_of_a_keyless_server() -> None:
    with shell() as server:
        for path in ("/health", "/metrics", "/api-ws/v1/realtime", "/nothing"):
            status, body = ask(server, path, {"Host": "evil.example:8000"})
            assert (status, body["code"]) == (403, "AccessDenied")
        raw = raw_handshake(server.port, "evil.example:8000", "http://evil.example:8000")
        assert raw.startswith(b"HTTP/1.1 403 ")
        assert b'{"code":"AccessDenied"' in raw
        assert (
            b'dragoman_refused_total{code="AccessDenied",status="403"} 1.0'
            in server.get("/metrics")[2]
        )


def test_allowed_names_and_redirected_programs_are_served() -> None:
    with shell(allowed_hosts=("speech.example",)) as server:
        for host in ("speech.example", "dashscope.aliyuncs.com", "localhost:99"):
            assert ask(server, "/health", {"Host": host})[0] == 200
            raw = raw_handshake(server.port, host, f"https://{host}")
            assert raw.startswith(b"HTTP/1.1 101 ")


def raw_handshake(port: int, host: str, origin: str) -> bytes:
    """The first bytes of the answer; the client library sets ``Host`` itself."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as raw:
        raw.sendall(
            f"GET /api-ws/v1/realtime HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        answer = b""
        while b"\r\n\r\n" not in answer or (b" 403 " in answer and b"}" not in answer):
            answer += raw.recv(4096)
        return answer


# ---------------------------------------------------------------- browsers
def test_a_key_in_the_address_or_a_subprotocol() -> None:
    with shell(api_keys=(KEY,)) as server:
        with connect(f"{server.url}?api_key={KEY}&model=m") as ws:
            assert ws.recv(10) == "model=m"
            assert ws.subprotocol is None
        offers: Any = ["dragoman", f"api-key.{KEY}"]
        with connect(server.url, subprotocols=offers) as ws:
            assert ws.recv(10) == "model="
            assert ws.subprotocol == "dragoman"
        assert refusal(f"{server.url}?api_key=sk-wrong")[:2] == (401, "InvalidApiKey")
        wrong: Any = ["dragoman", "api-key.sk-wrong"]
        assert refusal(server.url, subprotocols=wrong)[:2] == (401, "InvalidApiKey")


# ---------------------------------------------------------------- tokens
def test_a_token_opens_sessions_but_makes_no_token_and_sees_no_metrics(tmp_path: Path) -> None:
    with shell(api_keys_file=key_file(tmp_path)) as server:
        status, body = ask(server, "/api/v1/tokens?expire_in_seconds=1800", BEARER, "POST")
        assert status == 200
        assert list(body) == ["token", "expires_at"]
        token = body["token"]
        assert token.startswith("st-")
        with connect(f"{server.url}?api_key={token}") as ws:
            assert ws.recv(10) == "model="
        bearer = {"Authorization": f"bearer {token}"}
        with connect(server.url, additional_headers=bearer) as ws:
            assert ws.recv(10) == "model="
        status, body = ask(server, "/api/v1/tokens", bearer, "POST")
        assert (status, body["code"]) == (403, "AccessDenied")
        assert ask(server, "/metrics", bearer | {"X-Forwarded-For": "192.0.2.1"})[0] == 401
    again = key_file(tmp_path)  # the secret of tokens is beside it
    with shell(api_keys_file=again) as server, connect(f"{server.url}?api_key={token}") as ws:
        assert ws.recv(10) == "model="


def test_a_token_for_another_time_is_refused() -> None:
    with shell(api_keys=(KEY,)) as server:
        for life in ("0", "1801", "-1", "1.5", "", "x", "99999", "%31"):
            status, body = ask(server, f"/api/v1/tokens?expire_in_seconds={life}", BEARER, "POST")
            assert (status, body["code"]) == (400, "InvalidParameter")


def test_tokens_are_for_keys_where_keys_are_needed() -> None:
    with shell(api_keys=(KEY,)) as server:
        for headers in ({}, {"Authorization": "Bearer sk-wrong"}):
            status, body = ask(server, "/api/v1/tokens", headers, "POST")
            assert (status, body["code"]) == (401, "InvalidApiKey")
        assert ask(server, "/api/v1/tokens", BEARER, "GET")[0] == 405
    with shell() as server:
        assert ask(server, "/api/v1/tokens", {}, "POST")[1]["token"].startswith("st-")


# ---------------------------------------------------------------- limits of a key
def test_a_key_has_so_many_connections_and_connects(tmp_path: Path) -> None:
    with shell(api_keys_file=key_file(tmp_path, connections=1)) as server:
        with connect(server.url, additional_headers=BEARER) as ws:
            ws.recv(10)
            found = refusal(server.url, additional_headers=BEARER)
            assert found == (429, "Throttling.RateQuota", "1")
        server.wait_idle()
        with connect(server.url, additional_headers=BEARER) as ws:
            assert ws.recv(10) == "model="
    with shell(api_keys_file=key_file(tmp_path, connects_per_minute=1)) as server:
        with connect(server.url, additional_headers=BEARER) as ws:
            ws.recv(10)
        status, code, wait = refusal(server.url, additional_headers=BEARER)
        assert (status, code) == (429, "Throttling.RateQuota")
        assert wait is not None
        assert 1 <= int(wait) <= 61


# ---------------------------------------------------------------- what strangers see
def scope(client: tuple[str, int] | None, **headers: str) -> dict[str, Any]:
    encoded = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    return {"type": "http", "client": client, "headers": encoded, "query_string": b""}


@pytest.mark.parametrize(
    ("asks", "sees"),
    [
        (scope(("127.0.0.1", 5)), True),
        (scope(("::1", 5)), True),
        (scope(("192.0.2.1", 5)), False),
        (scope(("127.0.0.1", 5), x_forwarded_for="192.0.2.1"), False),
        (scope(("127.0.0.1", 5), forwarded="for=192.0.2.1"), False),
        (scope(("127.0.0.1", 5), x_real_ip="192.0.2.1"), False),
        (scope(None), False),
        (scope(("192.0.2.1", 5), authorization=f"Bearer {KEY}"), True),
        (scope(("192.0.2.1", 5), authorization="Bearer sk-wrong"), False),
    ],
)
def test_who_sees_details(asks: dict[str, Any], *, sees: bool) -> None:
    assert may_see_details(Lifecycle(Config(api_keys=(KEY,)), FakeEngines()), asks) is sees
    assert may_see_details(Lifecycle(Config(metrics_open=True), FakeEngines()), asks)


def test_strangers_see_the_status_only() -> None:
    stranger = {"X-Forwarded-For": "192.0.2.1"}
    with shell(api_keys=(KEY,)) as server:
        assert ask(server, "/health", stranger) == (200, {"status": "ready"})
        assert ask(server, "/metrics", stranger)[0] == 401
        assert "sessions" in ask(server, "/health", stranger | BEARER)[1]
        assert "dragoman_" in ask(server, "/metrics", stranger | BEARER)[1]["text"]
    with shell() as server:  # no key opens what nobody has a key for
        assert ask(server, "/metrics", stranger | BEARER)[0] == 401
