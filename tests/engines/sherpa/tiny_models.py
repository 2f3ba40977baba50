"""Models for sherpa-onnx as small as their formats allow, written as protobuf by hand: for what
needs a model and no recognition.

The transducer hears a "word" in every loud frame and nothing in silence: the first of its channels
is the loudness, the others are random.
"""

from __future__ import annotations

import base64
import functools
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from dragoman.engines.moonshine.tokenizer import Tokenizer
from dragoman.engines.shared.model_store import find_model

WORDS = ("▁hello", "▁world", "▁good", "▁day", "▁yes", "▁no", "▁one", "▁two", "▁three", "▁four")
_WIDTH = 8
_FLOAT, _INT64 = 1, 7


# ---------------------------------------------------------------- protobuf and onnx.proto
def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def metadata(notes: Mapping[str, object]) -> bytes:
    """``metadata_props``: whoever appends it to a model file adds it to the model."""
    entries = [_field(1, key) + _field(2, str(value)) for key, value in notes.items()]
    return b"".join(_field(14, entry) for entry in entries)


def _node(kind: str, inputs: Sequence[str], outputs: Sequence[str], **options: object) -> bytes:
    parts = [_field(1, name) for name in inputs] + [_field(2, name) for name in outputs]
    for key, value in options.items():
        if isinstance(value, int):
            entry = _field(1, key) + _field(3, value) + _field(20, 2)
        else:
            entry = _field(1, key) + b"".join(_field(8, one) for one in value) + _field(20, 7)
        parts.append(_field(5, entry))
    return b"".join(parts) + _field(4, kind)


def _value(name: str, kind: int, shape: Sequence[int | str]) -> bytes:
    sizes = [_field(1, one) if isinstance(one, int) else _field(2, one) for one in shape]
    dims = b"".join(_field(1, size) for size in sizes)
    tensor = _field(1, kind) + _field(2, dims)
    return _field(1, name) + _field(2, _field(1, tensor))


def _constant(name: str, array: np.ndarray) -> bytes:
    dims = b"".join(_field(1, size) for size in array.shape)
    raw = struct.pack(f"<{array.size}f", *array.astype("f4").ravel())
    return dims + _field(2, _FLOAT) + _field(8, name) + _field(9, raw)


def _model(
    nodes: Sequence[bytes],
    inputs: Sequence[bytes],
    outputs: Sequence[bytes],
    constants: Sequence[bytes],
    notes: Mapping[str, object],
) -> bytes:
    graph = [_field(1, node) for node in nodes] + [_field(2, "tiny")]
    graph += [_field(5, one) for one in constants]
    graph += [_field(11, one) for one in inputs] + [_field(12, one) for one in outputs]
    opset = _field(1, "") + _field(2, 13)
    return _field(1, 8) + _field(7, b"".join(graph)) + _field(8, opset) + metadata(notes)


# ---------------------------------------------------------------- a streaming transducer
def write_transducer(folder: Path, *, seed: int = 0) -> Path:
    """An LSTM transducer for 16 kHz, chunks of 40 ms; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    hears = rng.normal(0, 0.2, (80, _WIDTH))
    hears -= hears.mean(axis=0)
    hears[:, 0] = 1 / 80
    says = rng.normal(0, 1, (len(WORDS) + 2, _WIDTH))
    says[:, 0] = 11  # the mean of a log-mel spectrum is -16 in silence
    scores = rng.normal(0, 1, (_WIDTH, len(WORDS) + 2))
    scores[0] = 4
    scores[0, :2] = -4, -9
    state = ["N", _WIDTH]
    encoder = _model(
        [
            _node("ReduceMean", ["x"], ["m"], axes=[1], keepdims=1),
            _node("MatMul", ["m", "W"], ["encoder_out"]),
            _node("Identity", ["h"], ["new_h"]),
            _node("Identity", ["c"], ["new_c"]),
        ],
        [_value("x", _FLOAT, ["N", 9, 80])] + [_value(n, _FLOAT, [1, *state]) for n in "hc"],
        [_value("encoder_out", _FLOAT, ["N", 1, _WIDTH])]
        + [_value(f"new_{n}", _FLOAT, [1, *state]) for n in "hc"],
        [_constant("W", hears)],
        {
            "model_type": "lstm",
            "version": 1,
            "model_author": "test",
            "num_encoder_layers": 1,
            "T": 9,
            "decode_chunk_len": 4,
            "rnn_hidden_size": _WIDTH,
            "d_model": _WIDTH,
        },
    )
    decoder = _model(
        [
            _node("Gather", ["E", "y"], ["e"], axis=0),
            _node("ReduceMean", ["e"], ["decoder_out"], axes=[1], keepdims=0),
        ],
        [_value("y", _INT64, ["N", 2])],
        [_value("decoder_out", _FLOAT, state)],
        [_constant("E", says)],
        {"context_size": 2, "vocab_size": len(WORDS) + 2},
    )
    joiner = _model(
        [
            _node("Add", ["encoder_out", "decoder_out"], ["s"]),
            _node("Tanh", ["s"], ["t"]),
            _node("MatMul", ["t", "O"], ["logit"]),
        ],
        [_value(name, _FLOAT, state) for name in ("encoder_out", "decoder_out")],
        [_value("logit", _FLOAT, ["N", len(WORDS) + 2])],
        [_constant("O", scores)],
        {"joiner_dim": _WIDTH},
    )
    for name, model in (("encoder", encoder), ("decoder", decoder), ("joiner", joiner)):
        (folder / f"{name}.onnx").write_bytes(model)
    tokens = ["<blk>", "<unk>", *WORDS]
    listed = "".join(f"{token} {number}\n" for number, token in enumerate(tokens))
    (folder / "tokens.txt").write_text(listed, encoding="utf-8")
    return folder


# ---------------------------------------------------------------- real models in sherpa's format
def write_moonshine(folder: Path) -> Path:
    """The real Moonshine tiny with its tokens as sherpa-onnx wants them; returns the folder."""
    packed = find_model("moonshine-tiny-en")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("encoder_model.ort", "decoder_model_merged.ort"):
        (folder / name).symlink_to(packed / name)
    pieces = Tokenizer((packed / "tokenizer.bin").read_bytes()).pieces
    lines = [f"{base64.b64encode(piece).decode()} {n}\n" for n, piece in enumerate(pieces)]
    (folder / "tokens.txt").write_text("".join(lines), encoding="ascii")
    return folder


class SherpaModels(NamedTuple):
    """Folders that are gone when the process ends."""

    holder: TemporaryDirectory[str]
    transducer: Path
    moonshine: Path


@functools.cache
def sherpa_models() -> SherpaModels:
    """A model for each shape of recogniser."""
    holder = TemporaryDirectory(prefix="dragoman-sherpa-")
    folder = Path(holder.name)
    return SherpaModels(
        holder, write_transducer(folder / "tiny"), write_moonshine(folder / "moonshine")
    )
