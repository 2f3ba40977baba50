"""A translator with random weights, as small as the format allows: Marian, M2M100, MADLAD or NLLB
by the tokens for languages that it is given.
"""

from __future__ import annotations

import functools
import io
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import sentencepiece
from ctranslate2.specs import common_spec, transformer_spec

TEXTS = (
    "hello world how are you today. good morning to everyone in the meeting",
    "hola buenos días a todos y bienvenidos a la reunión. ¿cómo estás?",
)
_WIDTH = 16


def write_translator(folder: Path, *languages: str, seed: int = 0) -> Path:
    """Write it; ``languages`` are tokens of the vocabulary. Returns the folder."""
    folder.mkdir(parents=True)
    trained = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 20),
        model_writer=trained,
        vocab_size=90,
        hard_vocab_limit=False,
        character_coverage=1.0,
        minloglevel=2,
    )
    names = ["sentencepiece.bpe.model"] if languages else ["source.spm", "target.spm"]
    for name in names:
        (folder / name).write_bytes(trained.getvalue())
    pieces = sentencepiece.SentencePieceProcessor(model_proto=trained.getvalue())
    listed = [pieces.id_to_piece(number) for number in range(pieces.get_piece_size())]
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    tokens = [*special, *(piece for piece in listed if piece not in special), *languages]
    spec = _spec(len(tokens), np.random.default_rng(seed))
    spec.config.bos_token, spec.config.eos_token, spec.config.unk_token = "<s>", "</s>", "<unk>"
    spec.config.decoder_start_token, spec.config.add_source_eos = "</s>", False
    spec.register_source_vocabulary(tokens)
    spec.register_target_vocabulary(tokens)
    spec.validate()
    spec.optimize(quantization="int8")
    spec.save(str(folder))
    return folder


def _spec(count: int, rng: np.random.Generator) -> Any:
    spec = transformer_spec.TransformerSpec.from_config(
        (1, 1), 2, pre_norm=True, activation=common_spec.Activation.RELU
    )
    encoder, decoder = spec.encoder, spec.decoder
    encoder.embeddings[0].weight = _random(rng, count, _WIDTH)
    encoder.position_encodings.encodings = _random(rng, 1024, _WIDTH)
    decoder.embeddings.weight = encoder.embeddings[0].weight
    decoder.position_encodings.encodings = encoder.position_encodings.encodings
    decoder.projection.weight = decoder.embeddings.weight
    decoder.projection.bias = np.zeros(count, "f4")
    for side in (encoder, decoder):
        _norm(side.layer_norm)
        for layer in side.layer:
            _attention(rng, layer.self_attention, (3, 1))
            _norm(layer.ffn.layer_norm)
            _linear(rng, layer.ffn.linear_0, 2 * _WIDTH, _WIDTH)
            _linear(rng, layer.ffn.linear_1, _WIDTH, 2 * _WIDTH)
    for layer in decoder.layer:
        _attention(rng, layer.attention, (1, 2, 1))
    return spec


def _random(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.normal(0, 0.5, shape).astype("f4")


def _norm(spec: Any) -> None:
    spec.gamma, spec.beta = np.ones(_WIDTH, "f4"), np.zeros(_WIDTH, "f4")


def _linear(rng: np.random.Generator, spec: Any, out: int, into: int) -> None:
    spec.weight, spec.bias = _random(rng, out, into), np.zeros(out, "f4")


def _attention(rng: np.random.Generator, spec: Any, sizes: tuple[int, ...]) -> None:
    _norm(spec.layer_norm)
    for linear, size in zip(spec.linear, sizes, strict=True):
        _linear(rng, linear, size * _WIDTH, _WIDTH)


@functools.cache
def _holder() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="dragoman-opus-")


@functools.cache
def tiny_opus() -> Path:
    """A Marian model from English to Spanish, which is gone when the process ends."""
    return write_translator(Path(_holder().name) / "opus-mt-en-es")
