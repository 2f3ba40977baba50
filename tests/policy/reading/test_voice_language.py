"""Which language a segment is read in."""

import pytest

from dragoman.policy.reading.voice_language import VoiceLanguage
from dragoman.text.latin_language import latin_language
from tests.policy.segmentation.language_sentences import HELD_OUT, SENTENCES


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


CASES = [(text, language) for language, texts in SENTENCES.items() for text in texts]


@pytest.mark.parametrize(("text", "language"), CASES, ids=[text for text, _ in CASES])
def test_the_first_sentence_of_an_open_text(text: str, language: str):
    assert VoiceLanguage(None, everything).of(text) == language


def test_held_out_sentences():
    found = {
        text: VoiceLanguage(None, everything).of(text) == language
        for language, texts in HELD_OUT.items()
        for text in texts
    }
    assert sum(found.values()) >= 0.9 * len(found), [t for t, right in found.items() if not right]
    english = {text: found[text] for text in HELD_OUT["en"]}
    assert all(english.values()), "English is never taken for another language"


def test_a_text_of_unknown_language_keeps_its_voice():
    tongue = VoiceLanguage(None, everything)
    texts = ("Ich komme morgen.", "Okay.", "Berlin 2024", "12:30", "Hunde bellen laut.")
    assert [tongue.of(text) for text in texts] == ["de"] * len(texts)


@pytest.mark.parametrize(
    ("texts", "languages"),
    [
        (("今天是", "2024", "年。"), ("zh", "zh", "zh")),
        (("123",), ("en",)),
        (("Привет!", "15:30"), ("ru", "ru")),
        (("こんにちは。", "東京大学", "2024"), ("ja", "ja", "ja")),
        (("こんにちは。", "我们去吃饭吧。"), ("ja", "zh")),
        (("我们在优の良品买东西。",), ("zh",)),
        (("駅前", "図書館"), ("ja", "ja")),
        (("我在东京駅前等你们。",), ("zh",)),
        (("The word 你好 means hello.",), ("zh",)),  # whose voice reads the English as well
        (("The angle α is 30 degrees in this drawing.",), ("en",)),
        (("😀👍",), ("en",)),
        (("Hallo, wie geht es dir?", "你好。", "OK,"), ("de", "zh", "de")),
        (("二〇二四年", "Ａ組"), ("zh", "zh")),
    ],
)
def test_numbers_and_mixed_scripts(texts: tuple[str, ...], languages: tuple[str, ...]):
    tongue = VoiceLanguage(None, everything)
    assert tuple(tongue.of(text) for text in texts) == languages


def test_an_open_language_is_that_of_each_segment():
    tongue = VoiceLanguage(None, everything)
    read = [tongue.of(text) for text in ("Hi!", "Guten Tag, wie geht es?", "Ok.", "你好。", "Ok.")]
    assert read == ["en", "de", "de", "zh", "de"]
    read = [tongue.of(text) for text in ("こんにちは世界", "გამარჯობა", "வணக்கம்")]
    assert read == ["ja", "ka", "ta"]


def test_a_language_without_a_voice_is_not_guessed():
    tongue = VoiceLanguage(None, {"en", "es"}.__contains__)
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
def test_a_declared_language_holds_for_its_scripts(declared: str, text: str, read: str):
    assert VoiceLanguage(declared, everything).of(text) == read


def test_a_declared_language_holds_where_no_voice_has_the_other():
    assert VoiceLanguage("en", {"en"}.__contains__).of("今天天气很好。") == "en"
