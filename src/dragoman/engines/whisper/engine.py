"""Recognition of many languages with Whisper on CTranslate2.

Scope: windows to hypotheses: which windows are decoded together, in which language, with which
prompt. ``model`` calls the library, ``answers`` reads its results, ``prompt`` writes the hints.

* The encoder is cut to the window, so a window costs by its length and not by 30 s.
* Windows whose language is not declared are first asked for it: one step of the decoder.
* Decoding is greedy with times and a limit on tokens. Times and probabilities of words come from
  one more pass over the text, which costs a tenth of the decoding.
* ``Window.prefix`` is not forced: CTranslate2 computes forced tokens one by one, so that it would
  save nothing.

Source: Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import numpy as np
from msgspec.structs import replace

from dragoman.engines.base import EngineUnavailable, Info, Quality, Samples, Window
from dragoman.engines.shared.opened import OpensOnce
from dragoman.engines.whisper import answers
from dragoman.engines.whisper.languages import USUAL
from dragoman.engines.whisper.model import FRAMES_PER_S, LONGEST_S, WhisperModel, shared_model
from dragoman.engines.whisper.prompt import prompt_ids
from dragoman.speech import HEARING_RATE_HZ, Hypothesis
from dragoman.text.language_tags import primary_tag

CONFIDENCE_GATE = 0.4
SPARE_TOKENS = 12
TOKENS_PER_S = 8
_LEAST_SAMPLES = HEARING_RATE_HZ // 10
_QUALITY: dict[str, Quality] = {"tiny": "gist", "base": "gist", "small": "basic"}


def model_size(model: str) -> str:
    """``base`` of ``whisper-base``, ``large`` of a folder ``/models/large-v3``."""
    return model.rstrip("/").rpartition("/")[2].removeprefix("whisper-").partition("-")[0]


class _Heard(msgspec.Struct):
    """A window on its way: ``before`` are the ids of its prompt."""

    place: int
    samples: Samples
    seconds: int
    language: str | None
    before: list[int]
    sure: float = 1.0


class Whisper(OpensOnce[WhisperModel]):
    """``WindowTranscriber`` for many languages, cased and punctuated.

    ``model``: a name of the catalogue without ``whisper-``, or a folder. ``device``: cpu, cuda or
    auto. ``compute_type``: one of CTranslate2; empty: int8 on a CPU, float16 on a GPU. ``threads``
    is per call; ``workers`` calls run at the same time (0: as many as cores, one on a GPU).
    ``languages`` limits what is recognised, and what is guessed where no language is declared.
    ``prompt``: tell the model the hints, which the small models do not bear.
    """

    def __init__(
        self,
        *,
        model: str = "base",
        device: Literal["cpu", "cuda", "auto"] = "cpu",
        compute_type: str = "",
        threads: int = 1,
        workers: int = 0,
        languages: tuple[str, ...] = (),
        max_batch: int = 8,
        prompt: bool = False,
    ) -> None:
        self._model, self._device, self._compute_type = model, device, compute_type
        self._threads, self._workers, self._prompt = threads, workers, prompt
        size = model_size(model)
        usual = ("en",) if size.endswith(".en") else USUAL
        known = tuple(dict.fromkeys(filter(None, map(primary_tag, languages)))) or usual
        self.info = Info(
            name="whisper",
            role="asr",
            licence="MIT",
            quality=_QUALITY.get(size.removesuffix(".en"), "good"),
            languages=known,
            confidence_gate=CONFIDENCE_GATE,
            max_window_s=9.0,
            max_batch=max_batch,
            memory_mb=220 if size == "base" else 0,
            device="cpu" if device == "cpu" else "gpu",
            own_threads=device != "cuda",
            about=f"Whisper {model} on CTranslate2, the encoder cut to the window",
        )

    def _open(self) -> WhisperModel:
        model = shared_model(
            self._model, self._device, self._compute_type, self._threads, self._workers
        )
        unknown = [tag for tag in self.info.languages if model.vocabulary.language(tag) is None]
        if unknown:
            raise EngineUnavailable(f"Whisper knows no language {', '.join(unknown)}.")
        return model

    def transcribe(self, windows: Sequence[Window]) -> list[Hypothesis]:
        """One hypothesis per window. Thread-safe.

        Raises ``ValueError`` for a language that is not among ``info.languages`` and for audio over
        28 s, ``EngineUnavailable`` before ``load``.
        """
        model = self._opened
        found = [Hypothesis(confidence=0.0)] * len(windows)
        together: dict[tuple[int, int], list[_Heard]] = {}
        for place, window in enumerate(windows):
            heard = self._heard(model, place, window)
            if len(heard.samples) >= _LEAST_SAMPLES:
                together.setdefault((heard.seconds, len(heard.before)), []).append(heard)
        for group in together.values():
            for heard, hypothesis in zip(group, self._decoded(model, group), strict=True):
                found[heard.place] = hypothesis
        return found

    def _heard(self, model: WhisperModel, place: int, window: Window) -> _Heard:
        language = primary_tag(window.language) or None
        if language is not None and language not in self.info.languages:
            raise ValueError(f"{language!r} is not among the languages of this engine")
        if len(self.info.languages) == 1:
            language = self.info.languages[0]
        samples = np.frombuffer(window.samples, np.float32)
        if samples.size > LONGEST_S * HEARING_RATE_HZ:
            raise ValueError(f"a window holds at most {LONGEST_S:.0f} s of audio")
        hints = window.hints if self._prompt else None
        before = prompt_ids(model.vocabulary, language, hints)
        return _Heard(place, samples, model.seconds(samples), language, before)

    def _decoded(self, model: WhisperModel, group: Sequence[_Heard]) -> list[Hypothesis]:
        """Hypotheses of windows of one length."""
        states = model.encode([model.features(heard.samples) for heard in group])
        for heard, state in zip(group, states, strict=True):
            if heard.language is None:
                heard.language, heard.sure = self._spoken(model, state)
        starts = [self._start(model, heard.language) for heard in group]
        prompts = [[*heard.before, *start] for heard, start in zip(group, starts, strict=True)]
        most = SPARE_TOKENS + TOKENS_PER_S * group[0].seconds
        results = model.generate(states, prompts, most)
        return [
            self._answer(model, *one) for one in zip(group, states, starts, results, strict=True)
        ]

    def _spoken(self, model: WhisperModel, state: Any) -> tuple[str, float]:
        """The most likely of our languages, and its share of their probability."""
        ours = [one for one in model.languages(state) if one[0] in self.info.languages]
        return ours[0][0], ours[0][1] / sum(probability for _, probability in ours)

    def _start(self, model: WhisperModel, language: str | None) -> list[int]:
        vocabulary = model.vocabulary
        if not model.is_multilingual:
            return [vocabulary.start]
        token = vocabulary.language(language or "")
        return [vocabulary.start, *([] if token is None else [token]), vocabulary.transcribe]

    def _answer(
        self, model: WhisperModel, heard: _Heard, state: Any, start: list[int], result: Any
    ) -> Hypothesis:
        found = Hypothesis(confidence=0.0)
        ids = answers.text_ids(model.vocabulary, result.sequences_ids[0])
        if ids:
            frames = len(heard.samples) * FRAMES_PER_S // HEARING_RATE_HZ
            alignment = model.align(state, start, ids, frames)
            timed = answers.aligned(alignment.alignments, alignment.text_token_probs)
            found = answers.hypothesis(model.vocabulary, ids, timed, result.no_speech_prob)
        return replace(found, language=heard.language, language_confidence=heard.sure)
