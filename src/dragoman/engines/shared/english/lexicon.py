"""How English words are pronounced: a dictionary, the endings of words, and letters by name.

Scope: one word at a time, without its context. The phonemes are those of misaki's American lexica
(one letter for each sound, ``ˈ`` and ``ˌ`` in front of stressed vowels). 180,000 entries lie in one
sorted byte string: a dictionary of strings would take four times the memory, in every worker.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Callable, Mapping

PRIMARY, SECONDARY = "ˈ", "ˌ"
VOWELS = frozenset("AIOQWYaiuæɑɒɔəɛɜɪʊʌᵻɐ")
_FLAPPED_BEHIND = frozenset("AIOWYiuæɑəɛɪɹʊʌ")
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^A-Z]+")

Variants = Mapping[str, str | None]
"""Pronunciations by part of speech: ``DEFAULT``, ``NOUN``, ``VERB``, ``ADJ``, ``VBD`` ..."""


class PhonemeDictionary:
    """Words and their phonemes, by exact spelling; of two tables the first has priority."""

    def __init__(self, *tables: Mapping[str, str | Variants]) -> None:
        merged = {word: entry for table in reversed(tables) for word, entry in table.items()}
        self._variants = {
            word: entry for word, entry in merged.items() if not isinstance(entry, str)
        }
        lines = sorted(
            f"{word}\t{entry}\n".encode()
            for word, entry in merged.items()
            if isinstance(entry, str)
        )
        self._lines = b"".join(lines)
        self._starts = array("I", [0])
        for line in lines:
            self._starts.append(self._starts[-1] + len(line))

    def get(self, word: str) -> str | Variants | None:
        """The entry of this spelling."""
        if word in self._variants:
            return self._variants[word]
        key = f"{word}\t".encode()
        at = bisect_left(range(len(self._starts) - 1), key, key=self._line)
        line = self._line(at) if at < len(self._starts) - 1 else b""
        return line[len(key) : -1].decode() if line.startswith(key) else None

    def _line(self, at: int) -> bytes:
        return self._lines[self._starts[at] : self._starts[at + 1]]


class Lexicon:
    """Pronunciations of words as they are written; ``unknown`` reads what no rule covers."""

    def __init__(self, dictionary: PhonemeDictionary, unknown: Callable[[str], str]) -> None:
        self._dictionary = dictionary
        self._unknown = unknown

    def phonemes(self, word: str, part: str | None = None) -> str:
        """Of any word; ``part`` of speech chooses between the readings of a homograph."""
        plain = _without_accents(word)
        return self._known(word, part) or self._known(plain, part) or self._by_parts(word, part)

    def readings(self, word: str) -> Variants | None:
        """All readings of a homograph, None for a word with one."""
        entry = self._entry(word)
        return None if entry is None or isinstance(entry, str) else entry

    def letters(self, word: str) -> str:
        """The names of the letters, as an abbreviation is read: the last one is stressed. Nothing
        for letters outside of the Latin alphabet.
        """
        names = [self._dictionary.get(letter) for letter in word.upper() if letter.isalpha()]
        said = "".join(name for name in names if isinstance(name, str)).replace(SECONDARY, "")
        head, found, last = said.replace(PRIMARY, SECONDARY).rpartition(SECONDARY)
        return f"{head}{PRIMARY if found else ''}{last}"

    def _entry(self, word: str) -> str | Variants | None:
        for spelling in dict.fromkeys((word, word.lower(), word.capitalize())):
            if (entry := self._dictionary.get(spelling)) is not None:
                return entry
        return None

    def _known(self, word: str, part: str | None) -> str:
        if len(word) == 1:
            return self.letters(word)
        if word.isupper():
            return self._capitals(word, part)
        entry = self._entry(word)
        if isinstance(entry, str):
            return stressed(entry, SECONDARY) if word[0].isupper() else entry
        if entry is not None:
            return entry.get(part or "DEFAULT") or entry["DEFAULT"] or ""
        return self._inflected(word, part)

    def _capitals(self, word: str, part: str | None) -> str:
        """A word in capitals is an abbreviation unless it is known to be read as a word."""
        exact = self._dictionary.get(word)
        if isinstance(exact, str):
            return exact
        found = "" if exact is not None else self._known(word.lower(), part)
        return found if PRIMARY in found and (len(word) > 2) else self.letters(word)

    def _inflected(self, word: str, part: str | None) -> str:
        """Possessives, plurals, pasts and participles of known words."""
        for ending, said in (
            ("'s", plural),
            ("s'", plural),
            ("s", plural),
            ("ed", past),
            ("ing", ongoing),
        ):
            if not word.endswith(ending) or len(word) < len(ending) + 2:
                continue
            for stem in _stems(word, ending):
                if isinstance(entry := self._entry(stem), str):
                    return said(entry)
                if entry is not None:
                    return said(entry.get(part or "DEFAULT") or entry["DEFAULT"] or "")
        return ""

    def _by_parts(self, word: str, part: str | None) -> str:
        if "-" in word:
            return "".join(self.phonemes(piece, part) for piece in word.split("-") if piece)
        if word.endswith("'s") and word[:-2].isupper():
            return plural(self.letters(word[:-2]))
        pieces = _CAMEL.findall(word)
        if len(pieces) > 1 and "'" not in word:
            return " ".join(self.phonemes(piece, part) for piece in pieces)
        if not any(letter in "aeiouyAEIOUY" for letter in word) and word.isascii():
            return self.letters(word)
        return self._unknown(word)


def _without_accents(word: str) -> str:
    if word.isascii():
        return word
    decomposed = unicodedata.normalize("NFKD", word)
    return "".join(mark for mark in decomposed if not unicodedata.combining(mark))


def _stems(word: str, ending: str) -> list[str]:
    stem = word[: -len(ending)]
    if ending == "s":
        found = [] if word.endswith("ss") else [stem]
        found += [word[:-2]] if word.endswith("es") else []
        return found + ([f"{word[:-3]}y"] if word.endswith("ies") else [])
    if ending in ("'s", "s'"):
        return [stem]
    doubled = [stem[:-1]] if len(stem) > 3 and stem[-1] == stem[-2] else []
    ied = [f"{stem[:-1]}y"] if ending == "ed" and stem.endswith("i") else []
    return [stem, f"{stem}e", *doubled, *ied]


def plural(stem: str) -> str:
    """The ending -s by the last sound."""
    if stem[-1:] in "szʃʒʧʤ":
        return f"{stem}ᵻz"
    return f"{stem}s" if stem[-1:] in "ptkfθ" else f"{stem}z"


def past(stem: str) -> str:
    """The ending -ed by the last sound."""
    if stem[-1:] in "td":
        return f"{_flapped(stem)}ᵻd"
    return f"{stem}t" if stem[-1:] in "pkfθʃsʧ" else f"{stem}d"


def ongoing(stem: str) -> str:
    """The ending -ing."""
    return f"{_flapped(stem)}ɪŋ"


def _flapped(stem: str) -> str:
    return (
        f"{stem[:-1]}ɾ"
        if len(stem) > 1 and stem[-1] == "t" and stem[-2] in _FLAPPED_BEHIND
        else stem
    )


def stressed(phonemes: str, mark: str) -> str:
    """With a stress on the first vowel, where there is none yet."""
    if PRIMARY in phonemes or SECONDARY in phonemes:
        return phonemes
    at = next((at for at, sound in enumerate(phonemes) if sound in VOWELS), None)
    return phonemes if at is None else f"{phonemes[:at]}{mark}{phonemes[at:]}"
