"""Terms in recognised words: spelling, precision, and what is held back."""

from __future__ import annotations

import random
import time

import pytest

from dragoman.policy.glossary.asr_spelling import LONGEST_HOLD_MS, TermSpeller
from dragoman.policy.glossary.term_spelling import TermSpelling, spoken_language
from dragoman.policy.recognition.local_agreement import DecodePosition, LocalAgreement
from dragoman.speech import Hints, Hypothesis, Word, joined_text
from dragoman.text.ordinary_words import is_ordinary

KEYS = (
    "Kubernetes", "PyTorch", "ComfyUI", "transformer", "machine learning", "Kubeflow", "Claude",
    "US", "Redis", "Hansen", "Paxos", "node.js", "GPT-4", "Yahoo!", "C++", "Thessaloniki",
    "attention head", "Go", "state of the art",
)  # fmt: skip


def words(text: str, confidence: float | None = 0.5, step_ms: int | None = None) -> list[Word]:
    def at(place: int) -> int | None:
        return None if step_ms is None else place * step_ms

    return [Word(w, confidence, end_ms=at(n)) for n, w in enumerate(text.split(), 1)]


def spelled(text: str, confidence: float | None = 0.5, language: str | None = "en") -> str:
    result = TermSpeller(KEYS, language).respell(words(text, confidence))
    assert [h for one in result for h in one.recognised] == text.split()  # no word gets lost
    return joined_text([one.word for one in result])


@pytest.mark.parametrize(
    ("recognised", "spelling"),
    [
        ("We use Cooper Netties, and kubernetes.", "We use Kubernetes, and Kubernetes."),
        ("Kubernete's pods", "Kubernetes's pods"),
        ("in (Kubernetis)", "in (Kubernetes)"),
        ("comfy UI is", "ComfyUI is"),
        ("cube flow is", "Kubeflow is"),
        ("near Tessaloniki.", "near Thessaloniki."),
        ("node JS.", "node.js."),
        ("GPT 4,", "GPT-4,"),
        ("Machine learning", "Machine learning"),
        ("Yahoo! is", "Yahoo! is"),
    ],
)
def test_misrecognised_terms_get_their_spelling(recognised: str, spelling: str) -> None:
    assert spelled(recognised) == spelling


@pytest.mark.parametrize(
    "text",
    [
        "it transformed us and two transformers transform",
        "the cloud and the clod",
        "ready is the radish",
        "tell us to go on",
        "attention heads and attention, head",
        "Cooper, Netties",
        "his former boss",
        "the machine is learning",
        "see plus plus",
        "art of the state",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert spelled(text) == text


def test_a_word_of_high_confidence_stays() -> None:
    assert spelled("Hanson said", 0.95) == "Hanson said"
    assert spelled("Hanson said", 0.5) == "Hansen said"
    assert spelled("kubernetes", 0.99) == "Kubernetes"  # the same word, only spelled


def test_ordinary_words_are_joined_only_at_low_confidence() -> None:
    assert spelled("a pie torch model", 0.5) == "a PyTorch model"
    for confidence in (0.8, None):
        assert spelled("a pie torch model", confidence) == "a pie torch model"


def test_languages_without_a_word_list_are_only_respelled() -> None:
    assert spelled("los Cooper Netties de kubernetes", language="es").endswith("de Kubernetes")
    assert spelled("Hanson", language=None) == "Hanson"


def test_nothing_is_joined_across_a_pause() -> None:
    apart = [Word("Cooper", 0.5, 0, 400), Word("Netties", 0.5, 700, 1100)]
    assert len(TermSpeller(KEYS, "en").respell(apart)) == 2
    close = [Word("Cooper", 0.5, 0, 400), Word("Netties", 0.5, 420, 1100)]
    assert [s.word.text for s in TermSpeller(KEYS, "en").respell(close)] == ["Kubernetes"]


@pytest.mark.parametrize("seed", range(100))
def test_no_words_are_lost_whatever_the_keys(seed: int) -> None:
    chance = random.Random(seed)

    def some() -> str:
        return "".join(chance.choices("aeknrst.-'( é机", k=chance.randint(1, 8))).strip() or "k"

    speller = TermSpeller([some() for _ in range(50)], chance.choice(["en", "de", None]))
    heard = words(" ".join(some() for _ in range(12)), chance.random())
    result = speller.respell(heard)
    assert [h for one in result for h in one.recognised] == [word.text for word in heard]
    assert all(one.word.text and " " not in one.word.text for one in result)
    assert 0 <= speller.committable_count(heard, len(heard) - 1) <= len(heard)


def test_five_thousand_terms_are_fast() -> None:
    chance = random.Random(1)
    keys = ["".join(chance.choices("abcdefghiklmnoprstu", k=9)).title() for _ in range(5000)]
    speller = TermSpeller(keys, "en")
    heard = words("The zorblin quux fremmed over eleven tarnished gribbles near Lake Vostok today")
    began = time.process_time()  # CPU time: other programs of the machine do not count
    for _ in range(50):
        speller.respell(heard)
        speller.committable_count(heard, 11)
    assert time.process_time() - began < 0.25


# ---------------------------------------------------------------- holding back
@pytest.mark.parametrize(
    ("text", "count", "may"),
    [
        ("we use machine", 3, 2),
        ("we use machine lear", 3, 2),
        ("we use machine gun", 3, 3),
        ("we use machine learning", 4, 4),
        ("the state of the ar", 4, 1),
        ("the state of the onion", 4, 4),
        ("we use Cooper Ne", 3, 2),
        ("we use Cooper said", 3, 3),
        ("nothing of this kind", 4, 4),
    ],
)
def test_a_term_that_has_begun_is_held_back(text: str, count: int, may: int) -> None:
    assert TermSpeller(KEYS, "en").committable_count(words(text), count) == may


def test_no_term_is_held_back_for_long() -> None:
    speller = TermSpeller(KEYS, "en")
    assert speller.committable_count(words("we use machine lear", step_ms=300), 3) == 2
    assert (
        speller.committable_count(words("we use machine lear", step_ms=LONGEST_HOLD_MS + 1), 3) == 3
    )


# ---------------------------------------------------------------- agreement
def recognised(text: str) -> tuple[Word, ...]:
    return tuple(words(text, 0.8))


def agreement_with(hints: Hints) -> LocalAgreement:
    return LocalAgreement(0.0, TermSpelling(hints, "en"))


def said(agreement: LocalAgreement) -> str:
    return joined_text(agreement.committed)


def test_two_misrecognitions_of_a_term_agree() -> None:
    agreement = agreement_with(Hints({"Kubernetes": "x"}))
    agreement.update(Hypothesis(recognised("we use Kubernetis in")), DecodePosition.STEP)
    agreement.update(Hypothesis(recognised("we use Cooper Netties in all")), DecodePosition.STEP)
    assert said(agreement) == "we use Kubernetes"


def test_committed_words_are_not_respelled() -> None:
    agreement = agreement_with(Hints({"Kubernetes": "x"}))
    agreement.update(Hypothesis(recognised("we use Cooper")), DecodePosition.PAUSE)
    assert said(agreement) == "we use Cooper"
    agreement.update(Hypothesis(recognised("we use Cooper Netties now")), DecodePosition.END)
    assert said(agreement).startswith("we use Cooper")


def test_stable_words_do_not_cut_a_term() -> None:
    agreement = agreement_with(Hints({"machine learning": "x"}))
    agreement.update(Hypothesis(recognised("we use machine"), stable=3), DecodePosition.STEP)
    assert said(agreement) == "we use"
    agreement.update(
        Hypothesis(recognised("we use machine learning"), stable=4), DecodePosition.STEP
    )
    assert said(agreement) == "we use machine learning"


@pytest.mark.parametrize("seed", range(60))
def test_committed_text_only_grows(seed: int) -> None:
    chance = random.Random(seed)
    talk = "we use Cooper Netties Kubernetis machine learning state of the art node JS"
    vocabulary = talk.split()
    agreement = agreement_with(Hints(dict.fromkeys(KEYS, "x")))
    spoken: list[str] = []
    before = ""
    for step in range(30):
        spoken += chance.choices(vocabulary, k=chance.randint(0, 2))
        guess = spoken + chance.choices(vocabulary, k=chance.randint(0, 2))
        at = (
            DecodePosition.END
            if step == 29
            else chance.choice(
                [
                    DecodePosition.STEP,
                    DecodePosition.STEP,
                    DecodePosition.STEP,
                    DecodePosition.PAUSE,
                ]
            )
        )
        agreement.update(Hypothesis(recognised(" ".join(guess))), at)
        assert said(agreement).startswith(before.rstrip(".,"))
        before = said(agreement)


def test_new_terms_hold_from_then_on() -> None:
    agreement = agreement_with(Hints())
    agreement.update(Hypothesis(recognised("kubernetes it is")), DecodePosition.PAUSE)
    agreement.use_hints(Hints({"Kubernetes": "x"}))
    agreement.update(Hypothesis(recognised("kubernetes it is kubernetes")), DecodePosition.END)
    assert said(agreement) == "kubernetes it is Kubernetes"


# ---------------------------------------------------------------- languages
def test_ordinary_words_and_their_forms() -> None:
    assert is_ordinary("running", "en")
    assert is_ordinary("cities", "en")
    assert not is_ordinary("kubernetes", "en")


def test_the_language_of_the_speech_is_declared_or_the_only_one_of_the_engine() -> None:
    assert spoken_language("de", ("en",)) == "de"
    assert spoken_language(None, ("en",)) == "en"
    assert spoken_language(None, ("en", "de")) is None
    assert spoken_language(None, ("*",)) is None
