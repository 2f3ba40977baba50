"""First calls of freshly loaded engines, so that no session waits for them.

Scope: what is called once after loading. First calls load dictionaries and compile graphs. For
window recognisers they also find out what the engine hallucinates: the words that it says of
silence and of noise, which ``policy.recognition.speech_evidence`` holds against it later. And they
have it recognise a sentence of our own voices: silence costs less than speech, and the very first
sessions are admitted by what calls have cost so far (``runtime.capacity``). Engines that are
elsewhere (``Info.remote``) are asked nothing: it may cost money.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from dragoman.engines.base import Utterance, Window, WindowTranscriber
from dragoman.policy.recognition.speech_evidence import known_hallucination
from dragoman.runtime.hosts.host import EngineFailed, EngineHost
from dragoman.runtime.hosts.requests import WarmDirection
from dragoman.runtime.loaded_engine import LoadedEngine, covers
from dragoman.speech import HEARING_RATE_HZ, Hypothesis

Progress = Callable[[str], None]

_NOISE_LEVEL = 0.003
_WORD = "Ready."
_SENTENCE = "The engines are loaded, and everything that is said from now on will be recognised."
_HEARD = 2


async def warm_direction(
    hosts: Sequence[EngineHost], source: str, target: str, progress: Progress
) -> None:
    """Have all translators of a direction load what they need for it. Raises ``EngineFailed``, the
    first one's, when none can.
    """
    failures = []
    for host in hosts:
        try:
            await host.call(WarmDirection(source, target))
        except EngineFailed as failure:
            failures.append(failure)
            progress(f"{host.info.name} does not translate {source} to {target}: {failure}")
    if len(failures) == len(hosts):
        raise failures[0]
    progress(f"translation {source} to {target} ready")


async def warm_voices(synthesizers: Sequence[LoadedEngine], progress: Progress) -> None:
    """Have each of them speak one word, except those that are elsewhere. Raises ``EngineFailed``
    when the only one cannot.
    """
    for synthesizer in synthesizers:
        try:
            if not synthesizer.info.remote:
                await warm_synthesizer(synthesizer)
        except EngineFailed as failure:
            if len(synthesizers) == 1:
                raise
            progress(f"{synthesizer.name} does not speak: {failure}")


async def warm_recognizer(recognizer: LoadedEngine, synthesizers: Sequence[LoadedEngine]) -> None:
    """Make the first calls and keep the hallucinations that they show."""
    if recognizer.info.remote:
        return
    if isinstance(recognizer.engine, WindowTranscriber) and recognizer.info.quality != "scripted":
        recognizer.hallucinations = await _hallucinations(recognizer)
        await _hear_speech(recognizer, synthesizers)


async def _hear_speech(recognizer: LoadedEngine, synthesizers: Sequence[LoadedEngine]) -> None:
    here = (voice for voice in synthesizers if not voice.info.remote)
    voices = (voice for voice in here if covers(voice.info.languages, "en"))
    if (voice := next(voices, None)) is None or not covers(recognizer.info.languages, "en"):
        return
    utterance = Utterance(_SENTENCE, voice="", language="en")
    pcm = b"".join([piece async for piece in voice.host.speak(utterance, HEARING_RATE_HZ)])
    samples = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768
    for _ in range(_HEARD):
        await recognizer.host.call(Window(samples.tobytes(), "en"))


async def warm_synthesizer(synthesizer: LoadedEngine) -> None:
    """Speak one word."""
    languages = synthesizer.info.languages
    language = "en" if covers(languages, "en") else languages[0]
    async for _ in synthesizer.host.speak(Utterance(_WORD, voice="", language=language), 24_000):
        pass


async def _hallucinations(recognizer: LoadedEngine) -> frozenset[str]:
    """What the engine says of a second of silence and of a second of quiet noise."""
    noise = np.random.default_rng(0).normal(0, _NOISE_LEVEL, HEARING_RATE_HZ).astype(np.float32)
    language = next((tag for tag in recognizer.info.languages if tag != "*"), None)
    found = set()
    for samples in (np.zeros_like(noise), noise):
        try:
            answer = await recognizer.host.call(Window(samples.tobytes(), language))
        except EngineFailed:
            continue  # it may refuse silence
        if isinstance(answer, Hypothesis):
            found.add(known_hallucination(answer.words))
    return frozenset(found - {""})
