"""The glossary around translators: with Apertium itself, with engines that know one, with none."""

from __future__ import annotations

import logging

import pytest

from dragoman.engines.apertium.engine import STAND_INS, Apertium
from dragoman.engines.base import Info, Translation
from dragoman.engines.scripted.engines import ScriptedMt
from dragoman.runtime.cascade.glossary_steps import MISS, GlossarySteps
from dragoman.speech import Hints, Interpret
from tests.engines.installed import needs_apertium

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
    misses: list[str] = []
    for (source, target), _ in sorted(apertium.routes.items()):
        for text in SENTENCES.get(source, ()):
            terms = GlossarySteps(misses.append)
            asked = request(text, source, target)
            sent = terms.before(asked, apertium.info)
            answer = terms.after(asked, apertium.translate(sent), commits=True)
            settings = Interpret(target=target, hints=asked.hints)
            terms.closed((text, answer), source, settings)
            assert not misses, (source, target, text, sent.text, answer)
            assert not any(name in answer for name in STAND_INS), answer


@pytest.mark.engine
@needs_apertium
def test_the_sentence_around_a_term_keeps_its_grammar(apertium: Apertium) -> None:
    def said(text: str, target: str, **phrases: str) -> str:
        terms, asked = GlossarySteps(), request(text, target=target, **phrases)
        return terms.after(
            asked, apertium.translate(terms.before(asked, apertium.info)), commits=True
        )

    name = {"Kubernetes": "Kubernetes"}
    assert said("Kubernetes's interface is new.", "es", **name) == (
        "La interfaz de Kubernetes es nueva."
    )
    assert said("The interface of Amazon is new.", "ca", Amazon="Amazon") == (
        "La interfície d'Amazon és nova."
    ) or "d'Amazon" in said("The interface of Amazon is new.", "ca", Amazon="Amazon")
    assert said("kubernetes is new", "es", **name) == "Kubernetes es nuevo"


def test_who_has_a_glossary_gets_what_the_sentence_needs() -> None:
    terms, asked = GlossarySteps(), request("The AI of the void")
    sent = terms.before(
        asked, Info(name="llm", role="mt", licence="", quality="good", takes_glossary=True)
    )
    assert sent.text == asked.text
    assert dict(sent.hints.phrases) == {"AI": "IAx"}
    assert ScriptedMt().translate(sent) == "The-es IAx of-es the-es void-es"
    assert terms.after(asked, "La AI del vacío", commits=True) == "La IAx del vacío"


def test_who_has_none_is_told_nothing() -> None:
    plain = Info(name="plain", role="mt", licence="", quality="gist")
    terms, asked = GlossarySteps(), request("The AI and Kubernetes of the void")
    sent = terms.before(asked, plain)
    assert "AI" not in sent.text
    assert "Kubernetes" not in sent.text
    assert not sent.hints.phrases
    assert terms.after(asked, sent.text, commits=False) == "The IAx and Kubernetes of the void"


def test_without_terms_nothing_changes() -> None:
    terms = GlossarySteps()
    asked = Translation(text="The AI", source="en", target="es")
    assert terms.before(asked, Apertium(root="/nowhere").info) is asked
    assert terms.after(asked, "La AI", commits=True) == "La AI"
    assert terms.together(Interpret(target="es")) is None


def test_misses_are_counted_and_logged_without_the_text(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    noted: list[str] = []
    settings = Interpret(target="es", hints=Hints({"secret plan": "plan"}))
    GlossarySteps(noted.append).closed(("A secret plan.", "Un esquema."), "en", settings)
    GlossarySteps(noted.append).closed(("A secret plan.", "Un plan."), "en", settings)
    assert noted == [MISS]
    assert "glossary_miss" in caplog.text
    assert "secret" not in caplog.text
