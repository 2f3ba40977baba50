"""Client text in our messages, and halves of characters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.protocol.core.client_text import REPLACEMENT, HalfKeeper, shown, whole, whole_deep


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (3, "3"),
        (10**20, "a very large number"),
        ({"a": 1}, "{...}"),
        ([1], "[...]"),
        ("a\nb\ud83d", f"a{REPLACEMENT}b{REPLACEMENT}"),
        ("x" * 100, "x" * 77 + "..."),
        ("x" * 80, "x" * 80),
    ],
)
def test_shown(value, text: str):
    assert shown(value) == text


def test_halves_inside_values():
    assert whole("a\udc00b") == f"a{REPLACEMENT}b"
    assert whole_deep({"\ud800": ["\udfff", 1]}) == {REPLACEMENT: [REPLACEMENT, 1]}


@given(st.text(), st.lists(st.integers(0, 5), max_size=40))
def test_utf16_pieces_come_together(text: str, sizes: list[int]):
    """A client that cuts its UTF-16 string anywhere is understood."""
    units = text.encode("utf-16-le", "surrogatepass")
    keeper, found, at = HalfKeeper(), "", 0
    for size in [*sizes, len(units)]:
        piece = units[at : at + 2 * size]
        at += len(piece)
        found += keeper.feed(
            "".join(chr(piece[i] + 256 * piece[i + 1]) for i in range(0, len(piece), 2))
        )
    assert found + keeper.flush() == text
    assert not keeper.holds


def test_lone_halves_are_replaced():
    keeper = HalfKeeper()
    assert keeper.feed("a\udc00") == f"a{REPLACEMENT}"
    assert keeper.feed("b\ud800") == "b"
    assert keeper.holds
    assert keeper.feed("") == ""
    assert keeper.feed("c\ud800") == f"{REPLACEMENT}c"
    assert keeper.flush() == REPLACEMENT
    assert keeper.flush() == ""
