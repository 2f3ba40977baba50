"""An ONNX file from outside: whether it is whole, and the notes that its makers left in it.

Scope: sherpa-onnx ends the process when such a note is missing, and says little about a file that
was cut off. So the file is looked at first: the outermost level of its protobuf (``ModelProto`` of
onnx.proto) only; the graph in it is skipped. Nothing is loaded.
"""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from pathlib import Path

from dragoman.engines.base import EngineUnavailable

_GRAPH, _METADATA = 7, 14  # field numbers in ModelProto
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_NOTE = 1 << 16


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata of a model by key; none for ONNX Runtime's own format (``.ort``), which is not
    looked at. Raises ``EngineUnavailable`` for a file that is no complete ONNX model.
    """
    with path.open("rb") as opened:
        if not opened.read(1):
            raise _broken(path, "it is empty")
        with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
            if path.suffix == ".ort":
                return {}
            return _metadata(path, content)


def metadata_bytes(notes: Mapping[str, str]) -> bytes:
    """What adds these to the metadata of a model when it stands behind the model."""
    found = b""
    for key, value in notes.items():
        entry = _written(1, key.encode()) + _written(2, value.encode())
        found += _written(_METADATA, entry)
    return found


def _written(field: int, content: bytes) -> bytes:
    head, size = bytearray([field << 3 | _BYTES]), len(content)
    while size > 0x7F:
        head.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([*head, size]) + content


def _metadata(path: Path, content: mmap.mmap) -> dict[str, str]:
    found, at, has_graph = {}, 0, False
    try:
        while at < len(content):
            field, value, at = _field(content, at)
            has_graph = has_graph or field == _GRAPH
            if field == _METADATA and isinstance(value, slice) and _size(value) < _LONGEST_NOTE:
                key, text = _entry(content[value])
                found[key] = text
    except (IndexError, ValueError):
        raise _broken(path, "it is no ONNX model, or not all of it") from None
    if not has_graph:
        raise _broken(path, "it holds no graph")
    return found


def _entry(entry: bytes) -> tuple[str, str]:
    parts, at = {1: "", 2: ""}, 0
    while at < len(entry):
        field, value, at = _field(entry, at)
        if isinstance(value, slice):
            parts[field] = entry[value].decode("utf-8", "replace")
    return parts[1], parts[2]


def _field(content: bytes | mmap.mmap, at: int) -> tuple[int, int | slice, int]:
    """The number of the field that begins here, its value or where that is, and where the next one
    begins. Raises ``ValueError`` or ``IndexError`` at the end of what is there.
    """
    tag, at = _varint(content, at)
    field, kind = tag >> 3, tag & 7
    if kind == _VARINT:
        value, at = _varint(content, at)
        return field, value, at
    if kind == _BYTES:
        size, at = _varint(content, at)
    else:
        size = {_FIXED64: 8, _FIXED32: 4}.get(kind, len(content) + 1)
    if not field or at + size > len(content):
        raise ValueError("no field")
    return field, slice(at, at + size), at + size


def _varint(content: bytes | mmap.mmap, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("no number")


def _size(place: slice) -> int:
    return int(place.stop - place.start)


def _broken(path: Path, why: str) -> EngineUnavailable:
    return EngineUnavailable(f"{path} cannot be used: {why}. Get the file again.")
