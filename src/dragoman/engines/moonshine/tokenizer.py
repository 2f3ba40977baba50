"""Tokens of Moonshine: text to ids, ids to words.

Scope: no model, no audio. The vocabulary file is a run of entries, each a length (one
byte, or two when the first is 128 or more: ``first * 128 + second - 128``) and that many bytes.
It is a byte-pair vocabulary whose ids are ordered by merge rank, so the file alone is enough to
encode exactly as in training: merge the neighbours whose union has the lowest id until none is
left. A space is written U+2581 and belongs to the word after it; the ids 3 to 258 are bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

SPACE = "\u2581"
_SPACE_BYTES = SPACE.encode()
_MARKS = b".,;:!?"
_FIRST_BYTE = 3
_FIRST_MERGE = 259
_FIRST_MARK = 32_000  # from here on the vocabulary holds control tokens without text


class Tokenizer:
    """Text to ids of one vocabulary and back. ``starts_word`` is true for every id that opens a new
    word, ``mark`` for every id that is punctuation and nothing else.
    """

    def __init__(self, raw: bytes) -> None:
        self.pieces = _pieces(raw)
        self._ids = {
            piece: at
            for at, piece in enumerate(self.pieces[:_FIRST_MARK])
            if piece and at >= _FIRST_MERGE
        }
        self.starts_word: npt.NDArray[np.bool_] = np.array(
            [piece.startswith(_SPACE_BYTES) for piece in self.pieces], np.bool_
        )

        self.mark: npt.NDArray[np.bool_] = np.array(
            [bool(piece) and not piece.strip(_MARKS) for piece in self.pieces], np.bool_
        )

    def encode(self, text: str) -> list[int]:
        """The ids of running text; every word of it, the first too, begins with its space."""
        ids: list[int] = []
        for word in text.split():
            ids += self._merge((SPACE + word).encode())
        return ids

    def has(self, word: str) -> bool:
        """Whether the vocabulary has this word as a whole."""
        return (SPACE + word).encode() in self._ids

    def _merge(self, word: bytes) -> list[int]:
        parts = [char.encode() for char in word.decode()]
        while len(parts) > 1:
            ranked = [
                (self._ids.get(a + b, 1 << 30), at) for at, (a, b) in enumerate(pairwise(parts))
            ]
            best, at = min(ranked)
            if best == 1 << 30:
                break
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        ids: list[int] = []
        for part in parts:
            known = self._ids.get(part)
            ids += [byte + _FIRST_BYTE for byte in part] if known is None else [known]
        return ids

    def words(self, ids: Sequence[int]) -> list[tuple[str, list[int]]]:
        """The words that ids spell, each with the positions in ``ids`` that spelled it."""
        found: list[tuple[bytes, list[int]]] = []
        for position, token in enumerate(ids):
            if not _FIRST_BYTE <= token < _FIRST_MARK:
                continue
            if self.starts_word[token] or not found:
                found.append((b"", []))
            piece, positions = found[-1]
            found[-1] = (piece + self.pieces[token], [*positions, position])
        texts = [(p.replace(_SPACE_BYTES, b"").decode("utf-8", "replace"), at) for p, at in found]
        return [(text, at) for text, at in texts if text]


def _pieces(raw: bytes) -> list[bytes]:
    pieces, at = [], 0
    while at < len(raw):
        length = raw[at]
        at += 1
        if length >= 128:
            length = length * 128 + raw[at] - 128
            at += 1
        pieces.append(raw[at : at + length])
        at += length
    return pieces
