"""Japanese text to the phonemes that Kokoro was trained with.

Scope: Open JTalk (package ``pyopenjtalk-plus``) reads kanji, numbers and Latin words as katakana;
here katakana become phonemes, a letter or two for each sound. The table gives a kana its consonant
and vowel; a small one behind it replaces the vowel.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

from dragoman.engines.base import EngineUnavailable
from dragoman.engines.shared.model_files import pip_install

REQUIREMENT = "dragoman[ja]"
_ROWS = """
ア a イ i ウ ɯ エ e オ o | カ ka キ kʲi ク kɯ ケ ke コ ko | ガ ɡa ギ ɡʲi グ ɡɯ ゲ ɡe ゴ ɡo
サ sa シ ɕi ス sɨ セ se ソ so | ザ ʣa ジ ʥi ズ zɨ ゼ ʣe ゾ ʣo | タ ta チ ʨi ツ ʦɨ テ te ト to
ダ da ヂ ʥi ヅ zɨ デ de ド do | ナ na ニ ɲi ヌ nɯ ネ ne ノ no | ハ ha ヒ çi フ ɸɯ ヘ he ホ ho
バ ba ビ bʲi ブ bɯ ベ be ボ bo | パ pa ピ pʲi プ pɯ ペ pe ポ po | マ ma ミ mʲi ム mɯ メ me モ mo
ヤ ja ユ jɯ ヨ jo | ラ ɾa リ ɾʲi ル ɾɯ レ ɾe ロ ɾo | ワ βa ヰ i ヱ e ヲ o | ヴ vɯ
"""
_CELLS = _ROWS.replace("|", " ").split()
_KANA = dict(zip(_CELLS[::2], _CELLS[1::2], strict=True))
_SMALL = {"ァ": "a", "ィ": "i", "ゥ": "ɯ", "ェ": "e", "ォ": "o", "ャ": "a", "ュ": "ɨ", "ョ": "o"}
_SMALL |= {"ヮ": "a"}
_ROUNDED = {"ク": "kᵝ", "グ": "ɡᵝ", "ウ": "β", "イ": "j"}
_BEFORE_FRONT = {"フ": "ɸʲ", "テ": "tʲ", "デ": "dʲ", "ツ": "ʦʲ", "ヴ": "vʲ"}
_MARKS = {"。": ".", "、": ",", "，": ",", "．": ".", "？": "?", "！": "!", "…": "…", "：": ":"}
_NASAL = (("mbp", "m"), ("kɡ", "ŋ"), ("ɲʨʥ", "ɲ"), ("ntdɾzʣ", "n"))
_SENTENCE = re.compile(r"[^。．！？!?\n]{1,120}[。．！？!?\n]*")


@functools.cache
def package() -> ModuleType:
    """Open JTalk. Raises ``EngineUnavailable``."""
    try:
        import pyopenjtalk  # noqa: PLC0415 - optional, and 100 MB of memory: only when loaded
    except ImportError:
        raise EngineUnavailable(
            f"Open JTalk, which reads kanji, is not installed. Mend it with: "
            f"{pip_install(REQUIREMENT)}"
        ) from None
    found: ModuleType = pyopenjtalk
    return found


def japanese_phonemes(text: str) -> Iterator[str]:
    """The phonemes of each sentence that has any; a space is where a phrase may begin."""
    for sentence in _SENTENCE.findall(text):
        said = phrases(package().run_frontend(sentence))
        if any(sound.isalpha() for sound in said):
            yield said


def phrases(words: Iterable[Mapping[str, Any]]) -> str:
    """The phonemes of words as Open JTalk gives them; those of a phrase are read as one."""
    parts: list[str] = []
    for word in words:
        if word["pos"] == "記号":
            parts.append(_MARKS.get(word["string"], ""))
        elif word["chain_flag"] == 1 and parts:
            parts[-1] += word["pron"]
        else:
            parts.append(f" {word['pron']}")
    return "".join(
        part if part in _MARKS.values() else f" {of_katakana(part)}" for part in parts
    ).strip()


def of_katakana(reading: str) -> str:
    """``"キョー"`` → ``"kʲoː"``; what is no katakana has no sound."""
    sounds = ""
    kana = [
        letter for letter in reading if letter in _KANA or letter in _SMALL or letter in "ッンー"
    ]
    for at, letter in enumerate(kana):
        behind = kana[at + 1] if at + 1 < len(kana) else ""
        if letter in _KANA:
            sounds += _syllable(letter, behind if behind in _SMALL else "")
        elif letter == "ー" and sounds:
            sounds += "ː"
        elif letter == "ッ" and behind in _KANA:
            sounds += "ʔ"
        elif letter == "ン":
            sounds += _nasal(_KANA.get(behind, " ")[0])
    return sounds


def _syllable(kana: str, small: str) -> str:
    if not small:
        return _KANA[kana]
    vowel, consonant = _SMALL[small], _KANA[kana][:-1]
    if small in "ァィゥェォヮ":
        consonant = _ROUNDED.get(kana, consonant)
    if small in "ィャュョ":
        consonant = _BEFORE_FRONT.get(kana, consonant)
    return consonant + vowel


def _nasal(behind: str) -> str:
    return next((sound for consonants, sound in _NASAL if behind in consonants), "ɴ")
