"""Kana, phrases and sentences to phonemes."""

from __future__ import annotations

import pytest

from dragoman.engines.kokoro.japanese import japanese_phonemes, of_katakana, phrases

pytestmark = pytest.mark.engine


@pytest.mark.parametrize(
    ("kana", "sounds"),
    [
        ("カキクケコ", "kakʲikɯkeko"),
        ("シツヂフ", "ɕiʦɨʥiɸɯ"),
        ("キャキュキョ", "kʲakʲɨkʲo"),
        ("シャチュジョ", "ɕaʨɨʥo"),
        ("ファフィティデュ", "ɸaɸʲitʲidʲɨ"),
        ("ウィウェクァイェ", "βiβekᵝaje"),
        ("トーキョー", "toːkʲoː"),
        ("キップ", "kʲiʔpɯ"),
        ("サンポ", "sampo"),
        ("サンガ", "saŋɡa"),
        ("サンチョー", "saɲʨoː"),
        ("サンド", "sando"),
        ("ホンヲ", "hoɴo"),
        ("マス’", "masɨ"),
        ("ーッン", "ɴ"),
        ("abc漢", ""),
    ],
)
def test_katakana(kana: str, sounds: str) -> None:
    assert of_katakana(kana) == sounds


def test_what_belongs_to_a_phrase_is_read_as_one() -> None:
    """The ッ at the end of a stem doubles the consonant of the ending."""
    words = [
        {"string": "行っ", "pron": "イッ", "pos": "動詞", "chain_flag": -1},
        {"string": "て", "pron": "テ", "pos": "助詞", "chain_flag": 1},
        {"string": "、", "pron": "、", "pos": "記号", "chain_flag": 0},
        {"string": "本", "pron": "ホン", "pos": "名詞", "chain_flag": 0},
    ]
    assert phrases(words) == "iʔte, hoɴ"


def test_numbers_and_latin_words_are_read() -> None:
    (sentence,) = japanese_phonemes("AIは3月に1,234円です。")
    assert "eːai" in sentence
    assert "saŋɡaʦɨ" in sentence
    assert "seɴ" in sentence
    assert sentence.endswith(".")


def test_sentences_are_bounded_and_silence_is_none() -> None:
    assert len(list(japanese_phonemes("はい。いいえ。"))) == 2
    assert len(list(japanese_phonemes("あ" * 600))) == 5
    assert not list(japanese_phonemes("。。、？！"))
