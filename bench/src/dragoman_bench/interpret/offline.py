"""The same engines on whole recordings: what waiting for the end would have given.

Scope: the embedded recogniser and translator, in this process. Each recording is recognised at once
(in pieces where the model takes no more), each sentence translated whole. Quality of live
interpretation is compared with this: the retention.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from dragoman.engines import registry
from dragoman.engines.base import Translation, Window
from dragoman.policy.segmentation.segmenter import Segmenter
from dragoman.runtime.cascade.recognition.audio_window import quietest
from dragoman.runtime.hosts.host import EngineHost
from dragoman.runtime.hosts.make_host import make_host
from dragoman.speech import Hypothesis
from dragoman_bench.interpret.recordings import RATE_HZ, Pcm
from dragoman_bench.interpret.stream import Stream


class OfflineTexts(msgspec.Struct, frozen=True):
    """What the engines make of a whole recording; None where that was not asked."""

    source: str | None = None
    target: str | None = None


async def interpret_offline(streams: Sequence[Stream]) -> dict[str, OfflineTexts]:
    """The texts of each stream, by its name."""
    asr, mt = (
        make_host(registry.make(spec), spec=spec, threads=1, workers=1)
        for spec in ("moonshine", "apertium")
    )
    await asr.start()
    await mt.start()
    try:
        found = {}
        for stream in streams:
            script = stream.script
            source = await _recognise(asr, stream.samples, script.language)
            target = await _translate(mt, source, script.language, script.target)
            found[script.name] = OfflineTexts(source, target)
        return found
    finally:
        await asr.close()
        await mt.close()


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
