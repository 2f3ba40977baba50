"""Whole servers whose first engines fail, hang and come back: sessions notice nothing but the voice
of another engine.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from dragoman.client import InterpretClient
from dragoman.client.events import ResponseFinished, SourceText, TranslatedText
from dragoman.engines.scripted.rules import rule_word
from dragoman.testing import LiveServer, serve, validate_synthesis
from tests.conformance.clients import plain
from tests.conformance.clients.connection import MODEL, sound
from tests.conformance.sounds import turns
from tests.conformance.speeches import LONG_TEXT, SHORT_TEXT
from tests.server.workers.several import one_on_each, total, until

pytestmark = pytest.mark.live

SECOND = "[translation.words.es]\n" + "\n".join(
    f'{word} = "{word}-second"'
    for word in {rule_word(cell).lower().strip(".") for cell in range(20)}
)


def state_of(server: LiveServer, name: str) -> str:
    return next(one["state"] for one in server.health()[1]["engines"] if one["name"] == name)


class Talk:
    """An interpretation of one turn after the other."""

    def __init__(self, client: InterpretClient) -> None:
        self._client = client
        self.heard: list[str] = []
        self.translated: list[str] = []
        self.statuses: list[str] = []

    async def turn(self) -> str:
        """Speak for a while; the translation."""
        await self._client.send_audio(turns(1_200))
        await self._client.commit()
        async for event in self._client:
            if isinstance(event, SourceText) and event.final:
                self.heard.append(event.text)
            if isinstance(event, TranslatedText) and event.final:
                self.translated.append(event.text)
            if isinstance(event, ResponseFinished):
                self.statuses.append(event.status)
                break
        return self.translated[-1]


@pytest.mark.parametrize("outage", ["fail", "hang"])
def test_an_interpretation_goes_on_at_the_second_engines_and_comes_back(
    tmp_path: Path, outage: str
) -> None:
    script, down = tmp_path / "second.toml", tmp_path / "down"
    script.write_text(SECOND)
    first = f"?outage={down}@call_s=0.5"
    choice = (
        f"vad=energy,asr=scripted-asr{first},scripted-asr@host=thread,"
        f"mt=scripted-mt{first},scripted-mt?script={script},"
        f"tts=scripted-tts?outage={down}@first_sound_s=0.5,scripted-tts"
    )

    async def talk(server: LiveServer) -> None:
        async with InterpretClient(server.url) as client:
            await client.update(target="es", source="en", manual=True)
            talk = Talk(client)
            assert "-es" in await talk.turn()
            down.write_text(outage)
            for _ in range(4):
                assert "-second" in await talk.turn()
            assert state_of(server, "scripted-mt") == "degraded"
            assert state_of(server, "scripted-mt-2") == "ready"
            down.unlink()
            while any(
                state_of(server, name) != "ready"
                for name in ("scripted-asr", "scripted-mt", "scripted-tts")
            ):
                await talk.turn()
            assert "-es" in await talk.turn()
            await client.finish()
        assert set(talk.statuses) == {"completed"}
        words = [word for text in talk.translated for word in text.split()]
        said = [word.strip(".").split("-")[0].lower() for word in words]
        heard = [word.strip(".").lower() for text in talk.heard for word in text.split()]
        assert said == heard
        assert len(heard) >= 3 * len(talk.heard)

    with serve(engines=choice, warm=["en-es"]) as server:
        asyncio.run(asyncio.wait_for(talk(server), 120))
        page = server.get("/metrics")[1]
        for role in ("asr", "mt", "tts"):
            engine = f"scripted-{role}"
            over = f'dragoman_engine_failovers_total{{engine="{engine}",role="{role}"}}'
            assert total(page, over) >= 3
            assert total(page, f'dragoman_engine_circuit_openings_total{{engine="{engine}"}}') >= 1
            assert total(page, f'dragoman_engine_circuit_open{{engine="{engine}"}}') == 0
        assert "answers again" in server.log()


def test_gateways_share_the_circuit_in_the_engine_process(
    tmp_path: Path, scripted_server: LiveServer
) -> None:
    down = tmp_path / "down"
    choice = f"scripted,tts=scripted-tts?outage={down},scripted-tts@host=thread"
    failovers = 'dragoman_engine_failovers_total{engine="scripted-tts",role="tts"}'
    is_open = 'dragoman_engine_circuit_open{engine="scripted-tts"}'

    async def main(server: LiveServer) -> None:
        expected = {
            text: await plain.speak(scripted_server.url, text) for text in (SHORT_TEXT, LONG_TEXT)
        }
        down.write_text("fail")
        async with one_on_each(server) as sockets:
            one, other = sockets.values()
            await speaks(one, LONG_TEXT, expected)
            assert total(server.get("/metrics")[1], is_open) == 1
            until(lambda: state_of(server, "scripted-tts") == "degraded", "a gateway is not told")
            before = total(server.get("/metrics")[1], failovers)
            await speaks(other, SHORT_TEXT, expected)
            # The other gateway was told; probes may still have been made.
            assert total(server.get("/metrics")[1], failovers) - before < 3

    async def speaks(socket: Any, text: str, expected: dict[str, bytes]) -> None:
        await socket.append(text)
        assert sound(await socket.finish()) == expected[text]
        validate_synthesis(socket.log, model=MODEL)

    with serve(engines=choice, workers=2) as server:
        asyncio.run(asyncio.wait_for(main(server), 120))
