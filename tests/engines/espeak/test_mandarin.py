"""Mandarin characters that espeak cannot read, the words they are in, and brackets of users."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path

import pytest

from dragoman.engines.espeak.mandarin import MISREAD, for_espeak
from tests.engines.installed import needs_espeak

pytestmark = pytest.mark.engine

PROGRAM = Path(__file__).with_name("espeak_events.py")
PLAIN, MARKED = 1, 0x101
SPELLED_OUT = "(en)"


def phonemes(*requests: tuple[str, int]) -> list[list[str]]:
    """What espeak's Mandarin voice says for each text, under its flags; in a process of its own."""
    asked = json.dumps([[text, "sit/cmn", flags] for text, flags in requests])
    done = subprocess.run(
        [sys.executable, str(PROGRAM)], input=asked, capture_output=True, text=True, check=True
    )
    return [answer["phonemes"] for answer in json.loads(done.stdout)]


def read(*texts: str) -> list[str]:
    """The phonemes of what the engine sends, a string per text, without stress and pauses."""
    requests = []
    for text in texts:
        written, marked = for_espeak(text)
        requests.append((written, MARKED if marked else PLAIN))
    return [
        "".join(name for name in found if not name.startswith("_")).replace("'", "")
        for found in phonemes(*requests)
    ]


@functools.cache
def gb2312() -> str:
    """All 6763 characters of the standard, level 1 first."""
    cells = (bytes((row, cell)) for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF))
    return "".join(cell.decode("gb2312", "ignore") for cell in cells)


@needs_espeak
def test_no_character_of_the_standard_is_spelled_out() -> None:
    every = gb2312()
    assert len(every) == 6763
    lines = ["。".join(every[at : at + 200]) for at in range(0, len(every), 200)]
    assert not [line for line in read(*lines) if SPELLED_OUT in line]


@needs_espeak
def test_exactly_the_misread_characters_are_replaced() -> None:
    ours = sorted(MISREAD & set(gb2312()))
    assert len(ours) == 22
    assert sum(char in gb2312()[:3755] for char in ours) == 11
    for char, found in zip(ours, phonemes(*((char, PLAIN) for char in ours)), strict=True):
        assert SPELLED_OUT in found, f"{char} is read by espeak itself now: drop it"


@needs_espeak
def test_the_syllables_are_right() -> None:
    for chars, syllable in {
        "炯窘迥扃冂": "tS;jong",
        "琼穷邛茕穹蛩筇跫銎芎": "tS;hjong",
        "兄凶胸匈汹雄熊": "S;jong",
    }.items():
        assert set(read(*chars)) == {syllable}
    assert len(set(read("兄", "穷", "窘"))) == 3


@needs_espeak
@pytest.mark.parametrize(
    ("word", "sound"),
    [
        ("兄弟", "S;jongti"),
        ("英雄", "jiNS;jong"),
        ("熊猫", "S;jongmAu"),
        ("汹涌", "S;jongjong"),  # alone in espeak's dictionary, where both were spelled out
        ("炯炯有神", "tS;jongtS;jongjious.@n"),
        ("兄长", "S;jongts.AN"),  # zhang, not chang
        ("长兄", "ts.ANS;jong"),
        ("凶相", "S;jongS;iAN"),
        ("行凶", "S;iNS;jong"),  # xing, not hang
        ("銀行", None),
        ("音乐", "jinjyE"),  # yue, not le
        ("重庆", "ts.hongtS;hiN"),
        ("长大", "ts.ANtA"),
        ("兒子", None),
    ],
)
def test_words_keep_their_polyphones(word: str, sound: str | None) -> None:
    (found,) = read(word)
    assert SPELLED_OUT not in found
    assert sound is None or found == sound


@needs_espeak
def test_tones_reach_espeak() -> None:
    assert for_espeak("兄")[0].endswith("55]]")
    assert for_espeak("雄")[0].endswith("35]]")
    assert for_espeak("窘")[0].endswith("214]]")


@pytest.mark.parametrize(
    "text",
    ["[[h@'loU]]", "[[[[x", "[[h@l]]好", "\\[[x]]", "[[穷", "[穷]", "[[[穷]]]", "穷[", "]穷]"],
)
def test_brackets_of_the_user_never_reach_espeak_under_its_flag(text: str) -> None:
    written, marked = for_espeak(text)
    if not marked:
        assert written == text  # and the flag that reads brackets is not given
        return
    ours = written.replace("[[tS;hj'ong35]]", "")
    assert "[[" not in ours
    assert "]]" not in ours
    assert written.count("[[") == text.count("穷")


@needs_espeak
def test_what_users_put_in_brackets_is_read_out() -> None:
    with_ours, without = read("[[h@loU]]很穷", "很穷")
    assert len(with_ours) > len(without) + 6
    assert with_ours.endswith(without)
    assert "h@loU" not in with_ours


def test_text_without_such_characters_is_left_alone() -> None:
    assert for_espeak("银行在哪里？[[a]] OK") == ("银行在哪里？[[a]] OK", False)
    assert for_espeak("") == ("", False)
