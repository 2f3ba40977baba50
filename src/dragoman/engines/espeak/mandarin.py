"""Mandarin syllables that espeak-ng 1.52 cannot read, written for it in phonemes.

Scope: a table and one pure function. espeak knows no *jiong*, *qiong* and *xiong*: it
spells out the pinyin in English, 22 characters of GB 2312 (of its level 1: 炯窘琼穷兄凶胸匈汹雄
熊) and their traditional and rare variants, and every longer word of its dictionary with one of
them. They become phonemes in double brackets, which espeak reads only under a flag. With the flag
espeak obeys brackets, so those of the user are all made single first.

Where the word around such a character decides how its neighbour is read (兄长 is *zhang*, 长
alone *chang*), the neighbour is written out as well; without the word, espeak could not know.
Found by asking espeak for its phonemes of every character, and checked by phoneme events.
"""

from __future__ import annotations

import re

_READINGS = {
    "jiong1": "冂冋坰埛扃絅蘏蘔駉駫",
    "jiong3": "侰僒冏囧幜泂澃炯烱煚煛熲窘綗褧迥逈顈颎㓏㢠㤯㷗㷡䌹䢛",
    "qiong1": "芎",
    "qiong2": "儝卭宆惸桏橩焪焭煢琼瓊睘瞏穷穹窮竆笻筇茕藑藭蛩赹跫邛銎㑋㒌㧭㮪㷀㼇䅃䆳䊄䓖䛪䠻",
    "xiong1": "兄兇凶匈哅忷恟汹洶胷胸訩詾讻賯㐫",
    "xiong2": "熊雄䧺",
    "xiong4": "夐敻詗诇",
}
_ONSETS = {"j": "tS;", "q": "tS;h", "x": "S;"}
_TONES = {"1": "55", "2": "35", "3": "214", "4": "51"}
_IN_WORDS = {
    "长": ("ts.'A214N", ("兄长", "长兄")),
    "長": ("ts.'A214N", ("兄長", "長兄")),
    "相": ("S;'iA51N", ("凶相", "窘相", "穷相", "兇相", "窮相", "熊相")),
    "劲": ("tS;'i51N", ("雄劲",)),
    "勁": ("tS;'i51N", ("雄勁",)),
    "传": ("ts.w'a51n", ("英雄传",)),
    "傳": ("ts.w'a51n", ("英雄傳",)),
}


def _syllable(reading: str) -> str:
    return f"{_ONSETS[reading[0]]}j'ong{_TONES[reading[-1]]}"


_PHONEMES = {
    character: _syllable(reading)
    for reading, characters in _READINGS.items()
    for character in characters
}
_WORDS = {
    word: [_PHONEMES.get(character, phonemes if character == neighbour else character)
           for character in word]
    for neighbour, (phonemes, words) in _IN_WORDS.items()
    for word in words
}  # fmt: skip
MISREAD = frozenset(_PHONEMES)
"""The characters that espeak would spell out."""

_PATCHED = re.compile("|".join([*_WORDS, f"[{''.join(_PHONEMES)}]"]))
_TRADITIONAL_ER = str.maketrans("兒", "儿")  # the one other character it spells out


def for_espeak(text: str) -> tuple[str, bool]:
    """A text as espeak reads it right, and whether that needs its phoneme flag.

    The flag is wanted only for double brackets that were written here; the text's own are made
    single whenever it is.
    """
    text = text.translate(_TRADITIONAL_ER)
    if not _PATCHED.search(text):
        return text, False
    # A bracket may also stand right before one of ours, or be left half open behind it.
    single = re.sub(r"\[+", "[ ", text)
    marked = _PATCHED.sub(_written, re.sub(r"\]+", " ]", single))
    return marked.replace("]][[", "]] [["), True  # espeak loses count of brackets that touch


def _written(match: re.Match[str]) -> str:
    parts = _WORDS.get(match[0]) or [_PHONEMES[match[0]]]
    return "".join(f"[[{part}]]" if part.isascii() else part for part in parts)
