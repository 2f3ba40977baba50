"""What a recogniser is told about the content."""

from __future__ import annotations

from dragoman.engines.openai_transcriptions.prompt import prompt_of, terms_of
from dragoman.speech import Hints

HINTS = Hints(
    phrases={"Kubernetes": "Kubernetes", "edge  case": "caso límite"},
    context="A talk\nabout clusters.",
    onscreen=("Grafana", "Kubernetes"),
)


def test_the_glossary_stands_at_the_end_behind_names_and_context() -> None:
    assert prompt_of(HINTS, 800) == "A talk about clusters. Grafana, edge case, Kubernetes"
    assert prompt_of(HINTS, 800, "Medical.").startswith("Medical. A talk")
    assert prompt_of(Hints(), 800) == ""


def test_what_does_not_fit_is_left_out_the_glossary_last() -> None:
    assert prompt_of(HINTS, 40) == "A talk Grafana, edge case, Kubernetes"
    assert prompt_of(HINTS, 24) == "A edge case, Kubernetes"
    assert prompt_of(Hints(context="关于集群的演讲"), 4) == "关于集"
    assert prompt_of(HINTS, 0) == ""
    assert len(prompt_of(Hints(context="x" * 9_000), 800)) <= 800


def test_terms_are_named_once_and_their_translations_never() -> None:
    assert terms_of(HINTS, 800) == ["Kubernetes", "edge case", "Grafana"]
    assert terms_of(Hints(phrases={" ": "x"}), 800) == []
