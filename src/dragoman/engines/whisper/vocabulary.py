"""Whisper's tokens: text to ids, ids to words.

Scope: no model, no audio. The vocabulary is byte-level BPE, read by the library ``tokenizers`` from
the model's ``tokenizer.json``. A character may be spread over several tokens, and in scripts
without spaces a token may hold several words, so words are found on the text, with the tokens that
spelled them. There each character is a word of its own: agreement between hypotheses then goes as
far as the characters do.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from dragoman.engines.whisper.languages import token_of
from dragoman.text.scripts import is_unspaced

TokenWord = tuple[str, list[int], bool]
"""A word, the positions of the ids that spelled it, and whether no space stands before it."""

_OPENING = {"Ps", "Pi"}  # categories of opening marks
_UNSPACED_MARKS = "。、，！？"


class Vocabulary:
    """The vocabulary of one model. Ids from ``first_time`` on are times, 20 ms apart."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.end = self._id("<|endoftext|>")
        self.start = self._id("<|startoftranscript|>")
        self.before = self._id("<|startofprev|>")
        self.transcribe = self._id("<|transcribe|>")
        self.translate = self._id("<|translate|>")
        self.first_time = self._id("<|notimestamps|>") + 1
        pieces = (tokenizer.id_to_token(token) or "" for token in range(self.end))
        self._pieces = [_bytes_of(piece) for piece in pieces]

    @classmethod
    def read(cls, path: Path) -> Vocabulary:
        """That of a ``tokenizer.json``. Raises whatever a broken file raises."""
        import tokenizers  # noqa: PLC0415 - needed by loaded engines only

        return cls(tokenizers.Tokenizer.from_file(str(path)))

    def _id(self, token: str) -> int:
        found = self._tokenizer.token_to_id(token)
        if found is None:
            raise ValueError(f"the tokenizer has no {token}")
        return int(found)

    def language(self, tag: str) -> int | None:
        """The control token of a language; None if the model does not know it."""
        found = self._tokenizer.token_to_id(token_of(tag))
        return None if found is None else int(found)

    def encode(self, text: str) -> list[int]:
        """The ids of running text, which begins with a space as all words do."""
        ids = self._tokenizer.encode(f" {text.strip()}", add_special_tokens=False).ids
        return [token for token in ids if token < self.end]

    def text(self, ids: Sequence[int]) -> str:
        """What ids of text spell, as running text."""
        return b"".join(self._pieces[token] for token in ids).decode("utf-8", "ignore").strip()

    def words(self, ids: Sequence[int]) -> list[TokenWord]:
        """The words that ids of text spell. Those of marks alone, a dash say, are left out."""
        found: list[TokenWord] = []
        spaced, before = True, ""
        for text, positions in self._units(ids):
            for char in text:
                if char.isspace():
                    spaced = True
                    continue
                if spaced or not found or _begins_word(char, before, found[-1][0]):
                    found.append((char, list(positions), bool(found) and not spaced))
                else:
                    word, at, joined = found[-1]
                    at += [position for position in positions if position not in at]
                    found[-1] = (word + char, at, joined)
                spaced, before = False, char
        return [word for word in found if _is_said(word[0])]

    def _units(self, ids: Sequence[int]) -> Iterator[tuple[str, list[int]]]:
        """Runs of tokens that are whole characters."""
        held, positions = b"", []
        for position, token in enumerate(ids):
            held += self._pieces[token]
            positions.append(position)
            try:
                text = held.decode()
            except UnicodeDecodeError:
                continue
            yield text, positions
            held, positions = b"", []
        if held:
            yield held.decode("utf-8", "ignore"), positions


def _begins_word(char: str, before: str, word: str) -> bool:
    """Whether a character begins a word although no space stands before it."""
    if unicodedata.category(char) in _OPENING:
        return is_unspaced(before) or before in _UNSPACED_MARKS
    is_opened = len(word) == 1 and unicodedata.category(word) in _OPENING
    if unicodedata.category(char)[0] not in "LN" or is_opened:
        return False
    return is_unspaced(char) or any(map(is_unspaced, word))


def _is_said(word: str) -> bool:
    return any(unicodedata.category(char)[0] in "LNM" or char in "&%+=€$£¥°" for char in word)


def _byte_chars() -> dict[str, int]:
    """How byte-level BPE writes bytes: printable ones as they are, the others from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {
        **{chr(byte): byte for byte in printable},
        **{chr(0x100 + place): byte for place, byte in enumerate(others)},
    }


_BYTES = _byte_chars()


def _bytes_of(piece: str) -> bytes:
    return bytes(_BYTES[char] for char in piece if char in _BYTES)
