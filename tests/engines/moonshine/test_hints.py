"""Glossary bias with backtracking, and which hints are used."""

from __future__ import annotations

import random
import time

import numpy as np
import pytest

from dragoman.engines.base import EngineUnavailable, Window
from dragoman.engines.moonshine.engine import Moonshine
from dragoman.engines.moonshine.glossary_bias import (
    MOST_UNDONE,
    BiasTrial,
    PhraseBias,
    PhraseTree,
)
from dragoman.engines.moonshine.hints import named_in, rarity, usable_hints
from dragoman.engines.moonshine.phonetic_match import FARTHEST
from dragoman.engines.moonshine.tokenizer import Tokenizer
from dragoman.speech import Hints, joined_text
from dragoman.text.similarity import sound_distance, sound_key, sounds_farther
from tests.engines.flite_speech import flite_pcm

pytestmark = pytest.mark.engine

TERMS = ("Kubernetes", "Zebrafish", "Reykjavik", "oscilloscope", "Thessaloniki", "edge case")
SENTENCES = (
    "We deploy everything on Kubernetes in Reykjavik.",
    "The zebrafish is under the oscilloscope.",
    "An edge case was found in Thessaloniki.",
)


@pytest.fixture(scope="module")
def engine():
    engine = Moonshine()
    try:
        engine.load()
    except EngineUnavailable as reason:
        pytest.skip(str(reason))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def tokens(engine: Moonshine) -> Tokenizer:
    return engine._opened.tokens


@pytest.fixture(scope="module")
def spoken():
    said = {}
    for voice in ("Cherry", "Ethan", "Kai"):
        for text in SENTENCES:
            said[voice, text] = (np.frombuffer(flite_pcm(text, voice), np.int16) / 32_768).astype(
                np.float32
            )
    return said


# ---------------------------------------------------------------- the bias
def decoded(own: list[tuple[int, float]], phrases: list[list[int]]) -> list[int]:
    """Greedy decoding of a model that prefers each of these tokens by a margin. A phrase gains 2.5
    for its first token and 3.75 for each that follows. A token of 100 and more continues the word
    before it.
    """
    trial: BiasTrial[int] = BiasTrial(PhraseBias(PhraseTree(phrases), 2.5))
    ids: list[int] = []
    while len(ids) < len(own):
        token, lead = own[len(ids)]
        logits = np.zeros(200, np.float32)
        logits[token] = lead
        token = trial.choose(logits, token, len(ids))
        undone = trial.undo(token, starts_word=token < 100)
        if undone is not None:
            count, token = undone
            del ids[count:]
        ids.append(token)
    return ids


def test_a_complete_phrase_is_kept() -> None:
    assert decoded([(1, 3.0), (120, 3.0), (4, 3.0)], [[1, 121]]) == [1, 121, 4]


def test_an_incomplete_phrase_is_undone() -> None:
    own = [(1, 3.0), (120, 3.0), (122, 9.0), (4, 3.0)]
    assert decoded(own, [[1, 121, 123]]) == [1, 120, 122, 4]
    assert decoded(own, [[1, 121, 122]]) == [1, 121, 122, 4]


def test_a_phrase_inside_a_longer_word_does_not_count() -> None:
    trial: BiasTrial[int] = BiasTrial(PhraseBias(PhraseTree([[2, 121]]), 4.0))
    backs = []
    for step, (own, lead) in enumerate(((1, 3.0), (9, 1.0), (130, 30.0))):  # "Redis" + "cover"
        logits = np.zeros(200, np.float32)
        logits[own] = lead
        token = trial.choose(logits, own, step)
        backs.append(trial.undo(token, starts_word=token < 100))
    assert backs == [None, None, (0, 1)]


def test_after_too_many_undone_phrases_the_bias_is_off() -> None:
    trial: BiasTrial[int] = BiasTrial(PhraseBias(PhraseTree([[2, 121]]), 4.0))
    backs = 0
    for step in range(60):
        logits = np.zeros(200, np.float32)
        own = 1 if step % 2 == 0 else 5
        logits[own] = 3.0 if step % 2 == 0 else 30.0
        backs += trial.undo(trial.choose(logits, own, step), starts_word=True) is not None
    assert backs == MOST_UNDONE


# ---------------------------------------------------------------- the hints
def test_rare_words_are_biased_before_those_in_the_vocabulary(tokens: Tokenizer) -> None:
    phrases = dict.fromkeys(["machine", "the house", "Wojciechowski"], "")
    found = usable_hints(tokens, Hints(phrases), most=1)
    assert found.phrases is not None
    assert set(found.phrases.first) == {tokens.encode("Wojciechowski")[0]}
    assert rarity(tokens, "the house") == 1


def test_lower_case_terms_are_also_biased_with_a_capital(tokens: Tokenizer) -> None:
    found = usable_hints(tokens, Hints({"oscilloscope": ""}), most=10)
    assert found.phrases is not None
    assert {tokens.encode(w)[0] for w in ("oscilloscope", "Oscilloscope")} == set(
        found.phrases.first
    )


def test_names_and_unusual_words_of_a_context() -> None:
    text = "Today Ngozi Okonkwo speaks. The GPU and ComfyUI, in Reykjavik; It was 1984 in GPT-4."
    assert named_in(text) == ["Ngozi Okonkwo", "GPU", "ComfyUI", "Reykjavik", "GPT-4"]
    assert named_in("") == named_in("nothing here.\nWords begin. Sentences too!") == []


def test_a_context_gives_names_and_no_bias(tokens: Tokenizer) -> None:
    found = usable_hints(tokens, Hints(context="We met Wojciechowski."), most=10)
    assert found.phrases is None
    assert "Wojciechowski" in found.names


def test_a_thousand_terms_cost_next_to_nothing_once_cached(tokens: Tokenizer) -> None:
    hints = Hints({f"Zorbl{n:x} qux{n}": "" for n in range(1000)})
    first = usable_hints(tokens, hints, most=1000)
    began = time.process_time()
    assert usable_hints(tokens, hints, most=1000) is first
    bias = PhraseBias(first.phrases, 2.5) if first.phrases else None
    assert bias is not None
    logits = np.zeros(40_000, np.float32)
    for token in tokens.encode("the quick brown Zorbl1 fox"):
        bias.apply(logits)
        bias.follow(token)
    assert time.process_time() - began < 0.05


def test_the_quick_distance_check_skips_only_names_that_are_too_far() -> None:
    chance = random.Random(2)
    passed = 0
    for _ in range(3000):
        word = chance.choices("abcdefghiklmnoprstuvwyz", k=chance.randint(3, 9))
        other = [c if chance.random() < 0.7 else chance.choice("abdeklmnorst") for c in word]
        one, two = (sound_key("".join(letters)) for letters in (word, other))
        if sounds_farther(one, two, FARTHEST):
            passed += 1
            assert sound_distance(one, two) > FARTHEST
    assert passed > 500


# ---------------------------------------------------------------- on sound
def recall(engine: Moonshine, spoken, hints: Hints) -> int:
    heard = 0
    for (_, text), samples in spoken.items():
        words = engine.transcribe([Window(samples.tobytes(), "en", hints)])[0].words
        said = joined_text(words).lower()
        heard += sum(term.lower() in said for term in TERMS if term.lower() in text.lower())
    return heard


def test_more_terms_are_recognised_with_a_glossary_even_among_a_thousand(engine, spoken) -> None:
    others = {f"Name{n} {chr(97 + n % 26)}ox": "" for n in range(994)}
    plain = recall(engine, spoken, Hints())
    few = recall(engine, spoken, Hints(dict.fromkeys(TERMS, "")))
    many = recall(engine, spoken, Hints({**others, **dict.fromkeys(TERMS, "")}))
    assert few > plain + 2
    assert many > plain + 2
