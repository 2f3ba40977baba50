"""The segmenter: where it cuts, where it must not, and that it changes nothing."""

import random
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.policy.segmentation.data import WORDS
from dragoman.policy.segmentation.length_limits import LONGEST
from dragoman.policy.segmentation.segmenter import Segmenter
from dragoman.text.scripts import is_dense
from dragoman.text.spoken import is_speakable

CASES = tomllib.loads(Path(__file__).with_name("development.toml").read_text("utf-8"))
KNOWN_MISSES = {
    "en-emoji-after",  # an emoji behind a space opens the next segment, see segmenter.py
}
ZWJ = "\u200d"
FAMILY = f"👨{ZWJ}👩{ZWJ}👧"


def cut(text: str, *, eager: bool = False) -> list[str]:
    """The stripped segments of a whole text."""
    segmenter = Segmenter(eager=eager)
    return [part.strip() for part in segmenter.feed(text) + segmenter.flush() if part.strip()]


def in_pieces(text: str, sizes: list[int], *, eager: bool = False) -> list[str]:
    """The segments, unstripped, of a text that comes in pieces."""
    segmenter = Segmenter(eager=eager)
    found, rest = [], text
    for size in sizes:
        found += segmenter.feed(rest[:size])
        rest = rest[size:]
        assert "".join(found) + segmenter.pending + rest == text
    return found + segmenter.feed(rest) + segmenter.flush()


@pytest.mark.parametrize("case", CASES["sentences"], ids=lambda case: case["id"])
def test_the_development_cases(case: dict):
    expected = [segment.strip() for segment in case["segments"]]
    assert (cut(case["text"]) == expected) == (case["id"] not in KNOWN_MISSES)
    assert in_pieces(case["text"], [1] * len(case["text"])) == in_pieces(case["text"], [])


@pytest.mark.parametrize("case", CASES["long"], ids=lambda case: case["id"])
def test_texts_that_are_too_long_are_cut_between_words(case: dict):
    text = case["text"]
    parts = in_pieces(text, [])
    assert "".join(parts) == text
    for before in parts[:-1]:
        assert before[-1] in " ,，" or parts[parts.index(before) + 1][0] == " "


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("Hello there. How are you? Fine!", ["Hello there.", "How are you?", "Fine!"]),
        ("Oh no. It rains.", ["Oh no.", "It rains."]),
        ("No. 5 is alive. No. I am.", ["No. 5 is alive.", "No.", "I am."]),
        ("Er wohnt in Köln. Am 3. Oktober nicht.", ["Er wohnt in Köln.", "Am 3. Oktober nicht."]),
        ("He is 15. She is 12.", ["He is 15.", "She is 12."]),
        ("R. De Niro met J. La Rue. Good.", ["R. De Niro met J. La Rue.", "Good."]),
        ("We saw it at 5 p.m. Monday. Fine.", ["We saw it at 5 p.m. Monday.", "Fine."]),
        ("He left... But she stayed... and slept.", ["He left...", "But she stayed... and slept."]),
        ("「行こう。」と言った。", ["「行こう。」と言った。"]),
        ("「行こう。」ところで、雨だ。", ["「行こう。」", "ところで、雨だ。"]),
        ("你好!世界", ["你好!", "世界"]),
        ("看https://例子.中国/路径吧。好。", ["看https://例子.中国/路径吧。", "好。"]),
        ("ሰላም። ደህና ነህ፧ ጥሩ፡፡ እሺ", ["ሰላም።", "ደህና ነህ፧", "ጥሩ፡፡", "እሺ"]),
        ("សួស្តី។ ផ្លែឈើ ។ល។ ជាដើម។", ["សួស្តី។", "ផ្លែឈើ ។ល។", "ជាដើម។"]),
        ("နေကောင်းလား။ ကောင်းပါတယ်။", ["နေကောင်းလား။", "ကောင်းပါတယ်။"]),
        ("Sie ist Dipl.-Ing. bei Fa. Meier. Ok.", ["Sie ist Dipl.-Ing. bei Fa. Meier.", "Ok."]),
        ("J.-P. Sartre est né. Oui.", ["J.-P. Sartre est né.", "Oui."]),
        ("It is 5.5 C. Cold. 5 kg. Heavy.", ["It is 5.5 C.", "Cold.", "5 kg.", "Heavy."]),
        ("В 2020 г. Иван уехал. Да.", ["В 2020 г. Иван уехал.", "Да."]),
        ("В XX в. было так. Да.", ["В XX в. было так.", "Да."]),
        ("他（真的！）来了。（没人想到！）好。", ["他（真的！）来了。", "（没人想到！）", "好。"]),
        ("“你好！”小明说。我笑了。", ["“你好！”小明说。", "我笑了。"]),
        ("— ¿Quién es? —preguntó. —¿Yo? —Sí.", ["— ¿Quién es? —preguntó.", "—¿Yo?", "—Sí."]),
        ("— ¡Vete! —dijo él. Y se fue.", ["— ¡Vete! —dijo él.", "Y se fue."]),
        ("It is true.[1] Or not.[^2] Well.", ["It is true.[1]", "Or not.[^2]", "Well."]),
        ("**Bold one.** Next *one.* End", ["**Bold one.**", "Next *one.*", "End"]),
        ("See [U. S. Grant! A life](http://a.b/c?d) now. Ok", None),
        ("Run `a. B! c` now. Then stop.", ["Run `a. B! c` now.", "Then stop."]),
        ('See the 5" pipe. It leaks. A lot.', ['See the 5" pipe.', "It leaks.", "A lot."]),
        ("Rock 'n' roll is here. 'Tis good. Go.", ["Rock 'n' roll is here.", "'Tis good.", "Go."]),
        ("He said 'Go!' and left. Fine.", ["He said 'Go!' and left.", "Fine."]),
        ("I am sad :( Then I left. Ok.", ["I am sad :( Then I left.", "Ok."]),
        ("...", ["..."]),
        ("！！！ok。", ["！！！ok。"]),
    ],
)
def test_where_it_cuts(text: str, segments: list[str] | None):
    assert cut(text) == (segments or ["See [U. S. Grant! A life](http://a.b/c?d) now.", "Ok"])


def test_a_wrapped_line_goes_on():
    wrapped = "The quick brown fox jumped over the\nlazy dog. The end."
    assert cut(wrapped) == ["The quick brown fox jumped over the\nlazy dog.", "The end."]
    assert cut("Dear all,\nhow are you?") == ["Dear all,\nhow are you?"]
    assert cut("milk\neggs\ntea") == ["milk", "eggs", "tea"]
    assert cut("# A heading that is rather long\nsome text") == [
        "# A heading that is rather long",
        "some text",
    ]


def test_in_fenced_code_only_lines_count():
    text = "Look:\n```py\nprint('Hi. You! There.')  # Ok. Go\n```\nIt prints. Ok."
    assert cut(text) == [
        "Look:",
        "```py",
        "print('Hi. You! There.')  # Ok. Go",
        "```\nIt prints.",
        "Ok.",
    ]


def test_marks_that_wait_for_more_text_and_marks_that_do_not():
    segmenter = Segmenter()
    assert segmenter.feed("Hello.") == []
    assert segmenter.feed(" ") == ["Hello."]
    assert Segmenter().feed("你好。") == ["你好。"]
    assert Segmenter().feed("नमस्ते।") == ["नमस्ते।"]
    doubled = Segmenter()
    assert doubled.feed("什么？") == []
    assert doubled.feed("！真") == ["什么？！"]
    abbreviated = Segmenter()
    assert abbreviated.feed("At 5 p.m. ") == []
    assert abbreviated.feed("The") == []
    assert abbreviated.feed(" ") == ["At 5 p.m."]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Sure, I can help you with that, my friend. Ok.", "Sure, I can help you with that,"),
        ("Yes, of course, we can.", "Yes, of course,"),
        ("I paid 1,000 dollars at 10:30 there, and left.", "I paid 1,000 dollars at 10:30 there,"),
        ("On December 25, 2025, it snowed again.", "On December 25, 2025,"),
        ("He said “well, well, well, my friend” and left, too.", None),
        ("I went home early—it was late.", "I went home early—"),
        ("It was a long day – we slept.", "It was a long day –"),
        ("好的，我们明天早上一起去，然后吃饭。", "好的，我们明天早上一起去，"),
        ("今天天气很好，我们走。", "今天天气很好，"),
        ("مرحبا بكم جميعا، كيف الحال؟", "مرحبا بكم جميعا،"),
        ("No. Then we go, my friend.", "No."),
    ],
)
def test_an_eager_first_segment_is_an_early_clause(text: str, first: str | None):
    segments = cut(text, eager=True)
    assert segments[0] == (first or "He said “well, well, well, my friend” and left,")


def test_only_the_first_segment_is_eager():
    text = "One two three, four five sixty. One two three, four five sixty. "
    segmenter = Segmenter(eager=True)
    whole = "One two three, four five sixty."
    parts = segmenter.feed(text) + segmenter.flush()
    assert [part.strip() for part in parts if part.strip()] == [
        "One two three,",
        "four five sixty.",
        whole,
    ]
    assert segmenter.feed(text)[0] == "One two three,"
    assert Segmenter().feed(text)[0] == whole


def test_thai_is_cut_at_a_space_when_a_phrase_is_long():
    phrase = "วันนี้อากาศดีมากเราจะไปตลาดกัน "
    segments = cut(phrase * 8)
    assert len(segments) > 1
    assert all(len(segment) >= 80 for segment in segments[:-1])
    assert cut(phrase * 2, eager=True)[0] == phrase.strip()


def test_long_sentences_are_cut_at_a_clause_or_a_space():
    clauses = Segmenter().feed("word " * 30 + "so, " + "word " * 40)
    assert clauses[0].endswith("so,")
    words = in_pieces("word " * 100, [])
    assert all(part.strip().startswith("word") for part in words)
    assert all(part.strip().endswith("word") and len(part) <= LONGEST for part in words)
    assert len(Segmenter().feed("x" * 1000)) == 5
    assert all(len(part) <= LONGEST // 2 + 1 for part in in_pieces("汉" * 1000, []))


@pytest.mark.parametrize(
    "unit",
    [FAMILY, "🇫🇷", "👍🏽", "1\ufe0f\u20e3", "e\u0301", "क्ष", "\ud83d\ude00", "\u1112\u1161\u11ab"],
)
@pytest.mark.parametrize("offset", range(6))
def test_the_length_limit_does_not_cut_inside_a_character(unit: str, offset: int):
    text = "x" * offset + unit * 300
    parts = in_pieces(text, [])
    assert len(parts) > 1
    for part in parts[:-1]:
        assert part.endswith(unit), part[-5:]


def test_the_length_limit_keeps_a_link_whole():
    link = "[the text. Of a link that is long enough](https://example.org/some/where)"
    parts = in_pieces("word " * 32 + link + " and more", [])
    assert any(link in part for part in parts)


def test_has_begun_and_speakable():
    segmenter = Segmenter()
    segmenter.feed(" ... ")
    assert not segmenter.has_begun
    segmenter.feed("a")
    assert segmenter.has_begun
    assert not is_speakable("🎉 – ?")
    assert is_speakable("7")


def test_the_tables_hold_no_word_that_could_not_match():
    for name in ("starters", "common", "elided", "particles", "before_ordinal"):
        assert all(word == word.lower() for word in WORDS[name]), name
    assert not {word for word in WORDS["common"] if len(word) > 4}
    assert not WORDS["never"] & WORDS["common"]
    assert not {word for words in WORDS.values() for word in words if any(map(is_dense, word))}


ALPHABET = [
    *"ab1 .!?。！？,，：:;“”‘’\"'\n中あ한กข*`[]()«»…-—#|~\u200d🇫👍\u0301\ud83d\ude00\u00a0\r।፡ΑΩ;",
    *("p.m. ", "Dr. ", "The ", "J. ", "3. ", "etc. ", " said ", "」と", "“好！”他说", "```\n", "…"),
    *("z. B. ", "x" * 60, "word " * 20, "汉" * 40, "—", "‼️", "？！", "[1]", "is ", "มาก ", "Mai "),
    *("https://a.b/c?d ", "（", "）", "។", "» ", "lower\nline, ", "Yahoo! ", " — ", "г. ", "2020 "),
    *("’s ", "그가 물었다", '요?" ', "‘", "Tom "),
]
TEXT = st.lists(st.one_of(st.sampled_from(ALPHABET), st.characters()), max_size=150).map("".join)
CUTS = st.lists(st.integers(1, 40), max_size=30)


@settings(max_examples=400, deadline=None)
@given(TEXT, CUTS, st.booleans())
def test_nothing_is_lost_and_the_cuts_do_not_depend_on_the_pieces(
    text: str, sizes: list[int], eager: bool
):
    expected = in_pieces(text, [], eager=eager)
    assert "".join(expected) == text
    assert all(len(part) <= LONGEST + 60 for part in expected)
    assert in_pieces(text, sizes, eager=eager) == expected
    assert in_pieces(text, [1] * len(text), eager=eager) == expected


@pytest.mark.parametrize("seed", range(300))
def test_nothing_is_lost_in_long_texts(seed: int):
    rnd = random.Random(seed)
    text = "".join(rnd.choices(ALPHABET, k=150))
    expected = in_pieces(text, [], eager=seed % 2 == 0)
    assert "".join(expected) == text
    sizes = [rnd.randint(1, 9) for _ in range(100)]
    assert in_pieces(text, sizes, eager=seed % 2 == 0) == expected


@given(st.text(st.sampled_from(list(".-!? \"'(*`")), min_size=500, max_size=900))
def test_a_run_of_marks_is_bounded_too(text: str):
    segmenter = Segmenter()
    for char in text:
        segmenter.feed(char)
        assert len(segmenter.pending) <= LONGEST + 60
