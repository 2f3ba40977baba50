"""What is taken off a model's answer, and what is not."""

import pytest

from dragoman.engines.openai_chat.answers import NoTranslation, cleaned


@pytest.mark.parametrize(
    ("source", "answer", "expected"),
    [
        ("Good morning.", "Buenos días.", "Buenos días."),
        ("Good morning.", " \n Buenos días. \n", "Buenos días."),
        ("Good morning.", '"Buenos días."', "Buenos días."),
        ("Good morning.", "«Buenos días.»", "Buenos días."),
        ("Good morning.", "Translation: Buenos días.", "Buenos días."),
        ("Good morning.", "**Translation:** Buenos días.", "Buenos días."),
        ("Good morning.", "Spanish translation: Buenos días.", "Buenos días."),
        ("Good morning.", "Spanish: Buenos días.", "Buenos días."),
        ("Good morning.", "Here is the Spanish translation:\n\nBuenos días.", "Buenos días."),
        ("Good morning.", "Traducción:\n«Buenos días.»", "Buenos días."),
        ("Good morning.", "<think>\nSpanish, so\n\n</think>\n\nBuenos días.", "Buenos días."),
        ("Good morning.", "they want Spanish</think>Buenos días.", "Buenos días."),
        ("Good morning.", "Buenos días.\n\nNote: this is formal.", "Buenos días."),
        ("Good morning.", "Buenos días.\nNote: this is formal.", "Buenos días."),
        ("Good morning.", "Buenos días. (Note: formal)", "Buenos días."),
        ("Good morning.", "Good morning.\nBuenos días.", "Buenos días."),
        ("Good morning.", "Good morning. -> Buenos días.", "Buenos días."),
        ("Good morning.", "Buenos días.<|im_end|>\n<|im_start|>user", "Buenos días."),
        ("Good morning.", "Buenos días.<end_of_turn>", "Buenos días."),
        ("Good morning.", "Buenos\x1b]0;x\x07días.\x00", "Buenos ]0;x días."),
        ("How are you?", "Comment\u00a0va\u202f?", "Comment\u00a0va\u202f?"),
        ("Good morning and", "Buenos días y.", "Buenos días y"),
        ("The first line and the second.", "La primera línea\ny la segunda.",
         "La primera línea y la segunda."),
        # What a speaker may have said stays.
        ('"Enough," he said', '"Basta", dijo', '"Basta", dijo'),
        ("He said enough", "dijo «basta»", "dijo «basta»"),
        ("Translation: a hard craft", "Traducción: un oficio duro", "Traducción: un oficio duro"),
        ("Spanish: hola", "Español: hola", "Español: hola"),
        ("Hello: you", "Translation: hola", "Translation: hola"),
        ("We (note: all of us) go", "Nosotros (nota: todos) vamos", "Nosotros (nota: todos) vamos"),
        ("OK", "OK", "OK"),
        ("Nasa", "Nasa", "Nasa"),
        ("The U.S.", "EE. UU.", "EE. UU."),
        ("a < b", "a < b", "a < b"),
        ("Rock 'n' roll", "'Rock 'n' roll'", "'Rock 'n' roll'"),
    ],
)  # fmt: skip
def test_cleaned(source: str, answer: str, expected: str) -> None:
    assert cleaned(answer, source, "es") == expected


def test_into_chinese_and_english() -> None:
    assert cleaned("译文：早上好。", "Good morning.", "zh") == "早上好。"
    assert cleaned("「早上好。」", "Good morning.", "zh") == "早上好。"
    assert cleaned("I'm sorry, I can't help you.", "Lo siento, no puedo ayudarle.", "en") == (
        "I'm sorry, I can't help you."
    )


@pytest.mark.parametrize(
    ("answer", "target"),
    [
        ("", "es"),
        ("  \n", "es"),
        ("<think>still thinking", "es"),
        ("Translation:", "es"),
        ("I'm sorry, but I can't assist with that.", "es"),
        ("I cannot translate this text.", "zh"),
        ("As an AI language model, I cannot translate this.", "en"),
    ],
)
def test_what_is_no_translation_fails(answer: str, target: str) -> None:
    with pytest.raises(NoTranslation):
        cleaned(answer, "Kill the process", target)
