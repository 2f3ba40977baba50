"""Who may connect."""

from __future__ import annotations

import pytest

from dragoman.protocol.core.principal import ANONYMOUS, Principal
from dragoman.server.admission import check_exposure, is_loopback, origin_is_allowed, principal_of
from dragoman.server.config import Config, ConfigError

KEYS = ("sk-one", "sk-two")


@pytest.mark.parametrize(
    ("header", "key_id"),
    [
        ("Bearer sk-one", "key1"),
        ("bearer sk-two", "key2"),
        ("BEARER sk-one", "key1"),
        ("  Bearer   sk-one  ", "key1"),
    ],
)
def test_a_configured_key_has_its_place_for_a_name(header: str, key_id: str) -> None:
    assert principal_of(header, KEYS) == Principal(key_id=key_id)


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "sk-one", "Basic sk-one", "Bearer sk-on", "Bearer sk-one2",
     "Bearer sk-one,sk-two", "Bearer \udcff", "Bearersk-one"],
)  # fmt: skip
def test_anything_else_is_refused(header: str | None) -> None:
    assert principal_of(header, KEYS) is None


@pytest.mark.parametrize("header", [None, "", "Bearer anything", "nonsense"])
def test_without_keys_everybody_is_anonymous(header: str | None) -> None:
    assert principal_of(header, ()) == ANONYMOUS


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
    check_exposure(Config(api_keys=KEYS), address)
    check_exposure(Config(allow_open=True), address)
