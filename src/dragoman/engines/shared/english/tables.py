"""The English tables of hibari's package, read as data: lexica, written forms, unknown words.

Scope: from a folder with the files of the model ``hibari`` to ``EnglishPhonemes``. Words that the
lexica lack are read by a small network, which was trained on pronunciations by espeak-ng.
"""

from __future__ import annotations

import functools
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np

from dragoman.engines.shared.english.lexicon import Lexicon, PhonemeDictionary
from dragoman.engines.shared.english.phonemes import EnglishPhonemes
from dragoman.engines.shared.english.written_forms import WrittenForms
from dragoman.engines.shared.model_files import onnx_session


def english_phonemes(folder: Path, threads: int = 1) -> EnglishPhonemes:
    """Read the tables; takes 0.3 s of CPU. Raises ``EngineUnavailable`` without onnxruntime."""
    unknown = _UnknownWords(
        onnx_session(folder / "oov.onnx", threads), read_json(folder / "oov.json")
    )
    dictionary = PhonemeDictionary(
        read_json(folder / "lexicon_us_gold.json.gz"),
        read_json(folder / "lexicon_us_silver.json.gz"),
    )
    forms = WrittenForms(read_json(folder / "normalize.json"))
    return EnglishPhonemes(Lexicon(dictionary, unknown.read), forms)


def read_json(path: Path) -> Any:
    """The content of a JSON file, packed with gzip or not."""
    data = path.read_bytes()
    return json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)


class _UnknownWords:
    """Phonemes of words by their letters, with a small network that was trained for that."""

    def __init__(self, session: Any, alphabets: dict[str, Any]) -> None:
        self._session = session
        self._letters = {letter: number for number, letter in enumerate(alphabets["in"], 1)}
        self._sounds = ["", *alphabets["out"]]
        self._longest = alphabets["maxlen"]
        self.read = functools.lru_cache(maxsize=2048)(self._read)

    def _read(self, word: str) -> str:
        letters = [self._letters[letter] for letter in word if letter in self._letters]
        if not letters:
            return ""
        (found,) = self._session.run(None, {"chars": np.array([letters[: self._longest]])})
        row = found[0].tolist()  # one label for each frame; a repeated one counts once, 0 is none
        return "".join(
            self._sounds[label]
            for before, label in zip([0, *row], row, strict=False)
            if label != before
        )
