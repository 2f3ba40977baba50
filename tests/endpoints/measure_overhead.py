"""What the adapters cost beside a bare httpx client, on the loopback interface.

``python -m tests.endpoints.measure_overhead`` starts the faithful server in a process of its own
(espeak and Moonshine behind it), asks it in turn by a bare client and by the engine, and prints
medians and their ratio: wall clock of the whole request, time to the first sound, and the client's
own CPU time per request.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from statistics import median

import httpx
import numpy as np

from dragoman.audio.pcm import from_float, wav_header
from dragoman.engines import registry
from dragoman.engines.base import Samples, Utterance, Window
from tests import recordings

TEXT = "Good morning, everyone, and welcome to the meeting. We have a lot to talk about today."
ROUNDS = 40
SERVER = """
from tests.endpoints.http_server import LoopbackServer
from tests.endpoints.openai_audio import OpenAiAudio, loaded
loaded("espeak"), loaded("moonshine")
with LoopbackServer() as server:
    OpenAiAudio(server, sizes=(3_841, 9_601))  # 80 and 200 ms, as models make it
    print(server.url, flush=True)
    input()
"""
Figures = tuple[float, float, float]
"""Wall clock, time to the first piece, CPU time; seconds."""


def taken(pieces: Callable[[], Iterator[object]]) -> Figures:
    began_s, cpu_s, first_s = time.perf_counter(), time.thread_time(), 0.0
    for _ in pieces():
        first_s = first_s or time.perf_counter() - began_s
    return time.perf_counter() - began_s, first_s, time.thread_time() - cpu_s


def compare(what: str, bare: Callable[[], Iterator[object]], ours: Callable[[], Iterator[object]]):
    found: tuple[list[Figures], list[Figures]] = ([], [])
    for number in range(ROUNDS + 3):
        for place, call in enumerate((bare, ours)):
            figures = taken(call)
            if number >= 3:
                found[place].append(figures)
    for at, name in enumerate(("whole", "first piece", "client's CPU")):
        one, other = (median(each[at] for each in figures) * 1000 for figures in found)
        print(f"{what:14} {name:13} {one:8.2f} ms {other:8.2f} ms {other / one:6.3f}")


def speech(client: httpx.Client, url: str) -> None:
    engine = registry.make(f"openai-speech?url={url}&model=tts-1")
    engine.load()
    body = {"model": "tts-1", "voice": "alloy", "input": TEXT, "response_format": "pcm"}

    def bare() -> Iterator[object]:
        with client.stream("POST", f"{url}/audio/speech", json=body) as answer:
            yield from answer.iter_raw()

    compare("speech", bare, lambda: iter(engine.synthesize(Utterance(TEXT, "Cherry", "en"))))
    engine.close()


def transcription(client: httpx.Client, url: str, samples: Samples) -> None:
    engine = registry.make(f"openai-transcriptions?url={url}&model=whisper-1")
    engine.load()
    fields = {"model": "whisper-1", "response_format": "verbose_json", "temperature": "0"}

    def bare() -> Iterator[object]:
        pcm = from_float(samples)
        wav = wav_header(16_000, size=len(pcm)) + pcm
        files = {"file": ("audio.wav", wav, "audio/wav")}
        yield client.post(f"{url}/audio/transcriptions", data=fields, files=files).json()["text"]

    window = Window(np.asarray(samples).tobytes(), "en")
    compare("transcription", bare, lambda: iter(engine.transcribe([window])))
    engine.close()


def main() -> None:
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        print(f"{'':14} {'median of ' + str(ROUNDS):13} {'bare httpx':>11} {'engine':>11}  ratio")
        with httpx.Client(timeout=30) as client:
            speech(client, url)
            transcription(client, url, recordings.read(recordings.two_cities())[: 5 * 16_000])
        server.communicate("\n")


if __name__ == "__main__":
    main()
