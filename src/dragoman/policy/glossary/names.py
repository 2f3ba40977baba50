"""Names in a text that a rule-based translator would read as common words.

Scope: finding them, pure. "Jordi Mas" became "Jordi Pero", because "mas" is a word of Portuguese.
Evidence that a word is a name, and has no form of its own in other languages:

* slides or the glossary have it with the same capital letters (``known_names``);
* a translator before has left it unchanged, with a capital letter inside a sentence
  (``kept_names``): "Jordi Mas" stays in Portuguese and will stay, "London" became "Londres" and may
  change again.
* At the beginning of a sentence a capital letter proves nothing. There, an unchanged word counts if
  a name follows, or if it is none of the source language's common words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from dragoman.policy.glossary.tokens import folded
from dragoman.text.ordinary_words import has_list, is_ordinary

_WORD = re.compile(r"[^\W\d_](?:[\w'’-]*\w)?")
_STARTS = re.compile(r"(?:^|[.!?:;…\n])[\s\"'“”‘’«»„()¡¿—–-]*$")


def known_names(text: str, known: Iterable[str]) -> list[str]:
    """The words of these terms that have a capital letter, where the text has them alike."""
    there = {match.group() for match in _WORD.finditer(text)}
    words = (match.group() for term in known for match in _WORD.finditer(term))
    return [w for w in dict.fromkeys(words) if w in there and _is_capital(w) and not w.isupper()]


def kept_names(source: str, translation: str, language: str) -> list[str]:
    """The names of a text in ``language`` that its translation has unchanged."""
    if translation.isupper():
        return []
    before = {match.group() for match in _WORD.finditer(source)}
    words = list(_WORD.finditer(translation))
    found: dict[str, None] = {}
    for place, match in enumerate(words):
        word = match.group()
        if word not in before or not _is_capital(word):
            continue
        if (
            _STARTS.search(translation[: match.start()]) is None
            or _leads_name(translation, words[place : place + 2], before)
            or (has_list(language) and not is_ordinary(folded(word), language))
        ):
            found[word] = None
    return list(found)


def lost_names(names: Iterable[str], translation: str) -> list[str]:
    """Those that the translation has not, with the same capital letters."""
    return [
        name for name in names if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", translation) is None
    ]


def _leads_name(text: str, words: list[re.Match[str]], before: set[str]) -> bool:
    """Whether the second of these words is a name right behind the first."""
    if len(words) < 2 or text[words[0].end() : words[1].start()] != " ":
        return False
    return words[1].group() in before and _is_capital(words[1].group())


def _is_capital(word: str) -> bool:
    return len(word) > 1 and word[0].isupper()
