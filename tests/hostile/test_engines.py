"""Hostile text straight into the embedded synthesizers, in their worker processes.

Every text is answered (with sound, with none, or with a refusal in plain words), no worker dies of
one, and what is markup to a library is text to us: it sounds as long as its harmless twin.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from dragoman.engines import registry
from dragoman.engines.base import EngineUnavailable, Utterance
from dragoman.protocol.core.client_text import whole
from dragoman.runtime.hosts.host import TextRefused
from dragoman.runtime.hosts.process.host import ProcessHost
from tests.hostile.random_texts import clusters, mixed_texts

pytestmark = [pytest.mark.anyio, pytest.mark.engine]
RATE_HZ = 16_000
LONGEST_S = 120  # of sound; many of these characters are read by their names


@asynccontextmanager
async def hosted(name: str, workers: int = 2) -> AsyncIterator[ProcessHost]:
    host = ProcessHost(registry.make(name).info, spec=name, workers=workers)
    try:
        await host.start()
    except EngineUnavailable as reason:
        pytest.skip(str(reason))
    try:
        yield host
    finally:
        await host.close()


async def spoken(host: ProcessHost, text: str, language: str, voice: str = "Moon") -> bytes:
    utterance = Utterance(text, voice, language)
    return b"".join([piece async for piece in host.speak(utterance, RATE_HZ)])


async def seconds(host: ProcessHost, text: str, language: str = "en") -> float:
    return len(await spoken(host, text, language)) / 2 / RATE_HZ


# Flite is only worth the time with "Moon", its voice kal16; the others take as long per second
# of sound as all the rest of this test.
@pytest.mark.parametrize(
    ("name", "count", "most", "languages"),
    [
        ("espeak", 300, 60, ["en", "zh", "ja", "ru", "ar", "th", "ko", "de", "hi"]),
        ("flite", 300, 80, ["en"]),
        ("hibari", 60, 80, ["en"]),
        ("openjtalk", 20, 40, ["ja"]),
    ],
)
async def test_random_unicode_harms_no_worker(
    name: str, count: int, most: int, languages: list[str]
) -> None:
    async with hosted(name) as host:
        pids = set(host.pids)
        texts = mixed_texts(count, most)
        answered = {"sound": 0, "nothing": 0, "refused": 0}

        async def one(number: int, text: str) -> None:
            language = languages[number % len(languages)]
            voice = "Moon" if number % 20 else "Cherry"
            try:
                pcm = await spoken(host, text, language, voice)
            except TextRefused:
                answered["refused"] += 1
                return
            assert len(pcm) % 2 == 0, ascii(text)
            assert len(pcm) < LONGEST_S * 2 * RATE_HZ, ascii(text)
            answered["sound" if pcm else "nothing"] += 1

        await asyncio.gather(*(one(number, text) for number, text in enumerate(texts)))
        assert sum(answered.values()) == count
        assert answered["sound"] > count / 2
        assert set(host.pids) == pids, "the workers are the same as before"


SAME = [
    ("SSML", 'one <break time="10s"/> two', 'one <break time="10x"/> two'),
    ("prosody", '<prosody rate="10%">one two</prosody>', '(prosody rate="10%") one two (prosody)'),
    ("entities", "&lt;break time=9s/&gt; one", "&lt;break time=1s/&gt; one"),
    ("phonemes", "[[h@loU]] one two", "[h@loU] one two"),
    ("phonemes alone", "[[::::_:_:_:_:h@loU]]", "[::::_:_:_:_:h@loU]"),
    ("a command", "\x0120Sone two three", "20Sone two three"),
    ("a command for ever", "\x0110000P\x01+99Sone", "10000P +99Sone"),
    ("NUL", "one two\0 three four", "one two three four"),
    ("escapes", "\x1b[31;1mone\x1b[0m two", "one two"),
    ("direction", "\u202eone \u2066two\u2069\u202c", "one two"),
    ("zero width", "\ufeffone\u2060 \u200btwo\u200e", "one two"),
    ("variations", "one\ufe0f two\U000e0101", "one two"),
    ("tags", "one\U000e0041\U000e007f two", "one two"),
    ("halves", whole("one \ud83d two \ude00"), "one two"),
    ("nobody's", "one \ue000\uffff\u0378 two", "one two"),
    ("fillers", "\u3164one \u115ftwo\u2800", "one two"),
    ("lines", "one\u2028two\u2029three\x85four\x0bfive", "one two three four five"),
    ("brackets", "(" * 500 + "one two" + ")" * 500, "(((one two)))"),
    ("quotes", '"' * 500 + "one two", '"""one two'),
    ("underscores", "_" * 500 + "one", "___one"),
    ("math letters", "\U0001d5fc\U0001d5fb\U0001d5f2 two", "one two"),
]


@pytest.mark.parametrize("name", ["espeak", "flite", "hibari"])
async def test_markup_of_a_library_is_read_as_text(name: str) -> None:
    async with hosted(name) as host:
        for case, hostile, harmless in SAME:
            heard, meant = await seconds(host, hostile), await seconds(host, harmless)
            assert meant > 0.2, case
            assert heard == pytest.approx(meant, rel=0.15, abs=0.25), case


async def test_phonemes_of_users_are_never_obeyed() -> None:
    """Texts with some Mandarin syllables are sent with the flag that makes espeak read phonemes."""
    async with hosted("espeak") as host:
        for hostile in ("[[_:_:_:_:_:_:_:_:]]", "[[[[_:_:_:_:_:]]]]", "[\x00[_:_:_:_:_:]]", "[["):
            for text in (f"兄弟{hostile}穷人", f"{hostile}兄{hostile}", f"兄[{hostile}"):
                single = re.sub(r"\]+", "]", re.sub(r"\[+", "[", text.replace("\0", "")))
                heard, meant = await seconds(host, text, "zh"), await seconds(host, single, "zh")
                assert heard == pytest.approx(meant, rel=0.15, abs=0.3), ascii(text)


@pytest.mark.parametrize("name", ["espeak", "flite", "hibari"])
async def test_long_words_cost_little_and_their_neighbours_are_heard(name: str) -> None:
    async with hosted(name) as host:
        pids = set(host.pids)
        alone = await seconds(host, "before after.")
        for word in ("x" * 3000, "7" * 3000, "Aa" * 1500, "-x" * 1500, clusters("word", 700)):
            began = time.monotonic()
            found = await seconds(host, f"before {word} after.")
            assert alone < found < LONGEST_S, ascii(word[:5])
            assert time.monotonic() - began < 10
        assert set(host.pids) == pids


async def test_text_without_words_makes_no_sound() -> None:
    """In any language."""
    async with hosted("espeak") as host:
        for text in (" \n\t", "...", "\0\x01", "\u200b\u2060", "\u3164", "😀\ufe0f", "\ufffd" * 90):
            assert await spoken(host, text, "en") == b"", ascii(text)
            assert await spoken(host, text, "zh") == b"", ascii(text)


async def test_hostile_text_is_spoken_at_the_common_level() -> None:
    async with hosted("espeak") as host:
        for text in (clusters("hello world", 100), "[[hello]] <b>world</b>", "\x01hello\0world"):
            pcm = np.frombuffer(await spoken(host, text, "en"), "<i2").astype(float)
            assert 0.4 < pcm.size / RATE_HZ < 5, ascii(text)
            assert 300 < pcm.std() < 12_000
