"""A Whisper model on CTranslate2: opened, and called for features and tokens.

Scope: the library and the files; which words a result means is ``answers``. A folder holds
``model.bin``, ``config.json`` and ``tokenizer.json``, as the conversions of Systran and others do.
CTranslate2 releases the GIL and spreads calls over its own workers, which share the weights.

The encoder takes spectrograms shorter than 30 s, and its cost is that of their length. They need
some silence behind the speech, or the decoder runs on (``SILENCE_S``), and are padded to even
seconds, so that windows of about the same length can be decoded together: two together cost less
than two thirds. A GPU gets all windows at one length, as its encoder costs little.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from dragoman.engines.base import EngineUnavailable, Samples
from dragoman.engines.shared.ctranslate2_models import (
    COMPUTE_TYPES,
    broken,
    ctranslate2_library,
    device_here,
    not_opened,
    workers_for,
)
from dragoman.engines.shared.model_catalogue import MODELS
from dragoman.engines.shared.model_files import pip_install
from dragoman.engines.shared.model_store import find_model
from dragoman.engines.whisper.languages import tag_of
from dragoman.engines.whisper.mel import HOP, Floats, log_mel
from dragoman.engines.whisper.vocabulary import Vocabulary
from dragoman.speech import HEARING_RATE_HZ

REQUIREMENTS = ("ctranslate2>=4.8,<5", "tokenizers")
SILENCE_S = 2.0
LONGEST_S = 30 - SILENCE_S
STEP_S = 2
GPU_SECONDS = 12
FRAMES_PER_S = HEARING_RATE_HZ // HOP


class WhisperModel:
    """An opened model; nothing changes after it was made. Its weights are freed with it. Raises
    ``EngineUnavailable``.
    """

    def __init__(
        self, model: str, device: str, compute_type: str, threads: int, workers: int
    ) -> None:
        library = _library()
        self._view, self._library = library.StorageView, library
        self.device = device_here(library, device)
        self.folder = model_folder(model)
        try:
            self.vocabulary = Vocabulary.read(self.folder / "tokenizer.json")
        except Exception as error:  # tokenizers raises bare Exception
            raise broken(self.folder / "tokenizer.json", error) from error
        try:
            self._model = library.models.Whisper(
                str(self.folder),
                device=self.device,
                compute_type=compute_type or COMPUTE_TYPES[self.device],
                inter_threads=workers or workers_for(self.device, threads),
                intra_threads=threads,
            )
        except (RuntimeError, ValueError) as error:
            raise not_opened(self.folder, error) from error
        self.mels: int = self._model.n_mels
        self.is_multilingual: bool = self._model.is_multilingual

    # ------------------------------------------------------------ calls
    def seconds(self, samples: Samples) -> int:
        """The length that a window is padded to with silence."""
        least = math.ceil((len(samples) / HEARING_RATE_HZ + SILENCE_S) / STEP_S) * STEP_S
        return least if self.device == "cpu" else max(least, GPU_SECONDS)

    def features(self, samples: Samples) -> Floats:
        """The spectrogram of a window with its silence; shape (1, mels, frames)."""
        padded = np.zeros(self.seconds(samples) * HEARING_RATE_HZ, np.float32)
        padded[: len(samples)] = samples
        return np.ascontiguousarray(log_mel(padded, self.mels)[None])

    def encode(self, features: Sequence[Floats]) -> list[Any]:
        """Encoder states of windows of one length. A CPU encodes them one by one as fast."""
        if self.device == "cpu" or len(features) == 1:
            views = [self._view.from_array(one) for one in features]
            return [self._model.encode(view, to_cpu=True) for view in views]
        together = self._model.encode(self._view.from_array(np.concatenate(features)), to_cpu=True)
        states = np.array(together)
        return [self._view.from_array(states[at : at + 1].copy()) for at in range(len(states))]

    def languages(self, states: Any) -> list[tuple[str, float]]:
        """The model's languages by probability, most likely first."""
        found = self._model.detect_language(states)[0]
        return [(tag_of(token), probability) for token, probability in found]

    def generate(
        self, states: Sequence[Any], prompts: list[list[int]], most: int, *, beam: int = 1
    ) -> list[Any]:
        """A result for each window: with times, at most so many tokens. The prompts are of one
        length before their start token.
        """
        results: list[Any] = self._model.generate(
            self._joined(states),
            prompts,
            beam_size=beam,
            max_length=most,
            return_no_speech_prob=True,
        )
        return results

    def align(self, states: Any, start: list[int], ids: list[int], frames: int) -> Any:
        """When the text tokens were said, and their probabilities, given all before them."""
        return self._model.align(states, start, [ids], frames)[0]

    def _joined(self, states: Sequence[Any]) -> Any:
        if len(states) == 1:
            return states[0]
        return self._view.from_array(np.concatenate([np.array(one) for one in states]))


# ---------------------------------------------------------------- opening
_shared: WeakValueDictionary[tuple[object, ...], WhisperModel] = WeakValueDictionary()
_opening = threading.Lock()


def shared_model(
    model: str, device: str, compute_type: str, threads: int, workers: int
) -> WhisperModel:
    """A model that all engines of this process with the same settings share; it is freed when none
    of them has it any more. Raises ``EngineUnavailable``.
    """
    _library()  # what is missing is told before a model is looked for
    settings = (str(model_folder(model).resolve()), device, compute_type, threads, workers)
    with _opening:
        found = _shared.get(settings)
        if found is None:
            found = _shared[settings] = WhisperModel(model, device, compute_type, threads, workers)
        return found


def _library() -> Any:
    mend = f"dragoman setup multilingual (or: {pip_install(*REQUIREMENTS)})"
    return ctranslate2_library("tokenizers", mend)


def model_folder(model: str) -> Path:
    """The folder of a model of the catalogue (``base`` or ``whisper-base``), or the one named.
    Raises ``EngineUnavailable``.
    """
    for name in (model, f"whisper-{model}"):
        if name in MODELS:
            return find_model(name)
    folder = Path(model).expanduser()
    if not folder.is_dir():
        known = ", ".join(name for name in MODELS if name.startswith("whisper-"))
        raise EngineUnavailable(
            f"{model!r} is neither a folder nor a Whisper model of the catalogue ({known})."
        )
    for name in ("model.bin", "config.json", "tokenizer.json"):
        if not (folder / name).is_file():
            raise EngineUnavailable(
                f"The folder {folder} has no {name}. It should hold a Whisper model converted for "
                "CTranslate2, such as those of Systran (faster-whisper-…)."
            )
    return folder
