"""English text to phonemes, sentence by sentence, for models with the alphabet of Kokoro.

Scope: what words do to each other: weak and strong forms, linking, homographs, punctuation. Words
alone are in ``lexicon``, numbers and symbols in ``written_forms``. The conventions follow misaki's,
by which the models were trained: "the" is ``ði`` before a vowel, "to" ``tə`` before a consonant.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from dragoman.engines.shared.english.homographs import part_of_speech
from dragoman.engines.shared.english.lexicon import PRIMARY, SECONDARY, VOWELS, Lexicon
from dragoman.engines.shared.english.written_forms import WrittenForms

_MARKS = ";:,.!?—…()"
_TOKEN = re.compile(
    rf"(?P<initials>\b(?:[A-Za-z]\.){{2,}})|(?P<word>[^\W\d_]+(?:['-][^\W\d_]+)*'?)|(?P<mark>[{_MARKS}]+|-(?=\s))|(?P<space>\s+)"
)
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"”')\]]*\s+")
_NO_END = re.compile(r"(?:\b[A-Z]|\b(?:[A-Za-z]\.)+[A-Za-z])\.$")
_STOPS = frozenset(";:,.!?—…")


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text; a full stop behind an initial ends none."""
    start = 0
    for match in _SENTENCE_END.finditer(text):
        if text[match.end() : match.end() + 1].islower() or _NO_END.search(
            text, start, match.start()
        ):
            continue
        yield text[start : match.end()].strip()
        start = match.end()
    yield text[start:].strip()


class EnglishPhonemes:
    """The way from text to phonemes; has no state but its tables."""

    def __init__(self, lexicon: Lexicon, forms: WrittenForms) -> None:
        self._lexicon, self._forms = lexicon, forms

    def of(self, text: str) -> Iterator[str]:
        """The phonemes of each sentence that has any."""
        for sentence in sentences(self._forms.spoken(unicodedata.normalize("NFC", text))):
            found = self._sentence(sentence)
            if any(sound not in _MARKS for sound in found):
                yield found

    def _sentence(self, spoken: str) -> str:
        if spoken.isupper() and " " in spoken:
            spoken = spoken.lower()
        tokens = [(match.lastgroup, match[0]) for match in _TOKEN.finditer(spoken)]
        words = [
            token.lower() if kind == "word" else "" for kind, token in tokens if kind != "space"
        ]
        said: list[str] = []
        at, linked = len(words), None  # from the end, because a word depends on the sound behind
        for kind, token in reversed(tokens):
            if kind == "space":
                said.append(" ")
                continue
            at -= 1
            sounds = _mark(token) if kind == "mark" else self._word(token, words, at, linked)
            said.append(sounds)
            linked = _first_is_vowel(sounds, linked)
        found = "".join(reversed(said)).strip()
        return re.sub(" +", " ", found.replace("ɾ", "T").replace("ʔ", "t"))

    def _word(self, token: str, words: list[str], at: int, before_vowel: bool | None) -> str:
        word = token if token.endswith("s'") else token.rstrip("'")
        if "." in word:
            return self._lexicon.letters(word)
        if weak := self._weak_form(word, words, at, before_vowel):
            return weak
        readings = self._lexicon.readings(word)
        if readings is None:
            return self._lexicon.phonemes(word)
        if before_vowel is None and "None" in readings:
            return readings["None"] or ""
        part = part_of_speech(words, at)
        return self._lexicon.phonemes(word, part if part in readings else None)

    def _weak_form(self, word: str, words: list[str], at: int, before_vowel: bool | None) -> str:
        match word if word == "I" else word.lower():
            case "a" if before_vowel is not None and (word == "a" or at == 0):
                return "ɐ"
            case "an" if word != "AN":
                return "ɐn"
            case "the":
                return "ði" if before_vowel else "ðə"
            case "to" if word != "TO":
                return {None: "", False: "tə", True: "tʊ"}[before_vowel]
            case "in" if word != "IN":
                return f"{PRIMARY if before_vowel is None else ''}ɪn"
            case "am" if word == "am" and before_vowel is not None:
                return "ɐm"
            case "I":
                return f"{SECONDARY}I"
            case _:
                return ""


def _mark(written: str) -> str:
    return "—" if written == "-" else written


def _first_is_vowel(sounds: str, otherwise: bool | None) -> bool | None:
    for sound in sounds:
        if sound in VOWELS:
            return True
        if sound in _STOPS:
            return None
        if sound.isalpha() and sound not in (PRIMARY, SECONDARY):
            return False
    return otherwise
