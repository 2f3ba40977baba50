"""Which hosts are redirected, and which arguments are refused."""

from __future__ import annotations

import pytest

from dragoman.intercept.names import (
    CLOUD_HOSTS,
    BadName,
    Hosts,
    TargetServer,
    parse_address,
    parse_server,
    parse_target,
    without_redirected,
)

HOSTS = Hosts()


@pytest.mark.parametrize(
    "name",
    [
        "dashscope.aliyuncs.com", "DashScope.AliyunCS.com", "dashscope-intl.aliyuncs.com.",
        "dashscope-us.aliyuncs.com", "ws-1.cn-beijing.maas.aliyuncs.com",
        "trial.ap-southeast-1.maas.aliyuncs.com",
    ],
)  # fmt: skip
def test_cloud_hosts_are_redirected(name: str) -> None:
    assert name in HOSTS


@pytest.mark.parametrize(
    "name",
    [
        "aliyuncs.com", "oss.aliyuncs.com", "dashscope.aliyuncs.com.evil.example", "",
        "cn-beijing.maas.aliyuncs.com", "a.b.cn-beijing.maas.aliyuncs.com",
        "xdashscope.aliyuncs.com", "x.dashscope.aliyuncs.com", "127.0.0.1", "localhost",
    ],
)  # fmt: skip
def test_other_hosts_are_not(name: str) -> None:
    assert name not in HOSTS


def test_more_hosts_can_be_added() -> None:
    hosts = Hosts(["API.Example.com.", "*.speech.example"])
    assert "api.example.com" in hosts
    assert "de.speech.example" in hosts
    assert "speech.example" not in hosts
    assert set(hosts.domains) - set(HOSTS.domains) == {"api.example.com", "speech.example"}
    assert Hosts([CLOUD_HOSTS[0]]).patterns == HOSTS.patterns


@pytest.mark.parametrize(
    "text",
    ["*", "*.com", "com", "localhost", "127.0.0.1", "::1", "a.b:443", "https://a.b", "a..b", "-a.b",
     "a.*.b", "*.*.a.b", "a b.c", "a" * 64 + ".example", "ü.example"],
)  # fmt: skip
def test_bad_host_names_are_refused(text: str) -> None:
    with pytest.raises(BadName, match="--host"):
        Hosts([text])


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("ws://127.0.0.1:8000", TargetServer("127.0.0.1", 8000, tls=False, url="ws://127.0.0.1:8000")),
        ("http://localhost", TargetServer("localhost", 80, tls=False, url="ws://localhost:80")),
        ("ws://[::1]:9/api-ws/v1/realtime", TargetServer("::1", 9, tls=False, url="ws://[::1]:9")),
        ("wss://dragoman.example", TargetServer("dragoman.example", 443, tls=True,
                                          url="wss://dragoman.example:443")),
    ],
)  # fmt: skip
def test_servers(text: str, server: TargetServer) -> None:
    assert parse_server(text, HOSTS) == server


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("127.0.0.1:8000", "address such as"), ("ftp://127.0.0.1", "address such as"),
        ("ws://", "address such as"), ("ws://127.0.0.1:99999", "address such as"),
        ("ws://[::1", "address such as"), ("ws://127.0.0.1/other", "without path"),
        ("ws://127.0.0.1/?model=x", "without path"), ("ws://me@127.0.0.1", "without path"),
        ("ws://dragoman.example:8000", "unencrypted"), ("ws://10.0.0.2:8000", "unencrypted"),
        ("ws://0.0.0.0:8000", "unencrypted"), ("ws://x.localhost", "unencrypted"),
        ("wss://dashscope.aliyuncs.com", "redirected"),
    ],
)  # fmt: skip
def test_bad_servers_are_refused(text: str, why: str) -> None:
    with pytest.raises(BadName, match=why):
        parse_server(text, HOSTS)


def test_only_loopback_addresses() -> None:
    assert parse_address("localhost") == "127.0.0.1"
    assert parse_address("127.0.0.2") == "127.0.0.2"
    assert parse_address("::1") == "::1"
    for text in ("0.0.0.0", "::", "192.168.0.1", "example.com", ""):
        with pytest.raises(BadName, match="this machine alone"):
            parse_address(text)


def test_targets_of_connect() -> None:
    assert parse_target("a.example:443") == ("a.example", 443)
    assert parse_target("[::1]:80") == ("::1", 80)
    for text in ("", "a.example", "a.example:", "a.example:0", "a.example:65536", "a b:1",
                 ":443", "::1:80", "[::1:80", "[x]:80",
                 "a.example:٤", "u@a.example:1", "a/b:1"):  # fmt: skip
        assert parse_target(text) is None, text


def test_no_proxy_loses_entries_that_exempt_a_redirected_host() -> None:
    no_proxy = "intranet.example, .aliyuncs.com,dashscope.aliyuncs.com:443,*.aliyuncs.com, com,::1"
    assert without_redirected(no_proxy, HOSTS) == "intranet.example,::1"
    assert without_redirected("ws-1.cn-beijing.maas.aliyuncs.com,10.0.0.0/8", HOSTS) == "10.0.0.0/8"
    assert without_redirected("*", HOSTS) == ""
    assert without_redirected("", HOSTS) == ""
