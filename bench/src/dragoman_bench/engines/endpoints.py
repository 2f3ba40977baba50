"""Adapters of model servers beside a bare httpx client, on the loopback interface.

Scope: the same requests to the same server (``harness.model_server``). A real model takes longer,
and behind a network more so: what counts beside the ratio is the CPU time above the bare client's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import httpx
import msgspec

from dragoman.audio.pcm import from_float, wav_header
from dragoman.engines import registry
from dragoman.engines.base import Samples, Translation, Utterance, Window
from dragoman_bench.engines import overhead
from dragoman_bench.engines.in_process import SENTENCES, spoken_windows
from dragoman_bench.engines.overhead import PairedTimes, Work
from dragoman_bench.figures import Figure, Part
from dragoman_bench.harness.model_server import model_server

_INSTRUCTION = "Translate the text into German. Answer with the translation only."


def measure(*, quick: bool) -> Part:
    """All three adapters."""
    rounds = 3 if quick else 12
    figures: list[Figure] = []
    raw: dict[str, object] = {}
    measures: dict[str, Callable[[httpx.Client, str, int], PairedTimes]] = {
        "openai-speech": _speech,
        "openai-transcriptions": _transcriptions,
        "openai-chat": _chat,
    }
    with model_server() as url, httpx.Client(timeout=30) as client:
        for name, one in measures.items():
            found = one(client, url, rounds)
            raw[name] = msgspec.to_builtins(found)
            figures += overhead.figures(f"{name}, bare httpx", found)
    return Part(name="endpoints", figures=figures, raw=raw)


def _speech(client: httpx.Client, url: str, rounds: int) -> PairedTimes:
    engine: Any = registry.make(f"openai-speech?url={url}&model=bench")
    engine.load()

    def bare(text: str) -> Iterator[bytes]:
        body = {"model": "bench", "voice": "alloy", "input": text, "response_format": "pcm"}
        with client.stream("POST", f"{url}/audio/speech", json=body) as answer:
            yield from answer.iter_raw()

    def ours(text: str) -> Iterator[bytes]:
        yield from engine.synthesize(Utterance(text=text, voice="Cherry", language="en"))

    found = overhead.compare(_both(bare, ours), rounds)
    engine.close()
    return found


def _chat(client: httpx.Client, url: str, rounds: int) -> PairedTimes:
    engine: Any = registry.make(f"openai-chat?url={url}&model=bench")
    engine.load()

    def bare(text: str) -> Iterator[str]:
        messages = [
            {"role": "system", "content": _INSTRUCTION},
            {"role": "user", "content": text},
        ]
        body = {"model": "bench", "messages": messages, "stream": True, "temperature": 0}
        with client.stream("POST", f"{url}/chat/completions", json=body) as answer:
            found = ""
            for line in answer.iter_lines():
                data = line.removeprefix("data: ")
                if data and data != "[DONE]":
                    found += json.loads(data)["choices"][0]["delta"].get("content") or ""
            yield found

    def ours(text: str) -> Iterator[str]:
        yield engine.translate(Translation(text=text, source="en", target="de"))

    found = overhead.compare(_both(bare, ours), rounds)
    engine.close()
    return found


def _transcriptions(client: httpx.Client, url: str, rounds: int) -> PairedTimes:
    engine: Any = registry.make(f"openai-transcriptions?url={url}&model=bench")
    engine.load()
    fields = {"model": "bench", "response_format": "verbose_json", "temperature": "0"}

    def bare(samples: Samples) -> Iterator[str]:
        pcm = from_float(samples)
        files = {"file": ("audio.wav", wav_header(16_000, size=len(pcm)) + pcm, "audio/wav")}
        answer = client.post(f"{url}/audio/transcriptions", data=fields, files=files)
        yield answer.json()["text"]

    def ours(samples: Samples) -> Iterator[object]:
        yield engine.transcribe([Window(samples.tobytes(), "en")])

    pairs = [(partial(bare, window), partial(ours, window)) for window in spoken_windows()]
    found = overhead.compare(pairs, rounds)
    engine.close()
    return found


def _both(
    bare: Callable[[str], Iterator[object]], ours: Callable[[str], Iterator[object]]
) -> list[tuple[Work, Work]]:
    return [(partial(bare, text), partial(ours, text)) for text in SENTENCES]
