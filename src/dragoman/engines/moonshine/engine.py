"""English recognition with Moonshine tiny, run directly on onnxruntime.

Scope: one call is one window of audio, nothing is kept between calls, so one pair of
onnxruntime sessions serves every thread. The model files come inside ``moonshine-voice==0.1.0``
(MIT), the last release that carries them; that package is never imported.

What the model wants, and what this engine adds (https://arxiv.org/abs/2410.15608):

* raw audio with a mask over *samples*; half a second of zeros on both sides;
* greedy decoding with a cache. Committed text (``Window.prefix``) goes in as the first tokens,
  which keeps it as it is and costs one decoder pass instead of one per token. What follows has
  to be a new word or a punctuation mark, so a committed word never gets another letter;
* a limit on tokens per second, and a check for repetitions: a decoder may loop over noise;
* names that are shown (``Hints.onscreen``) do not bias the decoder, since they may never be said;
  the finished hypothesis is compared with them (``onscreen_names``);
* confidences: of a word, the geometric mean of its tokens' probabilities; of the hypothesis, the
  same over all its tokens and the end mark, with or without the forced ones, whichever is higher:
  a prefix that the model would spell otherwise must not lower the confidence of what follows.
  Speech in another language and noise come out as fluent English with a low confidence, which is
  what ``confidence_gate`` is for.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from dragoman.engines.base import Info, Samples, Window
from dragoman.engines.moonshine.glossary_bias import BiasTrial, PhraseBias
from dragoman.engines.moonshine.hints import usable_hints
from dragoman.engines.moonshine.onscreen_names import ScoredIds, apply_names
from dragoman.engines.moonshine.tokenizer import Tokenizer
from dragoman.engines.shared.greedy_decoding import geometric_mean, repeated_count
from dragoman.engines.shared.model_files import onnx_session
from dragoman.engines.shared.model_store import find_model
from dragoman.engines.shared.opened import OpensOnce
from dragoman.speech import HEARING_RATE_HZ, Hypothesis, Word
from dragoman.text.language_tags import primary_tag

BOS, END = 1, 2
HEADS, HEAD_SIZE = 8, 36
PADDING_S = 0.5
TOKENS_PER_S = 7.0
SPARE_TOKENS = 6
LONGEST_S = 60.0
"""Audio beyond this is refused: the encoder's cost grows with the square of the length."""

Floats = npt.NDArray[np.float32]
_State = tuple[int, list[Floats], Floats]
"""How many tokens there are, the decoder's cache, and the logits for the next."""
Encoded = dict[str, npt.NDArray[Any]]


class Moonshine(OpensOnce["_Model"]):
    """``WindowTranscriber`` for English, cased and punctuated.

    ``threads`` is per call; ``boost`` is the bias towards the glossary's source terms, of which
    ``max_phrases`` are used at most.
    """

    info = Info(
        name="moonshine",
        role="asr",
        licence="MIT",
        quality="basic",
        languages=("en",),
        memory_mb=120,
        confidence_gate=0.6,
        max_window_s=12.0,
        about="Moonshine tiny-en on onnxruntime; the model comes inside moonshine-voice 0.1.0",
    )

    def __init__(self, *, threads: int = 1, boost: float = 2.5, max_phrases: int = 1_000) -> None:
        self._threads, self._boost, self._max_phrases = threads, boost, max_phrases

    def _open(self) -> _Model:
        return _Model(self._threads)

    def transcribe(self, windows: Sequence[Window]) -> list[Hypothesis]:
        """One hypothesis per window. Thread-safe.

        Raises ``ValueError`` for a language other than English and for audio over 60 s,
        ``EngineUnavailable`` before ``load``.
        """
        model = self._opened
        return [self._one(model, window) for window in windows]

    def _one(self, model: _Model, window: Window) -> Hypothesis:
        if primary_tag(window.language) not in {"", "en"}:
            raise ValueError(f"moonshine recognises English only, not {window.language!r}")
        samples = np.frombuffer(window.samples, np.float32)
        if not samples.size:
            return Hypothesis(confidence=0.0, language="en")
        if samples.size > LONGEST_S * HEARING_RATE_HZ:
            raise ValueError(f"a window holds at most {LONGEST_S:.0f} s of audio")
        tokens = model.tokens
        prefix = tokens.encode(window.prefix)
        encoded = model.encode(samples)
        hints = usable_hints(tokens, window.hints, self._max_phrases)
        bias = PhraseBias(hints.phrases, self._boost) if hints.phrases is not None else None
        ids, logprobs = model.decode(encoded, samples.size, prefix, bias)
        confidence = max(geometric_mean(logprobs), geometric_mean(logprobs[len(prefix) :]))
        if hints.names:
            guess = ScoredIds(ids, logprobs, forced=len(prefix))
            ids, logprobs = apply_names(tokens, guess, hints.names, partial(model.score, encoded))
        words = tuple(
            Word(text=text, confidence=geometric_mean([logprobs[at] for at in positions]))
            for text, positions in tokens.words(ids)
        )
        return Hypothesis(words=words, confidence=confidence, language="en")


class _Model:
    """The two graphs and the vocabulary; nothing changes after it was made."""

    def __init__(self, threads: int) -> None:
        folder = find_model("moonshine-tiny-en")
        self.tokens = Tokenizer((folder / "tokenizer.bin").read_bytes())
        self._encoder: Any = onnx_session(folder / "encoder_model.ort", threads)
        self._decoder: Any = onnx_session(folder / "decoder_model_merged.ort", threads)
        self._past: list[str] = [
            entry.name for entry in self._decoder.get_inputs() if entry.name.startswith("past_")
        ]
        # The cached branch returns the encoder's part empty; that of the first pass stays valid.
        outputs = [entry.name for entry in self._decoder.get_outputs()]
        growing = [
            (past, out)
            for past, out in zip(self._past, outputs[1:], strict=True)
            if ".decoder." in past
        ]
        self._growing = [past for past, _ in growing]
        self._step_outputs = [outputs[0], *(out for _, out in growing)]

    def decode(
        self, encoded: Encoded, size: int, prefix: list[int], bias: PhraseBias | None
    ) -> tuple[list[int], list[float]]:
        """Token ids (the prefix first) and one log probability for each, and one for the end, from
        encoded audio of ``size`` samples.

        The last log probability is missing when decoding was cut short by the limit or a loop.
        """
        feeds = {**encoded, "input_ids": np.array([[BOS, *prefix]], np.int64)}
        logits, *past = self._decoder.run(None, feeds)
        feeds.update(zip(self._past, past, strict=True))
        feeds["use_cache_branch"] = np.array([True])
        ids = list(prefix)
        logprobs = [_logprob(row, token) for row, token in zip(logits[0], prefix, strict=False)]
        trial: BiasTrial[_State] | None = BiasTrial(bias) if bias is not None else None
        if trial is not None:
            for token in prefix:
                trial.bias.follow(token, starts_word=self._starts_word(token))
        most = len(prefix) + SPARE_TOKENS + int(TOKENS_PER_S * size / HEARING_RATE_HZ)
        last: Floats = logits[0, -1]
        while True:
            scores = self._allowed(last, after_prefix=bool(prefix) and len(ids) == len(prefix))
            token = int(scores.argmax())
            if trial is not None:
                state = len(ids), [feeds[name] for name in self._growing], last
                token = trial.choose(scores, token, state)
                undone = trial.undo(token, starts_word=self._starts_word(token))
                if undone is not None:
                    (count, grown, last), token = undone
                    del ids[count:], logprobs[count:]
                    feeds.update(zip(self._growing, grown, strict=True))
            logprobs.append(_logprob(last, token))
            if token == END:
                return ids, logprobs
            ids.append(token)
            repeated = min(repeated_count(ids), len(ids) - len(prefix))
            if repeated:
                return ids[:-repeated], logprobs[:-repeated]
            if len(ids) >= most:
                return ids, logprobs
            feeds["input_ids"] = np.array([[token]], np.int64)
            logits, *past = self._decoder.run(self._step_outputs, feeds)
            feeds.update(zip(self._growing, past, strict=True))
            last = logits[0, -1]

    def score(self, encoded: Encoded, ids: list[int]) -> list[float]:
        """One log probability for each of these ids and one for the end: a single pass."""
        feeds = {**encoded, "input_ids": np.array([[BOS, *ids]], np.int64)}
        rows = self._decoder.run(None, feeds)[0][0]
        return [_logprob(row, token) for row, token in zip(rows, [*ids, END], strict=True)]

    def encode(self, samples: Samples) -> Encoded:
        """The encoder's output, and the other inputs of the decoder that depend on the audio."""
        pad = int(PADDING_S * HEARING_RATE_HZ)
        audio = np.zeros((1, samples.size + 2 * pad), np.float32)
        audio[0, pad : pad + samples.size] = samples
        mask = np.ones(audio.shape, np.int64)
        (states,) = self._encoder.run(None, {"input_values": audio, "attention_mask": mask})
        empty = np.zeros((1, HEADS, 0, HEAD_SIZE), np.float32)
        return {
            "encoder_hidden_states": states,
            "encoder_attention_mask": mask,
            "use_cache_branch": np.array([False]),
            **dict.fromkeys(self._past, empty),
        }

    def _allowed(self, logits: Floats, *, after_prefix: bool) -> Floats:
        """A copy in which only what may follow can be chosen: behind a forced prefix a new word or
        a mark.
        """
        scores = logits.copy()
        if after_prefix:
            allowed = self.tokens.starts_word | self.tokens.mark
            allowed[END] = True
            scores[~allowed] = -np.inf
        return scores

    def _starts_word(self, token: int) -> bool:
        """Whether the word before this token is complete."""
        return token == END or bool(self.tokens.starts_word[token] or self.tokens.mark[token])


def _logprob(logits: Floats, token: int) -> float:
    """The log probability of a token by the model alone, without any bias."""
    top = float(logits.max())
    return float(logits[token]) - top - float(np.log(np.exp(logits - top).sum()))
