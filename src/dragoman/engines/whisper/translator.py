"""Speech of a European language to English text, by Whisper's own translation.

Scope: a translator that hears. It gets the audio of a sentence, or of the beginning of one, and
translates what it hears; the recognised text says only whether the sentence is complete and how
long it is. ``model`` calls the library, ``answers`` judges loops.

Whisper was trained to translate speech into English, from few languages well: it invents fluent
sentences for Chinese, Japanese and Korean, so those are refused. It is the last resort of a
direction that nothing else covers, and its quality is a gist. Loops, and words for what is no
speech, fail the call: an invented sentence is worse than none.

``Translation.prefix`` is not forced: the model would have to write without times, and then it
repeats itself more often.

Source: Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision": the beam
of 5.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from dragoman.engines.base import EngineUnavailable, Info, Samples, Translation
from dragoman.engines.shared.opened import OpensOnce
from dragoman.engines.whisper import answers
from dragoman.engines.whisper.engine import SPARE_TOKENS, TOKENS_PER_S, model_size
from dragoman.engines.whisper.languages import EUROPEAN
from dragoman.engines.whisper.model import LONGEST_S, WhisperModel, shared_model
from dragoman.speech import HEARING_RATE_HZ
from dragoman.text.clause_data import CLOSERS, FULL_STOPS
from dragoman.text.continuation import without_false_stop
from dragoman.text.language_tags import primary_tag

_LEAST_SAMPLES = HEARING_RATE_HZ // 10
_BEAM = 5
_MOST_GROWTH, _SPARE_CHARS = 3, 80
"""English that has so many times the letters of its source, and a sentence more, was not said."""


class NotUnderstood(ValueError):
    """There is no sound of the text, or the model is not sure of what it wrote."""


class WhisperTranslate(OpensOnce[WhisperModel]):
    """``Translator`` of speech into English. ``languages`` are those it translates from; the other
    options are those of ``whisper``, whose model it shares where both have the same.
    """

    def __init__(
        self,
        *,
        model: str = "base",
        device: Literal["cpu", "cuda", "auto"] = "cpu",
        compute_type: str = "",
        threads: int = 1,
        workers: int = 0,
        languages: tuple[str, ...] = ("de",),
    ) -> None:
        self._settings = (model, device, compute_type, threads, workers)
        known = tuple(dict.fromkeys(filter(None, map(primary_tag, languages))))
        if refused := [tag for tag in known if tag not in EUROPEAN]:
            raise ValueError(
                f"whisper-translate does not translate from {', '.join(refused)}: for many "
                "languages, Chinese, Japanese and Korean among them, Whisper invents sentences. "
                f"languages may hold: {', '.join(EUROPEAN)}"
            )
        if any(part in model for part in ("turbo", "distil", ".en")):
            raise ValueError(f"the model {model} was not trained to translate")
        self.info = Info(
            name="whisper-translate",
            role="mt",
            licence="MIT",
            quality="basic" if model_size(model) == "large" else "gist",
            languages=known,
            pairs=tuple((tag, "en") for tag in known),
            takes_speech=True,
            device="cpu" if device == "cpu" else "gpu",
            own_threads=device != "cuda",
            about=f"Whisper {model} translates speech into English; shares the model of whisper",
        )

    def _open(self) -> WhisperModel:
        model = shared_model(*self._settings)
        unknown = [tag for tag in self.info.languages if model.vocabulary.language(tag) is None]
        if unknown or not model.is_multilingual:
            raise EngineUnavailable(f"This model does not translate from {', '.join(unknown)}.")
        return model

    def warm(self, source: str, target: str) -> None:
        """Nothing to do: every direction is the same model."""

    def translate(self, request: Translation) -> str:
        """English for ``request.speech``. Thread-safe. Raises ``NotUnderstood``, ``ValueError`` for
        another direction, ``EngineUnavailable`` before ``load``.
        """
        model, text = self._opened, request.text.strip()
        if not text:
            return ""
        language = primary_tag(request.source)
        if language not in self.info.languages or primary_tag(request.target) != "en":
            raise ValueError("this direction is not among those of this engine")
        samples = np.frombuffer(request.speech, np.float32)
        if not _LEAST_SAMPLES <= samples.size <= LONGEST_S * HEARING_RATE_HZ:
            raise NotUnderstood("there is no sound of this text, or too much of it")
        return _finished(_translated(model, samples, language, text), text)


def _translated(model: WhisperModel, samples: Samples, language: str, text: str) -> str:
    vocabulary = model.vocabulary
    spoken = vocabulary.language(language)
    assert spoken is not None, "``_open`` has seen to that"
    start = [vocabulary.start, spoken, vocabulary.translate]
    states = model.encode([model.features(samples)])
    most = SPARE_TOKENS + TOKENS_PER_S * model.seconds(samples)
    result: Any = model.generate(states, [start], most, beam=_BEAM)[0]
    ids = answers.text_ids(vocabulary, result.sequences_ids[0])
    found = vocabulary.text(ids)
    if not ids or not found or answers.is_runaway(found):
        raise NotUnderstood("the model wrote nothing, or the same again and again")
    if result.no_speech_prob > answers.NO_SPEECH:
        raise NotUnderstood("there is no speech in this sound")
    if len(found) > _MOST_GROWTH * len(text) + _SPARE_CHARS:
        raise NotUnderstood("the model wrote more than was said")
    return found


def _finished(answer: str, text: str) -> str:
    """With a full stop at the end exactly where the text has a closing mark."""
    answer = without_false_stop(answer, text).strip()
    is_closed = text.rstrip(CLOSERS + " ").endswith(FULL_STOPS)
    if is_closed and not answer.rstrip(CLOSERS + " ").endswith(FULL_STOPS):
        return answer.rstrip(" ,;:-…") + "."
    return answer
