"""Whisper models with random weights: of the shape of real ones, for speed and memory, and as small
as the format allows, for what needs a model and no recognition.

Scope: writes a model folder for CTranslate2. The vocabulary is that of a real model; what such a
model says has no meaning, and it goes on until it may not. Shapes: Radford et al. 2022, table 1,
and the ``config.json`` of large-v3-turbo.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Weights = npt.NDArray[np.float32]
_TIMES = 1501
_POSITIONS, _TEXT_POSITIONS = 1500, 448


class Shape(NamedTuple):
    """Width, heads, and layers of encoder and decoder."""

    width: int
    heads: int
    encoder: int
    decoder: int
    mels: int = 80
    inner: int = 4
    """Width of the feed-forward layers by that of the model."""
    scale: float = 0.02


SHAPES = {
    "smallest": Shape(8, 2, 1, 1, inner=2, scale=0.2),
    "tiny": Shape(384, 6, 4, 4),
    "base": Shape(512, 8, 6, 6),
    "small": Shape(768, 12, 12, 12),
    "medium": Shape(1024, 16, 24, 24),
    "large-v3-turbo": Shape(1280, 20, 32, 4, mels=128),
    "large-v3": Shape(1280, 20, 32, 32, mels=128),
}


def write(
    folder: Path, tokenizer: Path, shape: Shape, *, quantization: str = "", seed: int = 0
) -> Path:
    """Write a model with the vocabulary of this ``tokenizer.json``; returns the folder, which must
    not exist. ``quantization``: empty (float32), ``int8`` or ``float16``.
    """
    import tokenizers  # noqa: PLC0415 - an extra
    from ctranslate2.specs import whisper_spec  # noqa: PLC0415

    folder.mkdir(parents=True)
    shutil.copy(tokenizer, folder / "tokenizer.json")
    known: Any = tokenizers.Tokenizer.from_file(str(tokenizer))
    tokens: list[str] = [known.id_to_token(token) for token in range(known.get_vocab_size())]
    tokens += [f"<|{time * 0.02:.2f}|>" for time in range(_TIMES)]
    spec: Any = whisper_spec.WhisperSpec(shape.encoder, shape.heads, shape.decoder, shape.heads)
    _Filler(shape, seed).fill(spec, len(tokens))
    spec.register_vocabulary(tokens)
    languages = [token for token in tokens if token.startswith("<|") and len(token) in {6, 7}]
    languages = [token for token in languages if token[2:-2].isalpha()]
    spec.config.suppress_ids, spec.config.suppress_ids_begin = [], []
    spec.config.lang_ids = [tokens.index(token) for token in languages]
    spec.config.alignment_heads = [[0, 0], [0, 1]]
    spec.validate()
    if quantization:
        spec.optimize(quantization=quantization)
    spec.save(str(folder))
    return folder


class _Filler:
    """Puts weights into a specification."""

    def __init__(self, shape: Shape, seed: int) -> None:
        self._shape, self._rng = shape, np.random.default_rng(seed)

    def fill(self, spec: Any, tokens: int) -> None:
        """All of it."""
        width, mels = self._shape.width, self._shape.mels
        encoder, decoder = spec.encoder, spec.decoder
        encoder.conv1.weight, encoder.conv1.bias = self._random(width, mels, 3), _zeros(width)
        encoder.conv2.weight, encoder.conv2.bias = self._random(width, width, 3), _zeros(width)
        encoder.position_encodings.encodings = self._random(_POSITIONS, width)
        decoder.embeddings.weight = self._random(tokens, width)
        decoder.projection.weight = decoder.embeddings.weight
        decoder.position_encodings.encodings = self._random(_TEXT_POSITIONS, width)
        decoder.scale_embeddings = False
        for part in (encoder, decoder):
            self._norm(part.layer_norm)
            for layer in part.layer:
                self._attention(layer.self_attention, (3, 1))
                self._norm(layer.ffn.layer_norm)
                self._linear(layer.ffn.linear_0, self._shape.inner * width, width)
                self._linear(layer.ffn.linear_1, width, self._shape.inner * width)
        for layer in decoder.layer:
            self._attention(layer.attention, (1, 2, 1))

    def _random(self, *shape: int) -> Weights:
        made = self._rng.standard_normal(shape, np.float32)
        made *= np.float32(self._shape.scale)
        return made

    def _norm(self, layer: Any) -> None:
        layer.gamma = np.ones(self._shape.width, np.float32)
        layer.beta = _zeros(self._shape.width)

    def _linear(self, layer: Any, rows: int, columns: int) -> None:
        layer.weight, layer.bias = self._random(rows, columns), _zeros(rows)

    def _attention(self, layer: Any, sizes: tuple[int, ...]) -> None:
        self._norm(layer.layer_norm)
        for linear, size in zip(layer.linear, sizes, strict=True):
            self._linear(linear, size * self._shape.width, self._shape.width)


def _zeros(*shape: int) -> Weights:
    return np.zeros(shape, np.float32)
