"""From where one may connect."""

from __future__ import annotations

import pytest

from dragoman.server.access.hosts import (
    HostRule,
    check_exposure,
    is_loopback,
    origin_is_allowed,
)
from dragoman.server.config import Config, ConfigError


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8000", "LOCALHOST:1", "app.localhost:8000", "127.0.0.1:8000",
     "127.8.8.8", "[::1]:8000", "[::1]",
     # what programs behind `dragoman intercept` send: the cloud's names without a port
     "dashscope.aliyuncs.com", "ws-1.cn-beijing.maas.aliyuncs.com"],
)  # fmt: skip
def test_a_keyless_loopback_server_is_called_by_names_of_this_machine(host: str) -> None:
    assert HostRule((), asks_for_keys=False, on_loopback=True).allows(host)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example:8000",
     "192.0.2.1:8000", "0.0.0.0:8000", "dashscope.aliyuncs.com:8000", "dashscope.aliyuncs.com.evil",
     "evil@localhost", "localhost/", "localhost:x", "[::1", "", None, "1.2.3.4, localhost"],
)  # fmt: skip
def test_any_other_name_is_a_rebound_one(host: str | None) -> None:
    assert not HostRule((), asks_for_keys=False, on_loopback=True).allows(host)


def test_more_names_can_be_allowed() -> None:
    rule = HostRule(("Speech.Example", "*.lab.example"), asks_for_keys=False, on_loopback=True)
    assert rule.allows("speech.example:8000")
    assert rule.allows("a.lab.example")
    assert rule.allows("localhost")
    assert not rule.allows("a.b.lab.example")
    assert HostRule(("*",), asks_for_keys=False, on_loopback=True).allows("evil.example")


def test_other_servers_check_only_where_names_are_set() -> None:
    assert HostRule((), asks_for_keys=True, on_loopback=True).allows("any.example")
    assert HostRule((), asks_for_keys=False, on_loopback=False).allows("any.example")
    rule = HostRule(("mine.example",), asks_for_keys=True, on_loopback=False)
    assert rule.allows("mine.example")
    assert not rule.allows("any.example")


@pytest.mark.parametrize(
    ("origin", "host", "allowed", "expected"),
    [
        (None, "127.0.0.1:8000", (), True),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", (), True),
        ("HTTP://LocalHost:8000", "localhost:8000", (), True),
        ("http://example.org", "example.org:80", (), True),
        ("https://example.org:443", "example.org", (), True),
        ("https://example.org", "example.org:80", (), False),
        ("http://evil.example", "127.0.0.1:8000", (), False),
        ("http://127.0.0.1:8001", "127.0.0.1:8000", (), False),
        ("http://127.0.0.1:8000.evil.example", "127.0.0.1:8000", (), False),
        ("null", "127.0.0.1:8000", (), False),
        ("", "", (), False),
        ("http://[::1", "[::1]:8000", (), False),
        ("http://x", None, (), False),
        ("https://app.example", "127.0.0.1:8000", ("https://app.example/",), True),
        ("https://app.example", "127.0.0.1:8000", ("https://other.example",), False),
        ("null", "127.0.0.1:8000", ("null",), True),
        ("http://evil.example", "127.0.0.1:8000", ("*",), True),
    ],
)
def test_origin_rule(origin, host, allowed, expected) -> None:
    assert origin_is_allowed(origin, host, allowed) is expected


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1"])
def test_a_loopback_address_needs_no_keys(address: str) -> None:
    assert is_loopback(address)
    check_exposure(Config(), address)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1", "fe80::1%eth0"])
def test_other_addresses_need_keys_or_allow_open(address: str) -> None:
    with pytest.raises(ConfigError, match="--allow-open") as caught:
        check_exposure(Config(host="server.example"), address)
    assert "server.example" in str(caught.value)
    check_exposure(Config(api_keys=("sk-one",)), address)
    check_exposure(Config(api_keys_file="keys"), address)
    check_exposure(Config(allow_open=True), address)
