"""Where the key of a request is."""

from __future__ import annotations

import pytest

from dragoman.server.access.credentials import chosen_subprotocol, credential


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("Bearer sk-one", "sk-one"),
        ("bearer sk-two", "sk-two"),
        ("BEARER sk-one", "sk-one"),
        ("  Bearer   sk-one  ", "sk-one"),
        ("Bearer sk-one,sk-two", "sk-one,sk-two"),
        ("Bearer", ""),
        ("Bearer ", ""),
        ("sk-one", ""),
        ("Basic sk-one", ""),
        ("Bearersk-one", ""),
        ("", ""),
    ],
)
def test_the_header(header: str, key: str) -> None:
    assert credential({"authorization": header}) == key


@pytest.mark.parametrize(
    ("query", "key"),
    [
        (b"model=x&api_key=sk-one", "sk-one"),
        (b"api_key=sk-one?model=x", "sk-one"),  # as the SDK appends the model
        (b"api_key=sk%2Done", "sk-one"),
        (b"api_key=a&api_key=b", "b"),
        (b"xapi_key=sk-one", ""),
        (b"", ""),
    ],
)
def test_the_query(query: bytes, key: str) -> None:
    assert credential({}, query) == key


def test_a_subprotocol() -> None:
    assert credential({}, b"", ["dragoman", "api-key.sk-one"]) == "sk-one"
    assert credential({}, b"", ["dragoman"]) == ""


def test_the_header_counts_before_the_subprotocol_before_the_query() -> None:
    header = {"authorization": "Bearer one"}
    assert credential(header, b"api_key=three", ["api-key.two"]) == "one"
    assert credential({"authorization": "nonsense"}, b"api_key=three", ["api-key.two"]) == ""
    assert credential({}, b"api_key=three", ["api-key.two"]) == "two"


def test_the_key_is_never_the_answer() -> None:
    assert chosen_subprotocol(["api-key.sk-one", "dragoman"]) == "dragoman"
    assert chosen_subprotocol(["api-key.sk-one"]) is None
    assert chosen_subprotocol(["realtime", "openai-insecure-api-key.x"]) is None
