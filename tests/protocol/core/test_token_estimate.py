"""Usage counts: the recorded case, and the documented estimate."""

import pytest

from dragoman.protocol.core.token_estimate import TextMeter, characters, cut_to_tokens, text_tokens


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("今天天气很好我们去公园吧。", 25),  # the recorded shape: 12 Han and a full stop
        ("hello", 5),
        ("", 0),
        ("東京へ", 5),
        ("한국", 2),
        ("𠀀", 2),
        ("a b", 3),
    ],
)
def test_characters(text: str, count: int):
    assert characters(text) == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("a", 1),
        ("abcd", 1),
        ("abcde", 2),
        ("你好", 2),
        ("你好ab", 3),
        ("ラーメン、ｶﾞｽ", 8),
        ("東京へ", 3),
        ("한국", 2),
    ],
)
def test_text_tokens(text: str, count: int):
    assert text_tokens(text) == count


def test_a_text_in_pieces_counts_as_one():
    meter = TextMeter()
    for piece in ("Hi", "你", "好。", "", " th", "ere"):
        meter.feed(piece)
    whole = "Hi你好。 there"
    assert (meter.characters, meter.tokens) == (characters(whole), text_tokens(whole))


@pytest.mark.parametrize(
    ("text", "most", "kept"),
    [
        ("short", 10, "short"),
        ("a" * 100, 10, "a" * 40),
        ("你好" * 50, 10, "你好" * 5),
        ("ab你" * 50, 10, "ab你ab你ab你ab你ab你ab你ab"),
        ("", 10, ""),
    ],
)
def test_cutting_keeps_as_much_as_fits(text: str, most: int, kept: str):
    cut = cut_to_tokens(text, most)
    assert cut == kept
    assert text_tokens(cut) <= most
    assert cut == text or text_tokens(text[: len(cut) + 1]) > most
