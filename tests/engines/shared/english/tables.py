"""The English tables as they are installed, for tests; read once for a process."""

from __future__ import annotations

import functools
from pathlib import Path

from dragoman.engines.shared.english.phonemes import EnglishPhonemes
from dragoman.engines.shared.english.tables import english_phonemes, read_json
from dragoman.engines.shared.english.written_forms import WrittenForms
from dragoman.engines.shared.model_store import find_model


@functools.cache
def folder() -> Path:
    return find_model("hibari")


@functools.cache
def forms() -> WrittenForms:
    return WrittenForms(read_json(folder() / "normalize.json"))


@functools.cache
def english() -> EnglishPhonemes:
    return english_phonemes(folder())


def phonemes(text: str) -> str:
    """The phonemes of all sentences of a text."""
    return " ".join(english().of(text))
