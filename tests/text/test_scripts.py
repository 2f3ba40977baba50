"""The table of scripts, checked against the Unicode names of its characters."""

from __future__ import annotations

import re
import sys
import unicodedata

import pytest

from dragoman.text import scripts
from dragoman.text.clause_data import is_spaced

SAMPLES = {
    "zh": "你好世界人々二〇",
    "yue": "唔該晒",
    "ja": "こんにちはラーメンｶﾞ々〆ゝヽ",
    "th": "สวัสดีครับ",
    "lo": "ສະບາຍດີ",
    "my": "မင်္ဂလာပါ",
    "km": "សួស្តី",
    "ko": "안녕하세요ㅋㅠ한",
    "en": "Hello",
    "ru": "Привет",
    "ar": "مرحبا",
    "he": "שלום",
    "hi": "नमस्ते",
    "am": "ሰላም",
}
NAMES = {
    "HAN": ("CJK UNIFIED IDEOGRAPH", "CJK COMPATIBILITY IDEOGRAPH", "IDEOGRAPHIC ITERATION"),
    "KANA": ("HIRAGANA", "KATAKANA", "HALFWIDTH KATAKANA", "HENTAIGANA"),
    "HANGUL": ("HANGUL", "HALFWIDTH HANGUL"),
}
LETTERS = [c for c in map(chr, range(sys.maxunicode + 1)) if c.isalpha()]


@pytest.mark.parametrize("script", NAMES)
def test_every_letter_of_a_script_is_in_its_set(script: str) -> None:
    set_of = re.compile(f"[{getattr(scripts, script)}]")
    named = [c for c in LETTERS if unicodedata.name(c, "").startswith(NAMES[script])]
    assert [c for c in named if not set_of.match(c)] == []
    assert {scripts.script_of(c) for c in named} == {script}


def test_no_letter_is_in_two_scripts() -> None:
    names = ("HAN", "HIRAGANA", "KATAKANA", "HANGUL", "THAI_LAO", "BURMESE_KHMER", "HEBREW_ARABIC")
    sets = [re.compile(f"[{getattr(scripts, name)}]") for name in names]
    assert [c for c in LETTERS if sum(s.match(c) is not None for s in sets) > 1] == []


@pytest.mark.parametrize("language", SAMPLES)
def test_scripts_and_languages_agree_about_spaces(language: str) -> None:
    unspaced = {scripts.is_unspaced(char) for char in SAMPLES[language]}
    assert unspaced == {not is_spaced(language)}


def test_dense_characters() -> None:
    assert [char for char in "a中1あ한.アกー" if scripts.is_dense(char)] == list("中あ한アー")
    assert [char for char in "中あ한アﾊก" if scripts.is_ideographic(char)] == list("中あアﾊ")
    assert [char for char in "中あ한アﾊ・" if scripts.is_katakana(char)] == list("アﾊ")
    assert [char for char in "中あ한アก" if scripts.is_hangul(char)] == ["한"]


@pytest.mark.parametrize("char", ["", " ", "。", "・", "、", "!", "１"])
def test_marks_and_nothing_belong_to_no_script(char: str) -> None:
    assert not scripts.is_dense(char)
    assert not scripts.is_unspaced(char)


@pytest.mark.parametrize(
    ("char", "script"),
    [("й", "CYRILLIC"), ("é", "LATIN"), ("ก", "THAI"), ("α", "GREEK"), ("\0", "")],
)
def test_other_scripts_have_the_name_of_their_letters(char: str, script: str) -> None:
    assert scripts.script_of(char) == script
