"""The chat translator and a real server with a real model: llama.cpp and Gemma 3 270M.

What is checked is what the server did, not how well so small a model translates.
"""

import json
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dragoman.engines.base import Translation
from dragoman.engines.cancellation import Cancellation
from dragoman.engines.openai_chat.engine import OpenAiChat
from dragoman.engines.shared.endpoint_errors import RequestCancelled
from dragoman.speech import Hints
from tests.endpoints import llama_server

pytestmark = pytest.mark.engine
PYTHON = Path(__file__).parents[3] / ".venvs" / "llama-cpp-2026.10" / "bin" / "python"
BEFORE = (
    ("Thank you for coming.", "Gracias por venir."),
    ("The meeting begins at nine.", "La reunión empieza a las nueve."),
)
SHIPS = Translation(
    "We have three new ships.",
    "en",
    "es",
    before=BEFORE,
    hints=Hints(phrases={"ships": "naves"}, context="A talk about harbours"),
)


class LlamaCpp:
    """The server, and what it says of its one slot."""

    def __init__(self, address: str) -> None:
        self.address = address

    def engine(self, **options: Any) -> OpenAiChat:
        engine = OpenAiChat(url=f"{self.address}/v1", stop=("\\n",), total_s=60, **options)
        engine.load()
        return engine

    def slot(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.address}/slots", timeout=20) as answer:
            (slot,) = json.load(answer)
        return dict(slot)

    def wait(self, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Ask until the slot is so."""
        ends_s = time.monotonic() + 60
        while not fits(slot := self.slot()):
            assert time.monotonic() < ends_s
            time.sleep(0.01)
        return slot


@pytest.fixture(scope="module")
def llama() -> Iterator[LlamaCpp]:
    if not PYTHON.exists():
        pytest.skip("make test installs the server: scripts/setup.py --tests")
    with subprocess.Popen(
        [PYTHON, llama_server.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:")
        yield LlamaCpp(address)
        process.stdin.close()


def test_a_translation_with_everything_that_is_known(llama: LlamaCpp) -> None:
    engine = llama.engine()
    answer = engine.translate(SHIPS)
    assert len(answer.split()) >= 3
    assert answer not in {SHIPS.text, *dict(BEFORE).values()}
    prompt = llama.slot()["prompt"]
    for told in (
        "from English to Spanish",
        "About the talk: A talk about harbours",
        "ships = naves",
        "English: Thank you for coming.\nSpanish: Gracias por venir.",
    ):
        assert told in prompt
    assert prompt.endswith("English: We have three new ships.\nSpanish:")


def test_a_translation_goes_on_behind_what_is_committed(llama: LlamaCpp) -> None:
    begun = Translation("We have three new ships.", "en", "es", before=BEFORE, prefix="Poseemos")
    answer = llama.engine(prefix="continue").translate(begun)
    assert answer.startswith("Poseemos ")
    assert len(answer.split()) >= 3
    assert llama.slot()["prompt"].endswith("Spanish:Poseemos"), "and was not written by the model"


def test_a_cancelled_call_frees_the_slot(llama: LlamaCpp) -> None:
    endless = llama.engine(extra='{"ignore_eos":true,"stop":[],"max_tokens":900}')
    cancellation = Cancellation()
    with ThreadPoolExecutor(1) as thread:
        call = thread.submit(endless.translate_cancellable, SHIPS, cancellation)
        llama.wait(lambda slot: slot["is_processing"] and "generated" in slot)
        cancellation.cancel()
        with pytest.raises(RequestCancelled):
            call.result(60)
    slot = llama.wait(lambda slot: not slot["is_processing"])
    assert len(slot["generated"].split()) < 300, "it was stopped long before its end"
    assert llama.engine().translate(SHIPS), "and the only slot serves the next one"
