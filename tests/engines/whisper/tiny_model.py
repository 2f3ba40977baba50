"""A Whisper model with random weights, as small as the format allows: for what needs a model and
no recognition.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import tokenizers
from ctranslate2.specs import whisper_spec

WIDTH = 8


def write(folder: Path, real_tokenizer: Path, *, mels: int = 80, seed: int = 0) -> Path:
    """Write it, with the vocabulary of a real one; returns the folder."""
    folder.mkdir(parents=True)
    shutil.copy(real_tokenizer, folder / "tokenizer.json")
    known = tokenizers.Tokenizer.from_file(str(real_tokenizer))
    tokens = [known.id_to_token(token) for token in range(known.get_vocab_size())]
    tokens += [f"<|{time * 0.02:.2f}|>" for time in range(1501)]
    rng = np.random.default_rng(seed)
    spec = whisper_spec.WhisperSpec(1, 2, 1, 2)
    encoder, decoder = spec.encoder, spec.decoder
    encoder.conv1.weight, encoder.conv1.bias = _random(rng, WIDTH, mels, 3), _zeros(WIDTH)
    encoder.conv2.weight, encoder.conv2.bias = _random(rng, WIDTH, WIDTH, 3), _zeros(WIDTH)
    encoder.position_encodings.encodings = _random(rng, 1500, WIDTH)
    decoder.embeddings.weight = _random(rng, len(tokens), WIDTH)
    decoder.projection.weight = decoder.embeddings.weight
    decoder.position_encodings.encodings = _random(rng, 448, WIDTH)
    decoder.scale_embeddings = False
    for part in (encoder, decoder):
        _norm(part.layer_norm)
        for layer in part.layer:
            _attention(rng, layer.self_attention, (3, 1))
            _norm(layer.ffn.layer_norm)
            _linear(rng, layer.ffn.linear_0, 2 * WIDTH, WIDTH)
            _linear(rng, layer.ffn.linear_1, WIDTH, 2 * WIDTH)
    for layer in decoder.layer:
        _attention(rng, layer.attention, (1, 2, 1))
    spec.register_vocabulary(tokens)
    languages = [token for token in tokens if token.startswith("<|") and len(token) in {6, 7}]
    languages = [token for token in languages if token[2:-2].isalpha()]
    spec.config.suppress_ids, spec.config.suppress_ids_begin = [], []
    spec.config.lang_ids = [tokens.index(token) for token in languages]
    spec.config.alignment_heads = [[0, 0], [0, 1]]
    spec.validate()
    spec.save(str(folder))
    return folder


def has_gpu() -> bool:
    return bool(ctranslate2.get_cuda_device_count())


def _random(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.normal(0, 0.2, shape).astype(np.float32)


def _zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


def _norm(layer: Any) -> None:
    layer.gamma, layer.beta = np.ones(WIDTH, np.float32), _zeros(WIDTH)


def _linear(rng: np.random.Generator, layer: Any, rows: int, columns: int) -> None:
    layer.weight, layer.bias = _random(rng, rows, columns), _zeros(rows)


def _attention(rng: np.random.Generator, layer: Any, sizes: tuple[int, ...]) -> None:
    _norm(layer.layer_norm)
    for linear, size in zip(layer.linear, sizes, strict=True):
        _linear(rng, linear, size * WIDTH, WIDTH)
