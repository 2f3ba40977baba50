"""Words and sentences to phonemes, with the installed lexica."""

from __future__ import annotations

import pytest

from dragoman.engines.shared.english.lexicon import PhonemeDictionary
from tests.engines.shared.english.tables import english, phonemes

pytestmark = pytest.mark.engine


def test_a_dictionary_finds_exact_spellings_and_the_first_table_wins() -> None:
    found = PhonemeDictionary({"b": "1", "é": "2"}, {"b": "3", "ab": "4", "c": {"DEFAULT": "5"}})
    assert [found.get(word) for word in ("b", "é", "ab", "a", "abc", "zz", "")] == [
        "1", "2", "4", None, None, None, None,
    ]  # fmt: skip
    assert found.get("c") == {"DEFAULT": "5"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("the apple, the pear", "ði ˈæpᵊl, ðə pˈɛɹ"),
        ("a pear and an apple", "ɐ pˈɛɹ ænd ɐn ˈæpᵊl"),
        ("to eat, to drink", "tʊ ˈit, tə dɹˈɪŋk"),
        ("the FBI", "ði ˌɛfbˌiˈI"),
        ("NASA", "nˈæsə"),
        ("the U.S. team", "ðə jˌuˈɛs tˈim"),
        ("plan B", "plˈæn bˈi"),
        ("dogs cats horses", "dˈɔɡz kˈæts hˈɔɹsᵻz"),
    ],
)
def test_sounds_depend_on_their_neighbours(text: str, said: str) -> None:
    assert phonemes(text) == said


@pytest.mark.parametrize(
    ("one", "other", "word"),
    [
        ("I will read it.", "She has read it.", "ɹˈid"),
        ("They live here.", "It was a live show.", "lˈɪv"),
        ("Please record it.", "A new record.", "ɹəkˈɔɹd"),
        ("Close the door.", "It is very close.", "klˈOz"),
        ("It is used daily.", "She used to sing.", "jˈuzd"),
        ("We object.", "An object.", "əbʤˈɛkt"),
    ],
)
def test_homographs_are_read_by_the_words_around(one: str, other: str, word: str) -> None:
    assert word in phonemes(one)
    assert word not in phonemes(other)


def test_inflected_and_joined_words_need_no_entry_of_their_own() -> None:
    assert phonemes("kilometers") == "kəlˈɑməTəɹz"
    assert phonemes("Beijing's") == f"{phonemes('Beijing')}z"
    assert phonemes("ChatGPT").endswith("ʤˌipˌitˈi")
    assert phonemes("café") == "kæfˈA"


def test_every_word_is_read_somehow() -> None:
    for word in ("Kubernetes", "Xylophonia", "Łódź", "Ωmega", "Москва", "brrt", "qqqq"):
        assert phonemes(word), word
    for text in ("", "?!", "漢字", "—", "..."):
        assert phonemes(text) == "", text


def test_sentences_end_where_they_do() -> None:
    text = "Mr. J. K. Smith came at 5 p.m. with the U.S. team. Then he left! Why? Nobody knows"
    assert len(list(english().of(text))) == 4


def test_text_in_capitals_is_read_as_words() -> None:
    assert phonemes("DO NOT OPEN THE DOOR").split()[-2:] == ["ðə", "dˈɔɹ"]
