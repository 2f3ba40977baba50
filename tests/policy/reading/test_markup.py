"""Reading aloud: what is spoken of marked-up text, and what must never reach an engine."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.policy.reading.markup import MarkupReader
from dragoman.policy.segmentation.segmenter import Segmenter
from dragoman.text.spoken import is_speakable

CASES = tomllib.loads(
    (Path(__file__).parent.parent / "segmentation" / "development.toml").read_text("utf-8")
)["aloud"]


def aloud(*segments: str) -> str:
    """What is said of the segments of one text, put together."""
    reader = MarkupReader()
    return " ".join(filter(None, (reader.read(segment) for segment in segments)))


def cut(text: str) -> list[str]:
    segmenter = Segmenter()
    return segmenter.feed(text) + segmenter.flush()


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_development_cases(case: dict):
    whole = aloud(case["text"])
    assert squeezed(whole) == squeezed(case["spoken"])
    assert squeezed(aloud(*cut(case["text"]))) == squeezed(case["spoken"])
    assert "  " not in whole


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Hi there, it's 5.", "Hi there, it's 5."),
        ("Issue #1 is in C# or F#.", "Issue #1 is in C# or F#."),
        ("2*3 and 2 * 3 and 2**3", "2*3 and 2 * 3 and 2**3"),
        ("snake_case, _emph_ and __init__", "snake_case, emph and init"),
        ("**这是**重点**内容**。", "这是重点内容。"),
        ("[![alt](i.png)](http://a.b)", "alt"),
        ("See [a [b] c](http://x.y 'T').", "See a [b] c."),
        ("hi👋there", "hi there"),
        ("Good 👍! No 🙈.", "Good! No."),
        ("1\ufe0f\u20e3 Start", "1 Start"),
        ("5 < 6 and a<b", "5 < 6 and a< b"),
        ("x | y", "x, y"),
        ("访问https://example.com/a?b=c。谢谢", "访问example.com。谢谢"),
        ("访问https://example.com查看", "访问example.com查看"),
        ("See http://user:pw@example.org:80/x(y), ok", "See example.org, ok"),
        ("mailto:me@example.org", "me@example.org"),
        ("At github.com/some/thing now", "At github.com now"),
        ("km/h and and/or 1/2", "km/h and and/or 1/2"),
        ("می‌خواهم **این**", "می‌خواهم این"),
        ("a\u202eb\x00c\x1b[31m d\ud83d", "ab c [31m d"),
        ("`a_b_c *x*` and *y*", "a_b_c *x* and y"),
        ("Use `<br>` or &lt;b&gt;", "Use <br> or <b>"),
        ("a == b but ==this==", "a == b but this"),
        ("C:\\Users\\me", "C:\\Users\\me"),
        ("Water.[1] Air[^2].", "Water. Air."),
        ("a[1] = 2", "a[1] = 2"),
        ("- [x] 1. done", "1. done"),
        ("– said he", "– said he"),
        ("-5 degrees", "-5 degrees"),
        ("> - **x**", "x"),
        ("[a]: http://b.c 'T'", ""),
        ("***", ""),
        ("a | b\n--- | ---\n1 | 2", "a, b 1, 2"),
        ("See <me@x.org> and [t][] and ![i][j].", "See me@x.org and t and i."),
        ("One\\\ntwo", "One two"),
        ("A <!-- b\nc --> d <!-- e --> f", "A d f"),
        ("A <style>p {\n}</style> b", "A b"),
        ("Code `<!--` stays", "Code <!-- stays"),
        ("https://www.münchen.de/x and www.köln.de/y", "münchen.de and köln.de"),
        ("HTTPS://EXAMPLE.ORG/a", "EXAMPLE.ORG"),
        ("1. **Bold**: see `x`.", "1. Bold: see x."),
        ("Title\n---\nText", "Title Text"),
        ("1\\. no list \\_here\\_", "1. no list _here_"),
        ("[a](<http://x.y/z w>)", "a"),
        ("**Note:** *this*, ***that***; _so_!", "Note: this, that; so!"),
        ("I ♥ NY ™ © 2020 → x ✓", "I NY ™ © 2020 → x"),
        ("<p>One.</p><p>Two</p>", "One. Two"),
        ("H<sub>2</sub>O", "H2O"),
        ("&nbsp;x&nbsp;&hellip;", "x …"),
        ("—", "—"),
        ("", ""),
    ],
)
def test_what_is_read_aloud(text: str, spoken: str):
    assert aloud(text) == spoken


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("[[h@l'oU]] you", "h@l'oU you"),
        ("[**[x]**]", "x"),
        ("[\u200b[x]\u200b]", "x"),
        ("`[[x]]`", "x"),
        ("\\[\\[x\\]\\]", "x"),
        ("&#91;&#91;x&#93;&#93;", "x"),
        ('<speak>Hi <break time="9s"/>you</speak>', "Hi you"),
        ("<prosody rate='x-slow'>Hi</prosody>", "Hi"),
        ('&lt;break time="9s"/&gt; hi', '< break time="9s"/> hi'),
        ('`<break time="9s"/>`', '< break time="9s"/>'),
        ("<break time=", "< break time="),
        ("\x01\x02hi", "hi"),
    ],
)
def test_commands_to_engines_do_not_survive(text: str, spoken: str):
    assert aloud(text) == spoken


def test_a_fence_spans_segments():
    reader = MarkupReader()
    said = [reader.read(part) for part in ("Look:\n", "```py\n", "a = 1. B\n", " c. D", "\n```\n")]
    assert said == ["Look:", "", "", "", ""]
    assert reader.read("Done.") == "Done."
    reader.read("\n~~~\nx")
    assert reader.read("\n```\ny") == ""
    reader.reset()
    assert reader.read("y") == "y"


def test_a_table_row_spans_segments():
    assert (
        aloud("| It works. ", "Yes | ok |\n", "|---|---|\n", "| a | b |")
        == "It works. Yes, ok a, b"
    )


def test_a_mark_inside_a_line_is_no_line_mark():
    assert aloud("Five.", " - 3 is two.") == "Five. - 3 is two."
    assert aloud("Five.\n", "- three") == "Five. three"


def test_plain_text_is_not_touched():
    text = "It's 100% plain (really): a-b, c/d; e+f = 7 @ noon… Ünïcode, 你好。"
    assert MarkupReader().read(text) == text


PIECES = st.sampled_from(
    [
        *"ab1 \n*_`~#[]()<>!|\\&-.:/\"'👍\u200d\ufe0f\u200b中。\ud83d\x00",
        *("**", "```", "http://a.b/c", "www.x.org", "[[", "]]", "<b>", "<break/>", "&#91;", "| "),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=80).map("".join))
def test_no_text_leaves_a_command(text: str):
    reader = MarkupReader()
    for segment in cut(text):
        spoken = reader.read(segment)
        assert "[[" not in spoken
        assert "<break" not in spoken
        assert "\n" not in spoken
        assert not set(spoken) & set("\x00\u200b\ud83d👍\ufe0f")
        assert spoken == spoken.strip()
        assert not spoken or is_speakable(spoken) or spoken == segment.strip()
