"""The glossary around translators: with Apertium itself, with engines that know one, with none."""

from __future__ import annotations

import pytest

from dragoman.engines.apertium.engine import STAND_INS, Apertium
from dragoman.engines.base import Info, Translation
from dragoman.engines.scripted.engines import ScriptedMt
from dragoman.runtime.cascade.glossary_steps import GlossarySteps
from dragoman.runtime.observer import TermMissed
from dragoman.speech import Hints, Interpret, Word
from tests.engines.installed import needs_apertium
from tests.runtime.cascade.fake_cascade import Events

PHRASES = {
    "Kubernetes": "Kubernetes", "machine learning": "qwerticismo", "transformer": "Transformón",
    "C++": "C++", "node.js": "Node.js", "AI": "IAx", "edge case": "borde (.*)", "Go": "Golang",
    "void": "",
}  # fmt: skip
SENTENCES = {
    "en": [
        "Kubernetes's interface is new.",
        "Machine learning is a hard problem.",
        "The transformers are big, and the AI is small.",
        "We wrote C++ and node.js with Go.",
        "An edge case of machine learning, and another edge case.",
        "He likes the transformer's house.",
    ],
    "es": ["El gran transformer usa Kubernetes.", "La casa de node.js y de AI.", "Un edge case."],
    "fr": ["Le grand transformer utilise Kubernetes.", "La maison de node.js et d'AI."],
    "it": ["Il grande transformer usa Kubernetes.", "La casa di node.js e di AI."],
    "pt": ["O grande transformer usa Kubernetes.", "A casa de node.js e de AI."],
    "ca": ["El gran transformer fa servir Kubernetes.", "La casa de node.js i d'AI."],
    "gl": ["O gran transformer usa Kubernetes.", "A casa de node.js e de AI."],
}


@pytest.fixture(scope="module")
def apertium():
    engine = Apertium(max_directions=12)
    engine.load()
    yield engine
    engine.close()


def request(text: str, source: str = "en", target: str = "es", **phrases: str) -> Translation:
    return Translation(text=text, source=source, target=target, hints=Hints(phrases or PHRASES))


@pytest.mark.engine
@needs_apertium
def test_every_term_arrives_in_every_direction(apertium: Apertium) -> None:
    events = Events()
    for (source, target), _ in sorted(apertium.routes.items()):
        for text in SENTENCES.get(source, ()):
            terms = GlossarySteps(events)
            asked = request(text, source, target)
            sent = terms.prepare_request(asked, apertium.info)
            answer = terms.restore_terms(asked, apertium.translate(sent))
            settings = Interpret(target=target, hints=asked.hints)
            terms.count_misses((text, answer), source, settings)
            assert not events.all, (source, target, text, sent.text, answer)
            assert not any(name in answer for name in STAND_INS), answer


@pytest.mark.engine
@needs_apertium
def test_the_sentence_around_a_term_keeps_its_grammar(apertium: Apertium) -> None:
    def said(text: str, target: str, **phrases: str) -> str:
        terms, asked = GlossarySteps(Events()), request(text, target=target, **phrases)
        return terms.restore_terms(
            asked, apertium.translate(terms.prepare_request(asked, apertium.info))
        )

    name = {"Kubernetes": "Kubernetes"}
    assert said("Kubernetes's interface is new.", "es", **name) == (
        "La interfaz de Kubernetes es nueva."
    )
    assert said("The interface of Amazon is new.", "ca", Amazon="Amazon") == (
        "La interfície d'Amazon és nova."
    ) or "d'Amazon" in said("The interface of Amazon is new.", "ca", Amazon="Amazon")
    assert said("kubernetes is new", "es", **name) == "Kubernetes es nuevo"


def test_an_engine_with_a_glossary_gets_the_entries_that_the_sentence_needs() -> None:
    terms, asked = GlossarySteps(Events()), request("The AI of the void")
    sent = terms.prepare_request(
        asked, Info(name="llm", role="mt", licence="", quality="good", takes_glossary=True)
    )
    assert sent.text == asked.text
    assert dict(sent.hints.phrases) == {"AI": "IAx"}
    assert ScriptedMt().translate(sent) == "The-es IAx of-es the-es void-es"
    assert terms.restore_terms(asked, "La AI del vacío") == "La IAx del vacío"


def test_an_engine_without_a_glossary_gets_placeholders() -> None:
    plain = Info(name="plain", role="mt", licence="", quality="gist")
    terms, asked = GlossarySteps(Events()), request("The AI and Kubernetes of the void")
    sent = terms.prepare_request(asked, plain)
    assert "AI" not in sent.text
    assert "Kubernetes" not in sent.text
    assert not sent.hints.phrases
    assert terms.restore_terms(asked, sent.text) == "The IAx and Kubernetes of the void"


def test_without_terms_nothing_changes() -> None:
    terms = GlossarySteps(Events())
    asked = Translation(text="The AI", source="en", target="es")
    assert terms.prepare_request(asked, Apertium(root="/nowhere").info) is asked
    assert terms.restore_terms(asked, "La AI") == "La AI"
    assert terms.must_not_cut(Interpret(target="es")) is None


def test_the_observer_is_told_of_a_miss_without_the_text() -> None:
    events = Events()
    settings = Interpret(target="es", hints=Hints({"secret plan": "plan"}))
    steps = GlossarySteps(events)
    steps.count_misses(("A secret plan.", "Un esquema."), "en", settings)
    steps.count_misses(("A secret plan.", "Un plan."), "en", settings)
    assert events.all == [TermMissed(len("secret plan"))]


def test_english_numbers_in_words_are_not_cut_apart() -> None:
    terms = GlossarySteps(Events())
    words = [Word(word) for word in ["We", "sold", "four", "hundred", "and", "eight", "books"]]
    for together in (
        terms.must_not_cut(Interpret(target="es"), "en-GB"),
        terms.must_not_cut(Interpret(target="es", hints=Hints(phrases={"sold": "x"})), "en"),
    ):
        assert together is not None
        inside = [end for end in range(1, 8) if together(words, end)]
        assert inside == [3, 4, 5]
        assert together(words[:4], 4), "it may go on"
    assert terms.must_not_cut(Interpret(target="es"), "fr") is None
