"""Terms of a glossary in texts: where they are, placeholders, and missing terms."""

from __future__ import annotations

import random

import pytest

from dragoman.policy.glossary.mt_placeholders import (
    TermPlaceholders,
    missing_terms,
    with_lost_terms,
    with_terms,
)
from dragoman.policy.glossary.terms import Glossary, glossary
from dragoman.policy.translation.clause_units import ClauseUnits
from dragoman.speech import Word
from dragoman.text.continuation import continuation


def found(text: str, *keys: str, language: str = "en") -> list[str]:
    return [
        text[m.begin : m.end] for m in Glossary(dict.fromkeys(keys, "x"), language).matches(text)
    ]


# ---------------------------------------------------------------- finding
@pytest.mark.parametrize(
    ("text", "keys", "expected"),
    [
        ("The Kubernetes cluster", ["kubernetes"], ["Kubernetes"]),
        ("relearning machines", ["learning", "machine learning"], []),
        ("machine learning rate", ["machine learning", "learning rate", "rate"],
         ["machine learning", "rate"]),
        ("deep machine learning", ["machine learning", "deep machine learning"],
         ["deep machine learning"]),
        ("Machine-learning models", ["machine learning"], ["Machine-learning"]),
        ("a C++ class, not C", ["C++", "C"], ["C++", "C"]),
        ("node.js and node.", ["node"], ["node"]),
        ("We use node.js.", ["node.js"], ["node.js"]),
        ("AT&T calls at noon", ["AT&T"], ["AT&T"]),
        ("don't", ["don", "t"], []),
        ("Don't ask O'Brien", ["Brien"], []),
        ("l'API d'Anne", ["API"], ["API"]),
        ("Ask us in the US", ["US"], ["US"]),
        ("It may, in May", ["May"], ["May"]),
        ("two transformers", ["transformer"], ["transformers"]),
        ("the transformer's heads", ["transformer"], ["transformer"]),
        ("some news", ["new"], []),
        ("windows and a window", ["window", "windows"], ["windows", "window"]),
        ("GPT 4 and GPT-4", ["GPT-4"], ["GPT 4", "GPT-4"]),
        ("at 3:30", ["3"], []),
        ("1,000 reasons", ["1"], []),
        (r"a (b|c)* d", [r"(b|c)*"], ["(b|c)*"]),
        ("costs $5.", ["$5"], ["$5"]),
    ],
)  # fmt: skip
def test_where_terms_are(text: str, keys: list[str], expected: list[str]) -> None:
    assert found(text, *keys) == expected


@pytest.mark.parametrize(
    ("text", "keys", "expected"),
    [
        ("我们用机器学习做翻译", ["机器学习", "学习"], ["机器学习"]),
        ("我们 学习", ["学习"], ["学习"]),
        ("コンテストのテスト", ["テスト"], ["テスト"]),
        ("쿠버네티스는 사과나무", ["쿠버네티스", "사과"], ["쿠버네티스는"]),
        ("हिन्दी में", ["हि"], []),
        ("ระบบคลาวด์", ["คลาวด์"], ["คลาวด์"]),
    ],
)
def test_scripts_without_spaces_and_with_marks(text, keys, expected) -> None:
    assert found(text, *keys, language="") == expected


def test_the_spelling_that_was_said_is_preferred() -> None:
    both = Glossary({"Rust": "Rust", "rust": "óxido"}, "en")
    assert [m.term.value for m in both.matches("rust and Rust")] == ["óxido", "Rust"]


def test_a_glossary_is_cached() -> None:
    assert glossary({"a b": "c"}, "en") is glossary({"a b": "c"}, "en")


# ---------------------------------------------------------------- placeholders
CHARS = [
    "a",
    "B",
    "ö",
    "机",
    "テ",
    "쿠",
    "+",
    ".",
    "*",
    "(",
    ")",
    "[",
    "\\",
    "^",
    "$",
    "|",
    "'",
    "-",
]
NAMES = ("Robert", "Alan", "Gilbert")


def some_text(chance: random.Random, most: int) -> str:
    words = (
        "".join(chance.choices(CHARS, k=chance.randint(1, 4)))
        for _ in range(chance.randint(1, most))
    )
    return " ".join(words)


@pytest.mark.parametrize("seed", range(300))
def test_every_placeholder_is_replaced_and_none_leaks(seed: int) -> None:
    chance = random.Random(seed)
    phrases = {
        some_text(chance, 2): chance.choice(["", " ", "Robert", "Xqbux", some_text(chance, 3)])
        for _ in range(chance.randint(1, 30))
    }
    phrases |= {key: key for key in list(phrases)[:3]}  # identity
    text = " ".join(
        [some_text(chance, 3), *chance.choices(list(phrases), k=4), some_text(chance, 2)]
    )
    stand_ins = chance.choice([(), NAMES])
    known = Glossary(phrases, "en")
    slots = TermPlaceholders(text, known, stand_ins)
    # An engine that leaves everything as it is: what comes back has each term's value.
    restored = slots.restored(slots.text)
    expected, at = "", 0
    for match in slots.matches:
        expected += text[at : match.begin] + match.term.value
        at = match.end
    expected += text[at:]
    assert "".join(restored.casefold().split()) == "".join(expected.casefold().split())
    for name in slots._names.values():
        assert name not in text
        assert slots.text.count(name) >= 1


def test_placeholders_come_back_in_any_case_and_with_an_ending() -> None:
    slots = TermPlaceholders("We use Kubernetes.", Glossary({"Kubernetes": "K8s"}, "en"), NAMES)
    assert slots.text == "We use Robert."
    assert slots.restored("usamos robert") == "usamos K8s"
    assert slots.restored("ROBERTs и Roberto.") == "K8s и K8s."
    assert slots.restored("用Robert做") == "用K8s做"
    assert slots.restored("Robertson") == "K8s"
    assert slots.restored("Robertsonian") == "Robertsonian"


def test_a_name_that_is_in_the_text_is_no_placeholder() -> None:
    slots = TermPlaceholders(
        "Robert likes Kubernetes", Glossary({"Kubernetes": "K8s"}, "en"), NAMES
    )
    assert slots.text == "Robert likes Gilbert"
    assert slots.restored("A Robert le gusta Gilbert") == "A Robert le gusta K8s"


def test_a_placeholder_begins_with_a_vowel_like_its_term() -> None:
    terms = Glossary({"AI": "IA", "Kubernetes": "Kubernetes"}, "en")
    assert TermPlaceholders("the AI of Kubernetes", terms, NAMES).text == "the Alan of Robert"


def test_there_may_be_more_terms_than_names() -> None:
    phrases = {f"term{n}": f"value{n}" for n in range(40)}
    slots = TermPlaceholders(" ".join(phrases), Glossary(phrases), NAMES)
    assert slots.restored(slots.text) == " ".join(phrases.values())


def test_a_term_gets_its_capital_at_the_beginning_only() -> None:
    terms = Glossary({"machine learning": "aprendizaje", "ios": "iOS"}, "en")
    begin = TermPlaceholders("Machine learning is hard", terms, NAMES)
    assert begin.restored("Alan es difícil") == "Aprendizaje es difícil"
    assert begin.restored("Es difícil el Alan") == "Es difícil el aprendizaje"
    brand = TermPlaceholders("Ios is new", terms, NAMES)
    assert brand.restored(brand.text) == "iOS is new"


def test_committed_text_gets_the_same_placeholders() -> None:
    slots = TermPlaceholders("Kubernetes is fast", Glossary({"Kubernetes": "K8s"}, "en"), NAMES)
    assert slots.hidden("K8s es") == "Robert es"
    assert slots.restored(slots.hidden("K8s es")) == "K8s es"


# ---------------------------------------------------------------- mending
def test_a_term_left_in_the_source_language_is_replaced() -> None:
    terms = Glossary({"edge case": "caso límite"}, "en")
    assert with_terms("An edge case.", "Un edge case.", terms) == "Un caso límite."
    assert with_terms("Two edge cases.", "Dos edge cases.", terms) == "Dos caso límite."
    assert with_terms("Edge cases win", "Edge cases ganan", terms) == "Caso límite ganan"


def test_a_correct_translation_is_left_alone() -> None:
    terms = Glossary({"edge case": "caso límite", "Kubernetes": "Kubernetes", "void": ""}, "en")
    for right in ("Un caso límite en kubernetes.", "Los Casos límites: caso límites, Kubernetes"):
        assert with_terms("An edge case in Kubernetes: void", right, terms) == right


def test_a_missing_term_is_reported_once() -> None:
    terms = Glossary({"edge case": "caso límite"}, "en")
    text = "An edge case is an edge case."
    assert with_terms(text, "Un borde.", terms) == "Un borde."
    assert [m.term.key for m in missing_terms(text, "Un borde.", terms)] == ["edge case"]


def test_no_term_gets_lost_behind_committed_text() -> None:
    terms = Glossary({"differs": "difiere", "edge case": "caso límite"}, "en")
    text, done = "we are concerned differs from", "somos actualmente concernió"
    moved = "somos difiere concernido actualmente de más"
    assert with_lost_terms(text, moved, done, terms) == "somos actualmente concernió difiere de más"
    assert continuation(with_lost_terms(text, moved, done, terms), done) == " difiere de más"
    same = "somos actualmente concernió difiere de"
    assert with_lost_terms(text, same, done, terms) == same
    assert with_lost_terms(text, "somos algo", done, terms) == "somos algo"  # it was never there
    assert with_lost_terms(text, moved, "", terms) == moved


# ---------------------------------------------------------------- units
def cuts(text: str, *, paused: bool = False, final: bool = False, tail: str = "") -> list[str]:
    terms = Glossary({"machine learning": "x", "state of the art": "y"}, "en")
    units = ClauseUnits("en", together=terms.is_inside)
    words, more = ([Word(w) for w in t.split()] for t in (text, tail))
    return [unit.source for unit in units.update(words, more, paused=paused, final=final)]


def test_no_unit_ends_inside_a_term() -> None:
    start = "we were told all about how the very big new machine"
    assert cuts(start + " gun is")[0].endswith("machine gun")
    assert cuts("we " + start + " learning is")[0].endswith("machine learning")
    assert cuts(start, paused=True) == [start.removesuffix(" machine")]
    assert cuts("this is the state of the", paused=True) == []
    assert cuts("this is surely the state of the", paused=True) == ["this is surely the"]
    assert cuts("this is the state of", final=True) == ["this is the state of"]
