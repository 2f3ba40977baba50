"""A response that fails, or is refused, and the next one that does not: the strict client agrees.

A failing engine is not the client's business: its response ends as ``failed`` and nothing else is
said. Text that cannot be read here is: an ``error`` says so, and names what would help.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from dragoman.testing.live_server import serve
from dragoman.testing.validators.rules import Event, Log
from dragoman.testing.validators.synthesis import SynthesisValidator, validate_synthesis
from tests.conformance.clients.connection import MODEL, connected, of_type

pytestmark = pytest.mark.live


async def three(url: str, texts: list[str], language: str) -> tuple[list[Event], Log]:
    """Commit each text; wait for all responses at the end."""
    async with connected(url) as socket:
        await socket.until("session.created")
        await socket.update(voice="Cherry", mode="commit", language_type=language)
        for text in texts:
            await socket.append(text)
            await socket.commit()
        return await socket.finish(), socket.log


def statuses(validator: SynthesisValidator) -> list[str]:
    return [status for _, status, _ in validator.responses]


def test_a_failing_engine(tmp_path: Path):
    script = tmp_path / "talk.toml"
    script.write_text('[speech]\nfail_on = ["storm"]\n')
    with serve(engines=f"scripted,tts=scripted-tts?script={script}") as live:
        texts = ["The wind rose.", "Then the storm came.", "Nobody went out."]
        events, log = asyncio.run(three(live.url, texts, "English"))
    found = validate_synthesis(log, model=MODEL, failures=True)
    assert statuses(found) == ["completed", "failed", "completed"]
    assert of_type(events, "error") == []


def test_text_that_cannot_be_read():
    with serve(engines="scripted,tts=espeak") as live:
        texts = ["これはよめます。", "漢字は読めません。", "これもよめます。"]
        events, log = asyncio.run(three(live.url, texts, "Japanese"))
    found = validate_synthesis(log, model=MODEL, errors=True)
    assert statuses(found) == ["completed", "failed", "completed"]
    (error,) = of_type(events, "error")
    assert error["error"]["type"] == "invalid_request_error"
    assert "kanji" in error["error"]["message"]
    assert texts[1] not in error["error"]["message"]
