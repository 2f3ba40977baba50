"""Recognition of whole windows with the models of sherpa-onnx that are no streaming ones.

Scope: Moonshine, Whisper, SenseVoice, Qwen3-ASR, Parakeet, Paraformer and others, as a
``WindowTranscriber``. What is said about words depends on the model: most give times, few
probabilities. Silence is not given to the model, since several write words for it, and a window is
at least a second long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from dragoman.engines.base import Info, Samples, Window
from dragoman.engines.shared.opened import OpensOnce
from dragoman.engines.sherpa.languages import check_told, known_languages
from dragoman.engines.sherpa.library import Provider, nothing_logged, opening, sherpa
from dragoman.engines.sherpa.model_folder import Kind, Patterns, find, folder_of
from dragoman.engines.sherpa.words import TimedTokens, confidence_of, words_of
from dragoman.speech import HEARING_RATE_HZ, Hints, Hypothesis
from dragoman.text.language_tags import primary_tag

LONGEST_S = 60.0
LEAST_S = 1.0
PADDING_S = {"moonshine": 0.5, "moonshine-v2": 0.5}
"""Silence on both sides that some kinds want (see ``engines.moonshine``)."""
SILENCE = 1e-3
"""Full scale is 1: windows that stay below -60 dB hold no speech."""
MOST_HOTWORDS = 100

_TOKENS = {"tokens": ("tokens.txt", "*tokens.txt")}
_TWO: Patterns = {
    "encoder": ("encoder*.onnx", "*encoder*.onnx"),
    "decoder": ("decoder*.onnx", "*decoder*.onnx"),
    **_TOKENS,
}
_THREE: Patterns = {**_TWO, "joiner": ("joiner*.onnx", "*joiner*.onnx")}
_ONE: Patterns = {"model": ("model*.onnx", "*ctc*.onnx", "*.onnx"), **_TOKENS}

KINDS = (
    Kind("nemo-transducer", "from_transducer", _THREE, ("EncDec",),
         options={"model_type": "nemo_transducer"}),
    Kind("transducer", "from_transducer", _THREE),
    Kind("moonshine-v2", "from_moonshine_v2", {
        "encoder": ("encoder_model.ort", "encoder_model*.onnx"),
        "decoder": ("decoder_model_merged.ort", "decoder_model_merged*.onnx"),
        **_TOKENS,
    }),
    Kind("moonshine", "from_moonshine", {
        "preprocessor": ("preprocess*.onnx",),
        "encoder": ("encode*.onnx",),
        "uncached_decoder": ("uncached_decode*.onnx",),
        "cached_decoder": ("cached_decode*.onnx",),
        **_TOKENS,
    }),
    Kind("qwen3-asr", "from_qwen3_asr", {
        "conv_frontend": ("conv_frontend*.onnx",),
        "encoder": ("encoder*.onnx",),
        "decoder": ("decoder*.onnx",),
        "tokenizer": ("tokenizer/", "Qwen3*/"),
    }),
    Kind("funasr-nano", "from_funasr_nano", {
        "encoder_adaptor": ("encoder_adaptor*.onnx",),
        "llm": ("llm*.onnx",),
        "embedding": ("embedding*.onnx",),
        "tokenizer": ("tokenizer/", "Qwen3*/"),
    }),
    Kind("whisper", "from_whisper", _TWO, ("whisper",),
         options={"enable_segment_timestamps": True}),
    Kind("canary", "from_nemo_canary", _TWO, ("EncDecMultiTaskModel",)),
    Kind("sense-voice", "from_sense_voice", _ONE, ("sense_voice",), options={"use_itn": True}),
    Kind("paraformer", "from_paraformer", {"paraformer": ("model*.onnx",), **_TOKENS},
         ("paraformer",)),
    Kind("omnilingual", "from_omnilingual_asr_ctc", _ONE, ("omnilingual",)),
    Kind("zipformer-ctc", "from_zipformer_ctc", _ONE, ("zipformer2",)),
    Kind("nemo-ctc", "from_nemo_ctc", _ONE, ("EncDec",)),
    Kind("wenet-ctc", "from_wenet_ctc", _ONE, ("wenet",)),
    Kind("dolphin", "from_dolphin_ctc", _ONE, ("dolphin",)),
)  # fmt: skip
_LANGUAGE_ARGUMENTS = {
    "whisper": ("language",),
    "sense-voice": ("language",),
    "canary": ("src_lang", "tgt_lang"),
}
_TAKES_HOTWORDS = {"qwen3-asr", "funasr-nano"}


class _Opened(msgspec.Struct):
    """What ``load`` opens."""

    recognizer: Any
    kind: str


class SherpaOfflineAsr(OpensOnce[_Opened]):
    """``WindowTranscriber`` for models of sherpa-onnx that hear a whole window.

    ``model``: a folder, or a name of the catalogue. ``languages``: what it recognises; with one,
    it is told which. ``kind``: one of ``KINDS``, where the files do not tell. ``provider``: cpu or
    cuda. ``threads`` is per call. ``max_batch``: windows in one call, which pays on a GPU.
    ``window_s``: the longest window that the model does well.
    """

    def __init__(
        self,
        *,
        model: str = "",
        languages: tuple[str, ...] = (),
        kind: str = "",
        provider: Provider = "cpu",
        threads: int = 1,
        max_batch: int = 1,
        window_s: float = 12.0,
    ) -> None:
        self._model, self._kind, self._provider = model, kind, provider
        self._languages = languages
        self._threads = threads
        self.info = Info(
            name="sherpa-offline-asr",
            role="asr",
            licence="Apache-2.0; models by their own",
            quality="good",
            runs_in="process",
            languages=known_languages(languages),
            max_batch=max_batch,
            max_window_s=window_s,
            device="gpu" if provider == "cuda" else "cpu",
            concurrency=1,
            about="sherpa-onnx: Moonshine, SenseVoice, Qwen3-ASR, Parakeet, Whisper and others",
        )

    def _open(self) -> _Opened:
        check_told(self.info.name, self._model, self._languages)
        library = sherpa(self._provider)
        found = find(folder_of(self._model), KINDS, self._kind, full=self._provider == "cuda")
        arguments: dict[str, Any] = {**found.kind.options, **found.files}
        languages = self.info.languages
        one = languages[0] if len(languages) == 1 and languages != ("*",) else ""
        for argument in _LANGUAGE_ARGUMENTS.get(found.kind.name, ()):
            if one or argument == "language":
                arguments[argument] = one
        with opening(found.folder):
            recognizer = getattr(library.OfflineRecognizer, found.kind.call)(
                **arguments, num_threads=self._threads, provider=self._provider
            )
        return _Opened(recognizer, found.kind.name)

    def transcribe(self, windows: Sequence[Window]) -> list[Hypothesis]:
        """One hypothesis per window.

        Raises ``ValueError`` for audio over 60 s, ``EngineUnavailable`` before ``load``.
        """
        opened = self._opened
        heard: dict[int, Any] = {}
        for place, window in enumerate(windows):
            samples = np.frombuffer(window.samples, np.float32)
            if samples.size > LONGEST_S * HEARING_RATE_HZ:
                raise ValueError(f"a window holds at most {LONGEST_S:.0f} s of audio")
            if samples.size and np.abs(samples).max() > SILENCE:
                heard[place] = _stream(opened, samples, window.hints)
        if heard:
            with nothing_logged():
                opened.recognizer.decode_streams(list(heard.values()))
        return [
            self._hypothesis(heard[place].result, window)
            if place in heard
            else Hypothesis(confidence=0.0, language=self._language(window))
            for place, window in enumerate(windows)
        ]

    def _hypothesis(self, result: Any, window: Window) -> Hypothesis:
        found = TimedTokens(result.text, result.tokens, result.timestamps, result.ys_log_probs)
        told = result.lang.strip("<|>")
        return Hypothesis(words_of(found), confidence_of(found), told or self._language(window))

    def _language(self, window: Window) -> str | None:
        languages = self.info.languages
        if len(languages) == 1 and languages != ("*",):
            return languages[0]
        return primary_tag(window.language) or None


def _stream(opened: _Opened, samples: Samples, hints: Hints) -> Any:
    stream = opened.recognizer.create_stream()
    pad = round(PADDING_S.get(opened.kind, 0.0) * HEARING_RATE_HZ)
    short = max(0, round(LEAST_S * HEARING_RATE_HZ) - samples.size - 2 * pad)
    stream.accept_waveform(HEARING_RATE_HZ, np.pad(samples, (pad, pad + short)))
    if hints.phrases and opened.kind in _TAKES_HOTWORDS:
        phrases = list(hints.phrases)[:MOST_HOTWORDS]
        stream.set_option("hotwords", ",".join(" ".join(one.split()) for one in phrases))
    return stream
