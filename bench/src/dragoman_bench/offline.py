"""The same engines without haste: what waiting would have given.

Law of this file: the embedded recogniser and translator, in this process, on whole recordings;
each recording is recognised at once (in pieces where the model takes no more), each sentence
translated whole. What is live is compared with this: the retention.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dragoman.engines import registry
from dragoman.engines.base import Translation, Window
from dragoman.policy.segmentation.segmenter import Segmenter
from dragoman.runtime.cascade.recognition.audio_window import quietest
from dragoman.runtime.hosts.host import EngineHost
from dragoman.runtime.hosts.make_host import make_host
from dragoman.speech import Hypothesis
from dragoman_bench.recordings import RATE_HZ, Pcm


class Offline:
    """The two engines, ready within ``async with``."""

    def __init__(self, target: str, source: str = "en") -> None:
        self.source = source
        self.target = target
        self._hosts = [
            make_host(registry.make(spec), spec=spec, threads=1, workers=1)
            for spec in ("moonshine", "apertium")
        ]

    async def __aenter__(self) -> Offline:
        for host in self._hosts:
            await host.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for host in self._hosts:
            await host.close()

    async def interpreted(self, samples: Pcm) -> tuple[str, str]:
        """What is heard in a recording, and what is said of it."""
        hearing, translating = self._hosts
        heard = await _recognised(hearing, samples, self.source)
        return heard, await self._translated(translating, heard)

    async def _translated(self, host: EngineHost, text: str) -> str:
        cutter = Segmenter()
        sentences = [*cutter.feed(text), *cutter.flush()]
        said = [
            await host.call(
                Translation(text=sentence.strip(), source=self.source, target=self.target)
            )
            for sentence in sentences
            if sentence.strip()
        ]
        return " ".join(str(sentence) for sentence in said)


async def _recognised(host: EngineHost, samples: Pcm, language: str) -> str:
    heard: list[str] = []
    floats = samples.astype(np.float32) / 32768.0
    longest = int(host.info.max_window_s * RATE_HZ)
    while len(floats):
        end = len(floats)
        if end > longest:
            end = quietest(floats, longest // 2, longest - RATE_HZ // 2)
        answer = await host.call(Window(samples=floats[:end].tobytes(), language=language))
        assert isinstance(answer, Hypothesis)
        heard += [word.text for word in answer.words]
        floats = floats[end:]
    return " ".join(heard)


async def all_interpreted(
    recordings: Sequence[tuple[str, Pcm]], target: str, source: str = "en"
) -> dict[str, tuple[str, str]]:
    """(heard, said) of each recording, by its id."""
    async with Offline(target, source) as engines:
        return {name: await engines.interpreted(samples) for name, samples in recordings}
