"""How much of what a voice says a recogniser understands: word errors of a round trip."""

from __future__ import annotations

import functools
import re

import numpy as np

from dragoman.audio.resample import Resampler
from dragoman.engines import registry
from dragoman.engines.base import Synthesizer, Utterance, Window, WindowTranscriber

SENTENCES = (
    "The committee decided at last that the road should be opened before the winter.",
    "My brother works for a small company that repairs old bicycles.",
    "Could you tell me where the nearest pharmacy is, please?",
    "Scientists have discovered a new species of frog in the forest.",
    "He thanked the audience warmly and sat down beside his wife.",
    "They finished building the bridge three months earlier than planned.",
)


@functools.cache
def _recogniser() -> WindowTranscriber:
    engine = registry.make("moonshine", "asr")
    engine.load()
    assert isinstance(engine, WindowTranscriber)
    return engine


def words(text: str) -> list[str]:
    return re.sub(r"[^a-z' ]", " ", text.lower()).split()


def heard(engine: Synthesizer, text: str, voice: str) -> list[str]:
    """What Moonshine makes of the text in this voice."""
    pcm = b"".join(engine.synthesize(Utterance(text, voice, "en")))
    resampler = Resampler(engine.info.rate_hz, 16_000)
    samples = np.frombuffer(resampler.feed(pcm) + resampler.flush(), "<i2") / np.float32(32768)
    window = Window(np.pad(samples, 3200).astype(np.float32).tobytes(), "en")
    (found,) = _recogniser().transcribe([window])
    return words(" ".join(word.text for word in found.words))


def errors(meant: list[str], found: list[str]) -> int:
    """Words that were inserted, left out or changed."""
    row = list(range(len(found) + 1))
    for number, word in enumerate(meant, 1):
        diagonal, row[0] = row[0], number
        for at, other in enumerate(found, 1):
            diagonal, row[at] = (
                row[at],
                min(row[at] + 1, row[at - 1] + 1, diagonal + (word != other)),
            )
    return row[-1]


def word_error_rate(engine: Synthesizer, voice: str) -> float:
    """Over all sentences."""
    wrong = sum(errors(words(text), heard(engine, text, voice)) for text in SENTENCES)
    return wrong / sum(len(words(text)) for text in SENTENCES)
