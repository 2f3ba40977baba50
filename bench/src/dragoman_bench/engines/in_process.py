"""Engines in this process beside the libraries that they call.

Scope: what a program would write that uses the bare library for the same result, with the same
files and settings. Whisper: the same spectrogram, prompt, limit of tokens and times of words on
CTranslate2. Firefox: the same sentences on fxtranslate. Hibari: phonemes, network and vocoder,
without pieces' edges, loudness and pauses; beside it, onnxruntime's share.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import numpy as np

from dragoman.audio.pcm import from_float
from dragoman.engines.base import EngineUnavailable, Samples, Translation, Utterance, Window
from dragoman.engines.firefox.engine import Firefox
from dragoman.engines.hibari.engine import Hibari
from dragoman.engines.hibari.vocoder import waveform
from dragoman.engines.shared.ctranslate2_models import COMPUTE_TYPES
from dragoman.engines.shared.english.phonemes import EnglishPhonemes
from dragoman.engines.shared.english.tables import english_phonemes, read_json
from dragoman.engines.shared.model_files import onnx_session
from dragoman.engines.shared.model_store import find_model
from dragoman.engines.shared.phoneme_pieces import pieces
from dragoman.engines.whisper.engine import SPARE_TOKENS, TOKENS_PER_S, Whisper
from dragoman.engines.whisper.mel import HOP, log_mel
from dragoman.engines.whisper.model import SILENCE_S, STEP_S, model_folder
from dragoman_bench.engines import overhead
from dragoman_bench.engines.overhead import PairedTimes, Work
from dragoman_bench.figures import BenchFailed, Figure, Part
from dragoman_bench.interpret import recordings
from dragoman_bench.interpret.recordings import RATE_HZ

SENTENCES = (
    "Good morning, everyone, and welcome to the meeting.",
    "We have a lot to talk about today, and not much time.",
    "The first point is how the new building will be heated in winter.",
    "Thank you very much.",
    "I would like to hear what the people who live there think about it.",
    "It was the best of times, it was the worst of times, it was the age of wisdom.",
)
_WINDOW_S = 5
_LONGEST_PIECE = 200


def measure(*, quick: bool) -> Part:
    """All three; what is not installed is left out of the table and named in the raw figures."""
    rounds = 3 if quick else 12
    found: list[Figure] = []
    raw: dict[str, object] = {}
    measures: dict[str, Callable[[int], tuple[PairedTimes, list[Figure]]]] = {
        "whisper": _whisper,
        "firefox": _firefox,
        "hibari": _hibari,
    }
    for name, one in measures.items():
        try:
            compared, rows = one(rounds)
        except EngineUnavailable as refusal:
            raw[name] = str(refusal)
            continue
        raw[name] = msgspec.to_builtins(compared)
        found += rows
    if not found:
        raise BenchFailed("; ".join(map(str, raw.values())))
    return Part(name="overhead", figures=found, raw=raw)


def spoken_windows(seconds: int = _WINDOW_S, count: int = 4) -> list[Samples]:
    """Windows of a reading, one behind the other."""
    pcm = asyncio.run(recordings.read(recordings.two_cities().path))
    size = seconds * RATE_HZ
    samples = pcm[: size * count].astype(np.float32) / 32768
    return list(samples.reshape(count, size))


# ---------------------------------------------------------------- whisper
def _whisper(rounds: int) -> tuple[PairedTimes, list[Figure]]:
    engine = Whisper(workers=1)
    engine.load()
    bare = BareWhisper(model_folder("base"))
    pairs = [
        (
            partial(bare.transcribe, samples),
            partial(engine.transcribe, [Window(samples.tobytes(), "en")]),
        )
        for samples in spoken_windows()
    ]
    found = overhead.compare(pairs, rounds)
    mel_ms = [
        overhead.taken(partial(_one, partial(bare.features, samples))).cpu_ms
        for samples in spoken_windows()
    ]
    engine.close()
    more = [("of which the spectrogram", median(mel_ms), "ms", None)]
    return found, overhead.figures("whisper base, 5 s, bare CTranslate2", found, more)


class BareWhisper:
    """The library's calls, as its documentation has them."""

    def __init__(self, folder: Path) -> None:
        import ctranslate2  # noqa: PLC0415 - an extra
        import tokenizers  # noqa: PLC0415

        self._view = ctranslate2.StorageView.from_array
        self._model: Any = ctranslate2.models.Whisper(
            str(folder), device="cpu", compute_type=COMPUTE_TYPES["cpu"], intra_threads=1
        )
        self._tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        names = ("<|startoftranscript|>", "<|en|>", "<|transcribe|>")
        self._start = [self._tokenizer.token_to_id(name) for name in names]
        self._end = self._tokenizer.token_to_id("<|endoftext|>")

    def features(self, samples: Samples) -> Any:
        """The spectrogram with the silence that the engine puts behind the speech."""
        size = self._seconds(samples) * RATE_HZ
        return np.ascontiguousarray(log_mel(np.pad(samples, (0, size - len(samples))), 80)[None])

    def transcribe(self, samples: Samples) -> Iterator[str]:
        """Text with the times of its tokens."""
        states = self._model.encode(self._view(self.features(samples)), to_cpu=True)
        most = SPARE_TOKENS + TOKENS_PER_S * self._seconds(samples)
        (result,) = self._model.generate(
            states, [self._start], beam_size=1, max_length=most, return_no_speech_prob=True
        )
        ids = [token for token in result.sequences_ids[0] if token < self._end]
        self._model.align(states, self._start, [ids], len(samples) // HOP)
        yield self._tokenizer.decode(ids)

    @staticmethod
    def _seconds(samples: Samples) -> int:
        return math.ceil((len(samples) / RATE_HZ + SILENCE_S) / STEP_S) * STEP_S


# ---------------------------------------------------------------- firefox
def _firefox(rounds: int) -> tuple[PairedTimes, list[Figure]]:
    engine = Firefox()
    engine.load()
    files = engine.models.get(("en", "pt"))
    if files is None:
        raise EngineUnavailable("There is no Firefox model from English to Portuguese.")
    import fxtranslate  # noqa: PLC0415 - an extra

    library: Any = fxtranslate
    lex = None if files.lex is None else files.lex.read_bytes()
    read = (files.model, files.source_vocab, files.target_vocab)
    bare = library.Translator(*(path.read_bytes() for path in read), lex)
    pairs: list[tuple[Work, Work]] = [
        (
            partial(_one, partial(bare.translate, text)),
            partial(_one, partial(engine.translate, Translation(text, "en", "pt"))),
        )
        for text in SENTENCES
    ]
    found = overhead.compare(pairs, rounds)
    engine.close()
    return found, overhead.figures("firefox en-pt, a sentence, bare fxtranslate", found)


def _one(call: Callable[[], object]) -> list[object]:
    return [call()]


# ---------------------------------------------------------------- hibari
def _hibari(rounds: int) -> tuple[PairedTimes, list[Figure]]:
    engine = Hibari()
    engine.load()
    folder = find_model("hibari")
    bare = _BareHibari(
        onnx_session(folder / "hibari.onnx", 1),
        read_json(folder / "vocab.json"),
        english_phonemes(folder, 1),
        engine.sounds.of("").pitch,
    )
    pairs: list[tuple[Work, Work]] = [
        (
            partial(bare.synthesize, text),
            partial(engine.synthesize, Utterance(text=text, voice="", language="en")),
        )
        for text in SENTENCES
    ]
    found = overhead.compare(pairs, rounds)
    network = [overhead.taken(partial(bare.network, text)).cpu_ms for text in SENTENCES]
    engine.close()
    more = [("of which onnxruntime", median(network), "ms", None)]
    return found, overhead.figures("hibari, a sentence, bare model and vocoder", found, more)


class _BareHibari(msgspec.Struct):
    """The least that makes sound of text with this model."""

    session: Any
    ids: dict[str, int]
    phonemes: EnglishPhonemes
    pitch: float

    def network(self, text: str) -> Iterator[list[Any]]:
        """What onnxruntime gives for each piece."""
        for piece, _ in pieces(self.phonemes.of(text), _LONGEST_PIECE):
            ids = [0, *(self.ids[sound] for sound in piece if sound in self.ids), 0]
            asked = {"ids": np.array([ids]), "speed": np.ones(1, np.float32)}
            yield [part[0] for part in self.session.run(None, asked)]

    def synthesize(self, text: str) -> Iterator[bytes]:
        """PCM."""
        for outputs in self.network(text):
            yield from_float(waveform(outputs, pitch=self.pitch))
