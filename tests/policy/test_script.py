"""Which language a segment is read in."""

import pytest

from dragoman.policy.latin import latin_language
from dragoman.policy.script import Tongue


def everything(_language: str) -> bool:
    return True


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Good morning, how are you today?", "en"),
        ("It was the best of times, it was the worst of times.", "en"),
        ("Guten Morgen, wie geht es Ihnen?", "de"),
        ("Der Zug nach Köln fährt heute nicht.", "de"),
        ("Bonjour, comment allez-vous ?", "fr"),
        ("Je ne sais pas où il est.", "fr"),
        ("Buenos días, ¿cómo está usted?", "es"),
        ("El tren no sale hoy.", "es"),
        ("Buongiorno, come sta?", "it"),
        ("Il treno non parte oggi.", "it"),
        ("Bom dia, como vai você?", "pt"),
        ("O trem não sai hoje.", "pt"),
        ("Ok.", None),
        ("Berlin 2024", None),
        ("", None),
    ],
)
def test_latin_languages(text: str, language: str | None):
    assert latin_language(text) == language


def test_an_open_language_is_that_of_each_segment():
    tongue = Tongue(None, everything)
    read = [tongue.of(text) for text in ("Hi!", "Guten Tag, wie geht es?", "Ok.", "你好。", "Ok.")]
    assert read == ["en", "de", "de", "zh", "de"]
    read = [tongue.of(text) for text in ("こんにちは世界", "გამარჯობა", "வணக்கம்")]
    assert read == ["ja", "ka", "ta"]


def test_what_no_voice_speaks_is_not_guessed():
    tongue = Tongue(None, {"en", "es"}.__contains__)
    assert tongue.of("Der Zug fährt heute nicht.") == "en"
    assert tongue.of("El tren no sale hoy.") == "es"


@pytest.mark.parametrize(
    ("declared", "text", "read"),
    [
        ("en", "El tren no sale hoy.", "en"),
        ("en", "今天天气很好。", "zh"),
        ("de", "Привет, мир", "ru"),
        ("de", "Das Wort 你好 heißt hallo.", "de"),
        ("ja", "東京大学", "ja"),
        ("zh", "Hello there", "zh"),
        ("ko", "大韓民國", "ko"),
        ("fr", "123", "fr"),
    ],
)
def test_a_declared_language_holds_for_what_it_can_read(declared: str, text: str, read: str):
    assert Tongue(declared, everything).of(text) == read


def test_a_declared_language_holds_where_no_voice_has_the_other():
    assert Tongue("en", {"en"}.__contains__).of("今天天气很好。") == "en"
