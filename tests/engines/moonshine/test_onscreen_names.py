"""Names on slides: those that were said are spelled as on the slide, others never appear."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from dragoman.engines.base import EngineUnavailable, Samples, Window
from dragoman.engines.moonshine.engine import Moonshine
from dragoman.engines.moonshine.onscreen_names import ScoredIds, apply_names, shown_names
from dragoman.engines.moonshine.phonetic_match import FARTHEST, find_matches, split_marks
from dragoman.engines.moonshine.tokenizer import Tokenizer
from dragoman.speech import Hints, joined_text
from dragoman.text.similarity import sound_distance, sound_key
from tests.engines.flite_speech import flite_pcm

pytestmark = pytest.mark.engine

SAID = {
    "The protein was described by Kowalczyk in the second paper.": "Kowalczyk",
    "Our partner is the company Veltrano in Milan.": "Veltrano",
    "I would like to thank Professor Achterberg for the slides.": "Achterberg",
    "We are joined today by Doctor Szymborska from the institute.": "Szymborska",
    "Its successor, Brandywell, was built in Leeds.": "Brandywell",
    "Then Giuseppe Lombardi sang for an hour.": "Lombardi",
    "The company met in Paris and the leaders went home.": "",
    "It was a grey fan of the charts that he bought.": "",
}
NOT_SAID = (
    "Quillfeather", "Hartigan", "Bexley", "Haversham", "Zielonka", "Moriarty", "Thornbury",
    "Grafana", "Leder", "Parrish", "Verhoeven", "Neuschwanstein", "Okonkwo", "Hinxton", "Dashwood",
    "Kowalewski", "Voltaire", "Ashenberg", "Brandenburg", "Simonsson", "Institoris", "Lombok",
)  # fmt: skip


@pytest.fixture(scope="module")
def engine() -> Iterator[Moonshine]:
    engine = Moonshine()
    try:
        engine.load()
    except EngineUnavailable as reason:
        pytest.skip(str(reason))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def spoken() -> dict[str, Samples]:
    """The sentences in a voice that is the same every time."""
    return {text: np.frombuffer(flite_pcm(text), "<i2").astype(np.float32) / 32768 for text in SAID}


def heard(engine: Moonshine, samples: Samples, *shown: str, prefix: str = "") -> str:
    window = Window(samples.tobytes(), "en", Hints(onscreen=shown), prefix)
    return joined_text(engine.transcribe([window])[0].words)


def test_names_that_were_said_come_out_as_they_are_shown(
    engine: Moonshine, spoken: dict[str, Samples]
) -> None:
    without = with_slide = said = 0
    for text, name in SAID.items():
        if name:
            said += 1
            without += name in heard(engine, spoken[text])
            with_slide += name in heard(engine, spoken[text], name, *NOT_SAID[:8])
    assert with_slide >= without + said // 3, f"{without} without, {with_slide} with, of {said}"


def test_names_that_were_not_said_change_nothing(
    engine: Moonshine, spoken: dict[str, Samples]
) -> None:
    for samples in spoken.values():
        assert heard(engine, samples, *NOT_SAID) == heard(engine, samples)


def test_committed_words_stay_as_they_are(engine: Moonshine, spoken: dict[str, Samples]) -> None:
    samples = spoken["Then Giuseppe Lombardi sang for an hour."]
    prefix = "Then Giuseppe Lonbarti"
    assert heard(engine, samples, "Lombardi", prefix=prefix).startswith(prefix)


def test_silence_and_noise_give_no_names(engine: Moonshine) -> None:
    hiss = np.random.default_rng(1).normal(0, 0.01, 32_000).astype(np.float32)
    for samples in (np.zeros(16_000, np.float32), hiss):
        assert heard(engine, samples, *NOT_SAID) == heard(engine, samples)


# ---------------------------------------------------------------- without a model
def test_only_words_that_the_vocabulary_lacks_are_names(engine: Moonshine) -> None:
    tokens = engine._opened.tokens
    found = shown_names(tokens, ["Today", "John Dashwood", "Gutenberg Bible", "Paris"])
    assert "Dashwood" in found
    assert "John Dashwood" in found
    assert not {"Today", "John", "Bible", "Paris"} & set(found)


@pytest.mark.parametrize(
    ("name", "margin", "taken"), [("Veltrano", 4.0, True), ("Veltrano", 6.0, False)]
)
def test_the_score_of_the_audio_decides(
    engine: Moonshine, name: str, margin: float, taken: bool
) -> None:
    tokens: Tokenizer = engine._opened.tokens
    ids = tokens.encode("We met Veltrona in Milan.")
    guess = ScoredIds(ids, [-0.9] * len(ids) + [-0.1], forced=0)

    def score(other: list[int]) -> list[float]:
        place = len(other) // 2
        scores = [-0.9] * len(other) + [-0.1]
        scores[place] -= margin + 0.9 * (len(ids) - len(other))
        return scores

    text = " ".join(word for word, _ in tokens.words(apply_names(tokens, guess, [name], score)[0]))
    assert text == f"We met {'Veltrano' if taken else 'Veltrona'} in Milan."


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        ("BrandyWell", "We saw BrandyWell's house."),  # a spelling of the same letters
        ("Brandywell", "We saw brandywell's house."),  # a line began with it, maybe: not sure
    ],
)
def test_capitals_inside_a_word_are_how_it_is_spelt(
    engine: Moonshine, shown: str, text: str
) -> None:
    tokens = engine._opened.tokens
    ids = tokens.encode("We saw brandywell's house.")
    guess = ScoredIds(ids, [-0.01] * (len(ids) + 1), forced=0)
    ids, _ = apply_names(tokens, guess, [shown], lambda other: [-3.0] * (len(other) + 1))
    assert " ".join(word for word, _ in tokens.words(ids)) == text


@pytest.mark.parametrize(
    ("one", "other", "close"),
    [
        ("Shimborska", "Szymborska", True),
        ("Brandy Well", "Brandywell", True),
        ("Kowalchik", "Kowalczyk", True),
        ("quality", "Quilter", False),
        ("Gray", "Grafana", False),
        ("", "Kim", False),
    ],
)
def test_matches_are_by_sound(one: str, other: str, close: bool) -> None:
    far = sound_distance(sound_key(one), sound_key(other))
    assert (far <= FARTHEST) == close
    assert sound_distance(sound_key(other), sound_key(one)) == pytest.approx(far)
    assert 0.0 <= far <= 1.0


def test_matches_do_not_cross_punctuation_and_keep_it() -> None:
    words = ["We,", "El", "Trano's", "friends,", "like", "Brandy.", "Well,", "yes."]
    found = {
        (one.begin, one.end, one.name) for one in find_matches(words, ["Eltrano", "Brandywell"])
    }
    assert (1, 3, "Eltrano") in found
    assert not [one for one in found if one[2] == "Brandywell"]
    assert split_marks("Trano's,") == ("Trano", "'s,")
    assert split_marks("yes.") == ("yes", ".")
    assert find_matches(words, ["Yes", "El"]) == [], "too short"
    assert find_matches(words, ["Eltrano"], first=2) == []
