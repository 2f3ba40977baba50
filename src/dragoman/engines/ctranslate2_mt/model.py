"""A translation model on CTranslate2: its files, its pieces of text, its calls.

Scope: a folder holds ``model.bin``, a vocabulary, and the SentencePiece models of the original:
``source.spm`` and ``target.spm`` (OPUS-MT), or one for both. What comes out of CTranslate2's own
converters lacks those: they are copied beside it.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dragoman.engines.base import EngineUnavailable
from dragoman.engines.ctranslate2_mt.families import END, MtFamily, Pair, family_of
from dragoman.engines.shared.ctranslate2_models import (
    COMPUTE_TYPES,
    broken,
    ctranslate2_library,
    device_here,
    not_opened,
    workers_for,
)
from dragoman.engines.shared.greedy_decoding import repeated_count
from dragoman.engines.shared.model_files import pip_install

REQUIREMENTS = ("ctranslate2>=4.8,<5", "sentencepiece>=0.2")
_SHARED = ("sentencepiece.bpe.model", "spiece.model", "sentencepiece.model", "spm.128k.model")
MOST_TOKENS = 200
"""Longer texts are cut: the models were trained on sentences."""
_SPARE_TOKENS = 16


def read_vocabulary(folder: Path) -> list[str]:
    """The tokens of the source side. Raises ``EngineUnavailable``."""
    for name in ("shared_vocabulary", "source_vocabulary"):
        for path in (folder / f"{name}.json", folder / f"{name}.txt"):
            if path.is_file():
                try:
                    text = path.read_text("utf-8")
                    found = json.loads(text) if path.suffix == ".json" else text.splitlines()
                    return [str(token) for token in found]
                except (ValueError, TypeError) as error:
                    raise broken(path, error) from error
    raise EngineUnavailable(
        f"The folder {folder} has no vocabulary (shared_vocabulary.json). It should hold a "
        "translation model converted for CTranslate2."
    )


class OpenedModel:
    """An opened model; nothing changes after it was made. Raises ``EngineUnavailable``."""

    def __init__(
        self, folder: Path, *, device: str, compute_type: str, threads: int, workers: int, beam: int
    ) -> None:
        library = ctranslate2_library("sentencepiece", pip_install(*REQUIREMENTS))
        device = device_here(library, device)
        vocabulary = read_vocabulary(folder)
        if END not in vocabulary:
            raise EngineUnavailable(f"The vocabulary in {folder} has no {END}: it is another's.")
        self.family: MtFamily = family_of(vocabulary)
        self._source, self._target = _pieces_of(folder)
        self._beam = beam
        if not (folder / "model.bin").is_file():
            raise EngineUnavailable(f"The folder {folder} has no model.bin.")
        try:
            self._translator = library.Translator(
                str(folder),
                device=device,
                compute_type=compute_type or COMPUTE_TYPES[device],
                inter_threads=workers or workers_for(device, threads),
                intra_threads=threads,
            )
        except (RuntimeError, ValueError) as error:
            raise not_opened(folder, error) from error

    def close(self) -> None:
        """Free the weights."""
        self._translator.unload_model()

    def translate(self, texts: Sequence[tuple[str, str, Pair]]) -> list[str]:
        """Translations of texts that begin with a prefix, each between two languages, in one call.
        Thread-safe. A prefix counts for a text that is not cut.
        """
        sources: list[list[str]] = []
        prefixes: list[list[str]] = []
        counts: list[int] = []
        for text, prefix, pair in texts:
            pieces = self._source.encode(text, out_type=str)
            parts = [pieces[at : at + MOST_TOKENS] for at in range(0, len(pieces), MOST_TOKENS)]
            begun = self._target.encode(prefix, out_type=str) if len(parts) == 1 else []
            sources += [self.family.source(part, pair) for part in parts]
            prefixes += [self.family.target(begun, pair)] * len(parts)
            counts.append(len(parts))
        most = max(map(_most, sources, prefixes), default=1)
        results = self._translator.translate_batch(
            sources,
            target_prefix=prefixes,
            beam_size=self._beam,
            max_decoding_length=most,
            max_input_length=0,
            disable_unk=True,
        )
        pairs = _repeated(texts, counts)
        said = iter(
            self._text(result.hypotheses[0][: _most(source, prefix)], pair)
            for result, source, prefix, pair in zip(results, sources, prefixes, pairs, strict=True)
        )
        return [" ".join(filter(None, (next(said) for _ in range(count)))) for count in counts]

    def _text(self, tokens: Sequence[str], pair: Pair) -> str:
        told = self.family.target([], pair)
        said = [token for token in tokens if token not in told]
        while repeated := repeated_count(said):
            said = said[:-repeated]
        return str(self._target.decode(said)).strip()


def _most(source: Sequence[str], prefix: Sequence[str]) -> int:
    """How many tokens a translation may have; a model that runs on is stopped there."""
    return 2 * len(source) + len(prefix) + _SPARE_TOKENS


def _repeated(texts: Sequence[tuple[str, str, Pair]], counts: Sequence[int]) -> list[Pair]:
    return [pair for (*_, pair), count in zip(texts, counts, strict=True) for _ in range(count)]


def _pieces_of(folder: Path) -> tuple[Any, Any]:
    """The models that cut source and target into pieces."""
    shared = next((folder / name for name in _SHARED if (folder / name).is_file()), None)
    paths = [shared, shared] if shared else [folder / "source.spm", folder / "target.spm"]
    found = []
    for path in paths:
        if path is None or not path.is_file():
            raise EngineUnavailable(
                f"The folder {folder} has no SentencePiece model: copy source.spm and target.spm "
                f"(OPUS-MT) or {_SHARED[0]} of the original model into it."
            )
        processor = importlib.import_module("sentencepiece").SentencePieceProcessor()
        try:
            processor.LoadFromSerializedProto(path.read_bytes())
        except (RuntimeError, OSError) as error:
            raise broken(path, error) from error
        found.append(processor)
    return found[0], found[1]
