"""Two translators one after the other: what must not get lost on the way."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.engines.base import Translation, Window
from dragoman.policy.glossary.mt_placeholders import TermPlaceholders
from dragoman.policy.glossary.terms import Glossary
from dragoman.runtime.hosts.host import EngineFailed
from dragoman.runtime.hosts.requests import WarmDirection
from dragoman.runtime.routing.translation_route import TranslationRoute
from dragoman.speech import Hints
from tests.runtime.routing.tiny_translators import Words, started

STAND_INS = ("Robert", "Alan", "Gilbert", "Edwin")
NEURAL = {("en", "pt"): {"my": "meu", "name": "nome", "is": "é", "london": "londres", "but": "mas"}}
RULES = {("pt", "es"): {"meu": "mi", "nome": "nombre", "é": "es", "mas": "pero", "17,216": "17316"}}


def route(plain: Words | None = None, numbers: str = "") -> tuple[TranslationRoute, Words, Words]:
    table = dict(NEURAL["en", "pt"])
    if numbers:
        table[numbers] = "0"
    first = Words("neural", {("en", "pt"): table})
    second = Words("rules", RULES, quality="gist", placeholders=STAND_INS)
    hosts = [started(first), started(second)]
    other = started(plain) if plain is not None else None
    return TranslationRoute(hosts, ("en", "pt", "es"), other), first, second


def say(on: TranslationRoute, text: str, **more: object) -> str:
    async def main() -> object:
        request = Translation(text, "en", "es", **more)  # type: ignore[arg-type]
        return await on.call(request)

    return str(asyncio.run(main()))


def test_a_name_is_not_read_as_a_word() -> None:
    on, _, second = route()
    assert say(on, "My name is Jordi Mas but") == "Mi nombre es Jordi Mas pero"
    assert len(second.asked) == 2, "asked again with a placeholder"


def test_a_name_that_the_first_engine_translates_may_change_again() -> None:
    on, _, second = route()
    assert say(on, "My name is London") == "Mi nombre es Londres"
    assert len(second.asked) == 1


def test_a_name_at_the_beginning_needs_a_name_behind_it() -> None:
    on, _, _ = route()
    assert say(on, "Mas Jordi is") == "Mas Jordi es"


def test_a_name_on_a_slide_is_a_name_on_the_way_of_one_engine_too() -> None:
    rules = Words("rules", {("en", "es"): {"brown": "marrón"}}, placeholders=STAND_INS)
    on = TranslationRoute([started(rules)], ("en", "es"))
    assert say(on, "Doctor Brown and a brown dog") == "Doctor Marrón and a marrón dog"
    shown = ("Speaker: Gordon Brown",)
    assert (
        say(on, "Doctor Brown and a brown dog", onscreen=shown) == "Doctor Brown and a marrón dog"
    )
    known = Hints(phrases={"Gordon Brown": ""})
    assert say(on, "Doctor Brown", hints=known) == "Doctor Brown"
    assert say(on, "a brown dog", onscreen=shown) == "a marrón dog"


def test_a_lost_number_has_the_other_engine_asked() -> None:
    plain = Words("plain", {("en", "es"): {"name": "apellido"}})
    on, _, _ = route(plain, numbers="17,216")
    assert say(on, "my name is 42") == "mi nombre es 42"
    assert not plain.asked
    assert say(on, "my name is 17,216") == "my apellido is 17,216"


def test_a_number_that_every_engine_loses_costs_no_translation() -> None:
    plain = Words("plain", {("en", "es"): {"17,216": "1"}})
    on, _, _ = route(plain, numbers="17,216")
    assert say(on, "my name is 17,216") == "mi nombre es 0"


def test_it_warms_both_and_is_no_other_engine() -> None:
    on, first, second = route()
    assert asyncio.run(on.call(WarmDirection("en", "es"))) is None
    assert (first.asked, second.asked) == (["warm en pt"], ["warm pt es"])
    with pytest.raises(EngineFailed):
        asyncio.run(on.call(Window(b"")))
    assert on.info.pairs == (("en", "es"),)
    assert on.info.quality == "gist"
    assert on.info.placeholders == STAND_INS


NAMES = st.sampled_from(["Mas", "Jordi", "Nome", "Lima", "É"])
PLAIN = st.sampled_from(["my", "name", "is", "but", "the", "42", "17,216", "3.5", "1999"])


@given(st.lists(st.one_of(PLAIN, NAMES), min_size=1, max_size=12))
def test_numbers_and_terms_survive(words: list[str]) -> None:
    text = " ".join(["we", *words, "and term"])
    hidden = TermPlaceholders(text, Glossary({"term": "plazo"}), STAND_INS)
    plain = Words("plain", {("en", "es"): {}})
    answer = hidden.restored(say(route(plain, numbers="1999")[0], hidden.text))
    assert answer.endswith(" plazo")
    for number in ("42", "17,216", "3.5", "1999"):
        assert answer.split().count(number) == words.count(number)
    for name in ("Mas", "Lima"):
        assert answer.split().count(name) == words.count(name)


def test_a_plain_engine_that_fails_costs_no_translation() -> None:
    plain = Words("plain", {})
    on, _, _ = route(plain, numbers="17,216")
    assert say(on, "my name is 17,216") == "mi nombre es 0"
    assert plain.asked == ["my name is 17,216"]
