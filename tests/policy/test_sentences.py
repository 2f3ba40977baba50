"""The segmenter: where it cuts, where it must not, and that it changes nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.policy.sentences import LONGEST, Segmenter


def cut(text: str) -> list[str]:
    """The stripped segments of a whole text."""
    segmenter = Segmenter()
    return [part.strip() for part in segmenter.feed(text) + segmenter.flush() if part.strip()]


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("Hello there. How are you? Fine!", ["Hello there.", "How are you?", "Fine!"]),
        ("Dr. Smith paid 3.14 dollars. Ok.", ["Dr. Smith paid 3.14 dollars.", "Ok."]),
        ("Tea, e.g. green tea. Good.", ["Tea, e.g. green tea.", "Good."]),
        ("J. R. Tolkien wrote. We read.", ["J. R. Tolkien wrote.", "We read."]),
        ("Look at http://a.b/c?d=e.f now. Done.", ["Look at http://a.b/c?d=e.f now.", "Done."]),
        ("Version 1.2.3 is out. Get it.", ["Version 1.2.3 is out.", "Get it."]),
        ("1. First item.\n2. Second.", ["1. First item.", "2. Second."]),
        ("Oh no. It rains.", ["Oh no.", "It rains."]),
        ('He said "No." Then he left.', ['He said "No."', "Then he left."]),
        ("Wait... what?! No.", ["Wait...", "what?!", "No."]),
        ("Title\n\nBody", ["Title", "Body"]),
        ("你好！世界。好", ["你好！", "世界。", "好"]),
        ("他说：“好。”然后走了。", ["他说：“好。”", "然后走了。"]),
        ("「行こう。」と言った。", ["「行こう。」", "と言った。"]),
        ("你好!世界", ["你好!", "世界"]),
        ("नमस्ते। कैसे हैं।", ["नमस्ते।", "कैसे हैं।"]),
        ("¿Qué tal? Bien.", ["¿Qué tal?", "Bien."]),
        ("...", ["..."]),
        ("！！！ok。", ["！！！ok。"]),
    ],
)
def test_where_it_cuts(text: str, segments: list[str]):
    assert cut(text) == segments


def test_a_full_stop_waits_for_the_next_character_and_a_chinese_one_does_not():
    segmenter = Segmenter()
    assert segmenter.feed("Hello.") == []
    assert segmenter.feed(" ") == ["Hello."]
    assert Segmenter().feed("你好。") == ["你好。"]


def test_long_sentences_are_cut_at_a_clause_or_a_space():
    clauses = Segmenter().feed("word " * 30 + "so, " + "word " * 40)
    assert clauses[0].endswith("so,")
    words = Segmenter().feed("word " * 100)
    assert all(part.endswith(" ") and len(part) <= LONGEST + 1 for part in words)
    assert len(Segmenter().feed("x" * 1000)) == 4


TEXT = st.text(
    st.one_of(st.sampled_from(list("ab1 .!?。！,，“”\"'\n中あ한")), st.characters()), max_size=600
)


@settings(max_examples=150, deadline=None)
@given(TEXT, st.lists(st.integers(1, 40), max_size=30))
def test_nothing_is_lost_and_pieces_do_not_matter(text: str, sizes: list[int]):
    whole = Segmenter()
    expected = whole.feed(text) + whole.flush()
    assert "".join(expected) == text
    assert all(len(part) <= LONGEST + 1 for part in expected)
    pieces = Segmenter()
    found, rest = [], text
    for size in sizes:
        found += pieces.feed(rest[:size])
        rest = rest[size:]
    found += pieces.feed(rest)
    assert "".join(found) + pieces.pending == text
    assert found + pieces.flush() == expected


@given(st.text(st.sampled_from(list(".-!? ")), min_size=500, max_size=900))
def test_a_run_of_marks_is_bounded_too(text: str):
    segmenter = Segmenter()
    segmenter.feed(text)
    assert len(segmenter.pending) <= LONGEST
