"""Which translators a direction has, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

from dragoman.runtime.routing.candidates import TranslatorRoutes, covered_pairs
from tests.runtime.routing.tiny_translators import Pair, Words, loaded

NEURAL = [("en", "pt"), ("pt", "en")]
RULES = [("en", "es"), ("es", "en"), ("en", "it"), ("es", "pt"), ("pt", "es")]


def engine(name: str, pairs: Sequence[Pair]) -> Words:
    rules = name == "apertium"
    return Words(
        name,
        {pair: {} for pair in pairs},
        quality="gist" if rules else "basic",
        placeholders=("Robert",) if rules else (),
    )


def names(engines: Sequence[Words], source: str, target: str) -> list[str]:
    found = TranslatorRoutes().candidates([loaded(one) for one in engines], source, target)
    return [host.info.name for host in found]


def test_a_measured_detour_comes_before_rules() -> None:
    both = [engine("firefox", NEURAL), engine("apertium", RULES)]
    assert names(both, "en", "es") == ["firefox+apertium", "apertium"]
    assert names(both, "es", "en") == ["apertium+firefox", "apertium"]
    assert names(both, "en", "pt") == ["firefox"]
    assert names(both, "en", "it") == ["apertium"]
    assert names(both, "en", "zh") == []


def test_a_direct_model_comes_first() -> None:
    both = [engine("firefox", [*NEURAL, ("en", "es")]), engine("apertium", RULES)]
    assert names(both, "en", "es") == ["firefox", "firefox+apertium", "apertium"]


def test_the_operators_order_holds() -> None:
    chat, rules = engine("chat", [("*", "*")]), engine("apertium", RULES)
    assert names([chat, engine("firefox", NEURAL), rules], "en", "es") == [
        "chat", "firefox+apertium", "apertium",
    ]  # fmt: skip
    assert names([rules, engine("firefox", NEURAL)], "en", "es") == ["apertium", "firefox+apertium"]
    assert names([rules], "en", "es") == ["apertium"]


def test_models_meet_in_english_where_nothing_else_is() -> None:
    firefox = engine("firefox", [("de", "en"), ("en", "es"), ("es", "en")])
    rules = engine("apertium", [("es", "en"), ("en", "gl")])
    assert names([firefox, rules], "de", "es") == ["firefox+firefox"]
    pairs = covered_pairs([loaded(firefox), loaded(rules)])
    assert ("de", "es") in pairs
    assert ("es", "gl") not in pairs, "errors of rules add up"


def test_a_direction_keeps_its_host() -> None:
    ready = [loaded(engine("firefox", NEURAL)), loaded(engine("apertium", RULES))]
    routes = TranslatorRoutes()
    first, second = (routes.candidates(ready, "en", "es") for _ in range(2))
    assert all(one is other for one, other in zip(first, second, strict=True))
