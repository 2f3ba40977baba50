"""Names that rules would read as common words."""

from __future__ import annotations

import pytest

from dragoman.policy.glossary.names import kept_names, known_names, lost_names


@pytest.mark.parametrize(
    ("source", "translation", "kept"),
    [
        ("My name is Jordi Mas.", "Meu nome é Jordi Mas.", ["Jordi", "Mas"]),
        ("I live in London.", "Moro em Londres.", []),
        ("Jordi Mas is here.", "Jordi Mas está aqui.", ["Jordi", "Mas"]),
        ("Hospital beds are few.", "Hospital é pouco.", []),
        ("Kubernetes is new.", "Kubernetes é novo.", ["Kubernetes"]),
        ("He came. A dog came.", "Ele veio. A dog veio.", []),
        ("THE MAS HOUSE", "A CASA MAS", []),
        ("no names here", "no names here", []),
        ("“Lima” is a city", "“Lima” é uma cidade", ["Lima"]),
    ],
)
def test_names_that_a_translation_kept(source: str, translation: str, kept: list[str]) -> None:
    assert kept_names(source, translation, "en") == kept


def test_known_names_stand_in_the_text_as_they_are_known() -> None:
    known = ["Gordon Brown", "API", "the Menu"]
    assert known_names("Mr Brown has a brown API and a menu", known) == ["Brown"]


def test_lost_names() -> None:
    assert lost_names(["Mas", "Lima"], "Jordi Pero, d'Lima, mas") == ["Mas"]
    assert lost_names(["Mas"], "Masson y más") == ["Mas"]
