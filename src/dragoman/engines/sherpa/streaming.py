"""Streaming recognition with sherpa-onnx: a stream for each turn, words as they are said.

Scope: Nemotron and other streaming models of NeMo, zipformer, LSTM and conformer transducers,
Paraformer, and CTC. A worker process has one copy of the model and as many streams as come; a
stream costs a small state. Greedy decoding only appends, so all words but the last are stable; with
``boost`` a beam search may change them.

* The model sees audio in chunks, so at the end it gets a chunk of silence, and what it delays.
* Its own endpoints are not used: turns are cut by the session.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from dragoman.engines.base import EngineUnavailable, Info, Recognition, Samples
from dragoman.engines.shared.opened import OpensOnce
from dragoman.engines.sherpa.hotwords import HotwordRules, hotword_rules
from dragoman.engines.sherpa.languages import check_told, known_languages
from dragoman.engines.sherpa.library import Provider, nothing_logged, opening, sherpa
from dragoman.engines.sherpa.model_folder import FoundModel, Kind, find, folder_of
from dragoman.engines.sherpa.words import TimedTokens, confidence_of, words_of
from dragoman.speech import HEARING_RATE_HZ, Hints, Hypothesis
from dragoman.text.language_tags import primary_tag

FRAMES_PER_S = 100
USUAL_CHUNK_FRAMES = 70
DELAY_S = 0.3
_CHUNK_KEYS = ("window_size", "T")  # of NeMo and of icefall
_TOKENS = {"tokens": ("tokens.txt", "*-tokens.txt")}
_TRANSDUCER = {
    "encoder": ("encoder*.onnx", "*encoder*.onnx"),
    "decoder": ("decoder*.onnx", "*decoder*.onnx"),
    "joiner": ("joiner*.onnx", "*joiner*.onnx"),
    **_TOKENS,
}
_ONE_FILE = {"model": ("model*.onnx", "ctc*.onnx", "*.onnx"), **_TOKENS}
_BIASED = ("zipformer", "conformer", "lstm")

KINDS = (
    Kind("transducer", "from_transducer", _TRANSDUCER, optional={"bpe_vocab": ("bpe.vocab",)}),
    Kind(
        "paraformer",
        "from_paraformer",
        {name: _TRANSDUCER[name] for name in ("encoder", "decoder", "tokens")},
    ),
    Kind("zipformer-ctc", "from_zipformer2_ctc", _ONE_FILE, ("zipformer2",)),
    Kind("nemo-ctc", "from_nemo_ctc", _ONE_FILE, ("EncDec",)),
    Kind("wenet-ctc", "from_wenet_ctc", _ONE_FILE, ("wenet",)),
    Kind("t-one-ctc", "from_t_one_ctc", _ONE_FILE, ("t-one",)),
)


class _Opened(msgspec.Struct):
    """What ``load`` opens. ``tail`` is the silence at the end of a turn."""

    recognizer: Any
    tail: Samples
    appends: bool
    hotwords: HotwordRules | None


class SherpaAsr(OpensOnce[_Opened]):
    """``Recognizer`` for streaming models of sherpa-onnx.

    ``model``: a folder, or a name of the catalogue. ``languages``: what it recognises. ``kind``:
    one of ``KINDS``, where the files do not tell. ``provider``: cpu or cuda. ``threads`` is per
    call. ``boost``: how strongly words of the glossary are preferred, 1 to 3 (0: not at all).
    """

    def __init__(
        self,
        *,
        model: str = "",
        languages: tuple[str, ...] = (),
        kind: str = "",
        provider: Provider = "cpu",
        threads: int = 1,
        boost: float = 0.0,
    ) -> None:
        self._model, self._kind, self._provider = model, kind, provider
        self._languages = languages
        self._threads, self._boost = threads, boost
        self.info = Info(
            name="sherpa-asr",
            role="asr",
            licence="Apache-2.0; models by their own",
            quality="good",
            runs_in="process",
            languages=known_languages(languages),
            device="gpu" if provider == "cuda" else "cpu",
            concurrency=1,
            about="streaming models of sherpa-onnx: zipformer, Nemotron, Paraformer and others",
        )

    def _open(self) -> _Opened:
        check_told(self.info.name, self._model, self._languages)
        library = sherpa(self._provider)
        found = find(folder_of(self._model), KINDS, self._kind, full=self._provider == "cuda")
        rules = self._rules(found) if self._boost else None
        arguments: dict[str, Any] = {**found.kind.options, **found.files}
        arguments.pop("bpe_vocab", None)
        if rules is not None:
            arguments |= {
                "decoding_method": "modified_beam_search",
                "hotwords_score": self._boost,
                "modeling_unit": rules.unit,
                "bpe_vocab": rules.vocabulary,
            }
        with opening(found.folder):
            recognizer = getattr(library.OnlineRecognizer, found.kind.call)(
                **arguments, num_threads=self._threads, provider=self._provider
            )
        tail = np.zeros(round(_tail_s(found) * HEARING_RATE_HZ), np.float32)
        return _Opened(recognizer, tail, rules is None, rules)

    def _rules(self, found: FoundModel) -> HotwordRules:
        if not found.metadata.get("model_type", "").startswith(_BIASED):
            raise EngineUnavailable(
                "This model cannot prefer words of the glossary: only transducers of the types "
                f"{', '.join(_BIASED)} can. Leave out the option boost."
            )
        vocabulary = found.files.get("bpe_vocab")
        return hotword_rules(Path(found.files["tokens"]), Path(vocabulary) if vocabulary else None)

    def start(self, language: str | None, hints: Hints) -> Recognition:
        """A new stream. Raises ``EngineUnavailable`` before ``load``."""
        opened = self._opened
        listed = opened.hotwords.listed(hints.phrases) if opened.hotwords is not None else ""
        tag = primary_tag(language) or None
        if len(self.info.languages) == 1 and self.info.languages != ("*",):
            tag = self.info.languages[0]
        return _Turn(opened, listed, tag)


class _Turn:
    """The audio of one turn in a stream of its own."""

    def __init__(self, opened: _Opened, hotwords: str, language: str | None) -> None:
        self._opened, self._hotwords, self._language = opened, hotwords, language
        self._stream: Any = None
        self._tokens = 0

    def feed(self, samples: Samples) -> Hypothesis | None:
        """As in the Protocol."""
        self._take(samples)
        result = self._opened.recognizer.get_result_all(self._stream)
        if self._opened.appends and len(result.tokens) == self._tokens:
            return None
        self._tokens = len(result.tokens)
        return self._hypothesis(result, is_final=False)

    def finish(self) -> Hypothesis:
        """As in the Protocol."""
        self._take(self._opened.tail)
        self._stream.set_option("is_final", "1")
        self._stream.input_finished()
        self._decode()
        final = self._hypothesis(
            self._opened.recognizer.get_result_all(self._stream), is_final=True
        )
        self._stream = None
        return final

    def _take(self, samples: Samples) -> None:
        if self._stream is None:
            create = self._opened.recognizer.create_stream
            with nothing_logged():
                self._stream = create(self._hotwords) if self._hotwords else create()
            if self._language is not None:
                self._stream.set_option("language", self._language)
        if samples.size:
            self._stream.accept_waveform(HEARING_RATE_HZ, samples)
            self._decode()

    def _decode(self) -> None:
        while self._opened.recognizer.is_ready(self._stream):
            self._opened.recognizer.decode_stream(self._stream)

    def _hypothesis(self, result: Any, *, is_final: bool) -> Hypothesis:
        found = TimedTokens(result.text, result.tokens, result.timestamps, result.ys_probs)
        words = words_of(found)
        stable = len(words) - (not is_final and bool(words)) if self._opened.appends else 0
        return Hypothesis(words, confidence_of(found), self._language, stable)


def _tail_s(found: FoundModel) -> float:
    """The length of a chunk, and how late the last word comes at most."""
    frames = next(
        (int(found.metadata[key]) for key in _CHUNK_KEYS if found.metadata.get(key, "").isdigit()),
        USUAL_CHUNK_FRAMES,
    )
    return frames / FRAMES_PER_S + DELAY_S
