"""Translation on CTranslate2: OPUS-MT and other Marian models, M2M100, MADLAD, NLLB.

Scope: requests to texts and back: which direction, in which shape; ``model`` calls the library. The
models translate sentences and complete nothing, so a request's text goes as it is. A committed
beginning is forced, token by token.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from dragoman.engines.base import EngineUnavailable, Info, Translation
from dragoman.engines.ctranslate2_mt.families import Pair, family_of
from dragoman.engines.ctranslate2_mt.model import OpenedModel, read_vocabulary
from dragoman.engines.shared.ctranslate2_models import Device
from dragoman.engines.shared.opened import OpensOnce
from dragoman.engines.shared.sentence_shape import same_case, same_stop
from dragoman.text.language_tags import primary_tag

_UNREADABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_PAIR = re.compile(r"(?:^|[-_/])([a-z]{2,3})[-_]([a-z]{2,3})(?:[-_](?:ct2|int8|float16))*$")


class CTranslate2Mt(OpensOnce[OpenedModel]):
    """``BatchTranslator`` for a model of one folder.

    ``model``: the folder. ``pairs``: the directions, ``en-es``, where neither vocabulary nor the
    folder's name (``opus-mt-en-es``) tells them, or fewer are wanted. ``device``, ``compute_type``,
    ``threads`` and ``workers`` as with Whisper; ``beam``: width of the search. ``non_commercial``:
    the operator heeds the licence of NLLB.
    """

    def __init__(
        self,
        *,
        model: str = "",
        pairs: tuple[str, ...] = (),
        device: Device = "cpu",
        compute_type: str = "",
        threads: int = 1,
        workers: int = 0,
        beam: int = 2,
        max_batch: int = 16,
        max_chars: int = 4_000,
        non_commercial: bool = False,
    ) -> None:
        self._model, self._folder = model, Path(model).expanduser()
        self._device, self._compute_type = device, compute_type
        self._threads, self._workers, self._beam = threads, workers, beam
        self._max_batch, self._max_chars = max_batch, max_chars
        self._allowed = non_commercial
        self._wanted = tuple(_pair(written) for written in pairs)

    @cached_property
    def _pairs(self) -> tuple[Pair, ...]:
        if self._wanted:
            return self._wanted
        if not self._model:
            return (("*", "*"),)
        try:
            told = family_of(read_vocabulary(self._folder)).pairs()
        except EngineUnavailable:
            told = ()
        named = _PAIR.search(self._folder.name.lower())
        return told or ((_pair(f"{named[1]}-{named[2]}"),) if named else ())

    @property
    def info(self) -> Info:  # type: ignore[override]  # looks into the folder once
        """Self-description."""
        return Info(
            name="ctranslate2-mt",
            role="mt",
            licence="that of the model",
            quality="basic",
            languages=tuple(sorted({source for source, _ in self._pairs})),
            pairs=self._pairs,
            forces_prefix=True,
            max_batch=self._max_batch,
            device="cpu" if self._device == "cpu" else "gpu",
            own_threads=self._device != "cuda",
            about="OPUS-MT, M2M100, MADLAD and NLLB models on CTranslate2",
        )

    def _open(self) -> OpenedModel:
        if not self._model:
            raise EngineUnavailable("Say which model: ctranslate2-mt?model=FOLDER")
        if not self._folder.is_dir():
            raise EngineUnavailable(f"There is no folder {self._folder} with a model.")
        if not self._pairs:
            raise EngineUnavailable(
                f"Nothing in {self._folder} tells the languages: say pairs=en-es, for example."
            )
        model = OpenedModel(
            self._folder,
            device=self._device,
            compute_type=self._compute_type,
            threads=self._threads,
            workers=self._workers,
            beam=self._beam,
        )
        if model.family.name == "nllb" and not self._allowed:
            raise EngineUnavailable(
                "NLLB may not be used commercially (CC BY-NC 4.0). Say non_commercial=true if "
                "yours is such a use."
            )
        return model

    def close(self) -> None:
        """Free the weights."""
        model, self._resource = self._resource, None
        if model is not None:
            model.close()

    def warm(self, source: str, target: str) -> None:
        """Translate a word."""
        if source != target:
            self.translate(Translation(text="no", source=source, target=target))

    def translate(self, request: Translation) -> str:
        """As in the Protocol. Raises ``ValueError`` for a pair that the model does not have and a
        text beyond ``max_chars``, ``EngineUnavailable`` before ``load``.
        """
        return self.translate_batch([request])[0]

    def translate_batch(self, requests: Sequence[Translation]) -> list[str]:
        """As in the Protocol; raises as ``translate`` does."""
        model, found = self._opened, [""] * len(requests)
        asked: list[tuple[int, str, str, Pair]] = []
        for place, request in enumerate(requests):
            text = " ".join(_UNREADABLE.sub(" ", request.text).split())
            pair = primary_tag(request.source), primary_tag(request.target)
            if len(text) > self._max_chars:
                raise ValueError(f"a text has at most {self._max_chars} characters")
            if pair[0] != pair[1] and not {pair, ("*", pair[1])} & set(self._pairs):
                raise ValueError(f"this model does not translate from {pair[0]} to {pair[1]}")
            if pair[0] == pair[1] or not any(char.isalnum() for char in text):
                found[place] = text
            else:
                asked.append((place, text, request.prefix, pair))
        if asked:
            translated = model.translate([(text, prefix, pair) for _, text, prefix, pair in asked])
            for (place, text, _, _), answer in zip(asked, translated, strict=True):
                found[place] = same_case(text, same_stop(text, answer))
        return found


def _pair(written: str) -> Pair:
    source, _, target = written.replace("_", "-").partition("-")
    if not source or not target:
        raise ValueError(f"a pair is written en-es, not {written!r}")
    return primary_tag(source), primary_tag(target)
