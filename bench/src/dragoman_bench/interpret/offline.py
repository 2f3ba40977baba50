"""The same engines on whole recordings: what waiting for the end would have given.

Scope: the embedded recognisers and translators, in this process. Each recording is recognised at
once (in pieces where the model takes no more), each sentence translated whole. Quality of live
interpretation is compared with this: the retention.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from dragoman.engines.base import Translation, Window
from dragoman.engines.registry import PRESETS, parse_choice
from dragoman.policy.segmentation.segmenter import Segmenter
from dragoman.runtime.cascade.recognition.audio_window import quietest
from dragoman.runtime.engine_set import EngineSet
from dragoman.runtime.hosts.host import EngineHost
from dragoman.speech import Hypothesis
from dragoman_bench.interpret.recordings import RATE_HZ, Pcm
from dragoman_bench.interpret.stream import Stream

_ASR, _MT = (",".join(PRESETS["embedded"].specs(role)) for role in ("asr", "mt"))
_ENGINES = f"vad=energy,asr={_ASR},mt={_MT},tts=scripted-tts"


class OfflineTexts(msgspec.Struct, frozen=True):
    """What the engines make of a whole recording; None where that was not asked."""

    source: str | None = None
    target: str | None = None


async def interpret_offline(streams: Sequence[Stream]) -> dict[str, OfflineTexts]:
    """The texts of each stream, by its name; without those that the engines do not cover."""
    engines = EngineSet(parse_choice(_ENGINES), warm=())
    await engines.load()
    try:
        found = {}
        for stream in streams:
            script, can = stream.script, engines.coverage
            if not can.can_hear(script.language):
                continue
            if not can.can_translate(script.language, script.target):
                continue
            asr = engines.recognizer(script.language).host
            source = await _recognise(asr, stream.samples, script.language)
            mt = engines.translator(script.language, script.target)
            target = await _translate(mt, source, script.language, script.target)
            found[script.name] = OfflineTexts(source, target)
        return found
    finally:
        await engines.close()


async def _translate(host: EngineHost, text: str, source: str, target: str) -> str:
    segmenter = Segmenter()
    sentences = [*segmenter.feed(text), *segmenter.flush()]
    translated = [
        await host.call(Translation(text=sentence.strip(), source=source, target=target))
        for sentence in sentences
        if sentence.strip()
    ]
    return " ".join(str(sentence) for sentence in translated)


async def _recognise(host: EngineHost, samples: Pcm, language: str) -> str:
    words: list[str] = []
    rest = samples.astype(np.float32) / 32768.0
    longest = int(host.info.max_window_s * RATE_HZ)
    while len(rest):
        end = len(rest)
        if end > longest:
            end = quietest(rest, longest // 2, longest - RATE_HZ // 2)
        answer = await host.call(Window(samples=rest[:end].tobytes(), language=language))
        assert isinstance(answer, Hypothesis)
        words += [word.text for word in answer.words]
        rest = rest[end:]
    return " ".join(words)
