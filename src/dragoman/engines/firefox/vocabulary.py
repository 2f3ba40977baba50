"""Text as a model can read it: characters that its vocabulary lacks never reach it.

Scope: the characters of a SentencePiece vocabulary, and text before and after a translation. The
models have small vocabularies (102 characters for English and Portuguese) and no way to copy what
they do not know: "Núñez" became "Núez" and an emoji a dash.

* Typographic marks become those of ASCII, where only those are known.
* A word with unknown letters is written without their marks ("Nunez"), and gets its own spelling
  back where the translation has it again.
* Other unknown characters and markup stay where they are; the text between them is translated.

Source: sentencepiece_model.proto, https://github.com/google/sentencepiece.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_PIECE, _TEXT, _TYPE = 1, 1, 3  # fields of the messages ModelProto and SentencePiece
_UNKNOWN, _SPECIAL, _BYTE = 2, 3, 6  # types of pieces
_MARKS = str.maketrans(
    {
        "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "ʼ": "'", "‚": "'",
        "–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-", "…": "...",
    }
)  # fmt: skip
_LETTERS = {
    "ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ł": "l", "Ł": "L",
    "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i",
}  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+")


class KnownCharacters:
    """What is known about the characters of one vocabulary file (``.spm``).

    Raises ``ValueError`` when the file is none.
    """

    def __init__(self, data: bytes) -> None:
        self._known: set[str] | None = set()
        try:
            for field, piece in _fields(data):
                if field == _PIECE and isinstance(piece, bytes):
                    self._learn(dict(_fields(piece)))
        except (IndexError, UnicodeDecodeError) as error:
            raise ValueError("this is no SentencePiece vocabulary") from error
        if self._known is not None and not self._known:
            raise ValueError("this vocabulary is empty")
        if self._known is not None:
            self._known.add(" ")

    def _learn(self, piece: dict[int, bytes | int]) -> None:
        text, kind = piece.get(_TEXT), piece.get(_TYPE)
        if kind == _BYTE:
            self._known = None  # it has every byte, so it can spell everything
        if self._known is None or not isinstance(text, bytes) or kind in (_UNKNOWN, _SPECIAL):
            return
        self._known |= set(text.decode())

    def is_known(self, text: str) -> bool:
        """Whether the model can read all of it."""
        return self._known is None or self._known.issuperset(text)

    def plain_marks(self, text: str) -> str:
        """The text without typographic marks that are unknown."""
        if self.is_known(text):
            return text
        return "".join(c if self.is_known(c) else c.translate(_MARKS) for c in text)

    def plain_words(self, text: str) -> tuple[str, dict[str, str]]:
        """The text with its unknown letters without their marks, and how the words that changed
        are really spelled.
        """
        spelled: dict[str, str] = {}
        if self.is_known(text):
            return text, spelled

        def plain(match: re.Match[str]) -> str:
            word = match.group()
            if self.is_known(word):
                return word
            found = "".join(c if self.is_known(c) else _without_marks(c) for c in word)
            if not self.is_known(found):
                return word
            spelled[found] = word
            return found

        return _WORD.sub(plain, text), spelled

    def stretches(self, text: str) -> Iterator[tuple[str, bool]]:
        """The text in stretches, each with whether the model can read it."""
        if text and self.is_known(text):
            yield text, True
            return
        begin, known = 0, True
        for at, char in enumerate(text):
            if self.is_known(char) != known:
                if at > begin:
                    yield text[begin:at], known
                begin, known = at, not known
        if begin < len(text):
            yield text[begin:], known


def with_spelling(text: str, spelled: dict[str, str]) -> str:
    """The translation with the words that it still has in their own spelling."""
    if not spelled:
        return text
    return _WORD.sub(lambda match: spelled.get(match.group(), match.group()), text)


def _without_marks(char: str) -> str:
    plain = _LETTERS.get(char) or unicodedata.normalize("NFD", char)
    return "".join(c for c in plain if not unicodedata.combining(c))


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    """The fields of a protocol buffers message. Raises ``IndexError`` where it is cut off."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            number, at = _varint(data, at)
            yield key >> 3, number
            continue
        size, at = _varint(data, at) if kind == 2 else ({1: 8, 5: 4}.get(kind, len(data) + 1), at)
        if at + size > len(data):
            raise IndexError("the file ends inside a field")
        yield key >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return number, at
        shift += 7
