"""The glossary around a translator that takes none: terms travel as placeholders.

Scope: pure functions on texts. ``TermPlaceholders`` replaces the terms of a sentence by names that
the translator leaves alone, and puts the glossary's translations in their places in the answer.
``with_terms`` and ``with_lost_terms`` check any translation, however it was made: the first
replaces a term that was left in the source language, the second adds a term that would get lost
where the translation is joined to what is committed.

* A placeholder does not occur in the text. An engine lists those that it treats as names of people
  (``Info.placeholders``), so that the sentence around them keeps its grammar. Of these, one that
  begins like the term's translation is chosen, with a vowel or not, because of "l'" and "d'". For
  engines that list none, words are coined that belong to no language.
* A term is put in as the glossary writes it. At the beginning of a sentence it gets a capital
  letter, unless its spelling has capitals of its own. Number and gender are not adapted: what is
  right for a name in one language cannot be guessed for all; a plural can be an entry of its own.
* All placeholders are replaced in one pass, so nothing inside a term is replaced again.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from dragoman.policy.glossary.terms import Glossary, Match
from dragoman.policy.glossary.tokens import folded, tokenize
from dragoman.text.continuation import continuation
from dragoman.text.spoken import is_speakable

_VOWELS = "aeiouàáâäãåæèéêëìíîïòóôöõøùúûü"
_LATIN = "[0-9A-Za-z\u00c0-\u024f]"
_MARKS = ",;:.!?，、；：。！？"
_LETTER = re.compile(_LATIN)
_FALSE_ENDING = 3
"""So many letters may an engine have added to a placeholder by mistake."""


class TermPlaceholders:
    """The terms of one sentence and their placeholders. ``text`` goes to the translator."""

    def __init__(self, text: str, glossary: Glossary, names: Sequence[str] = ()) -> None:
        self.matches = [match for match in glossary.matches(text) if match.term.value]
        self._by_name: dict[str, str] = {}
        self._names: dict[str, str] = {}
        free = [*_unused(names, text)]
        spare = _unused(_coined(), text)
        parts, at = [], 0
        for match in self.matches:
            value = match.term.value
            name = self._names.get(value) or _choose(free, value) or next(spare)
            self._names[value] = name
            self._by_name[folded(name)] = value
            before, after = text[match.begin - 1 : match.begin], text[match.end : match.end + 1]
            apart = " " if _LETTER.match(before) else ""  # behind a script without spaces
            parts += [text[at : match.begin], apart, name, " " if _LETTER.match(after) else ""]
            at = match.end
        self.text = "".join(parts) + text[at:]
        self._is_capital = _first_letter(text).isupper()
        self._placeholder = _pattern([*self._names.values()])

    def hidden(self, target: str) -> str:
        """Target text with the same placeholders: the prefix for the engine."""
        for match in reversed(Glossary(self._names).matches(target)):
            name = match.term.value
            target = target[: match.begin] + name + target[match.end :]
        return target

    def restored(self, translation: str) -> str:
        """The translation with the glossary's translations in place of the placeholders."""
        return self._placeholder.sub(self._put, translation) if self.matches else translation

    def _put(self, match: re.Match[str]) -> str:
        value = self._by_name[folded(match.group("name"))]
        is_first = not is_speakable(match.string[: match.start()])
        if is_first and self._is_capital and value == value.lower():
            return value[:1].upper() + value[1:]
        return value


def with_terms(text: str, translation: str, glossary: Glossary) -> str:
    """The translation of ``text``; terms that were left in the source language are replaced."""
    for match in missing_terms(text, translation, glossary):
        left = Glossary({match.term.key: match.term.value}).matches(translation)
        left = left or _form_of(text, match, translation)
        for place in reversed(left):
            put = match.term.value
            if not is_speakable(translation[: place.begin]) and put == put.lower():
                put = put[:1].upper() + put[1:] if _first_letter(text).isupper() else put
            translation = translation[: place.begin] + put + translation[place.end :]
    return translation


def with_lost_terms(
    text: str, translation: str, committed: str, glossary: Glossary, *, spaced: bool = True
) -> str:
    """The translation of ``text`` in which no term gets lost behind ``committed``, its committed
    part. Where the word order changed, a new term may be among words that were committed without
    it; then it is put right behind ``committed``.
    """
    rest = continuation(translation, committed) if committed else ""
    if not committed or not (lost := missing_terms(text, committed + rest, glossary)):
        return translation
    there = {match.term.key for match in missing_terms(text, translation, glossary)}
    values = [match.term.value for match in lost if match.term.key not in there]
    if not values:
        return translation
    marks = len(rest) - len(rest.lstrip(_MARKS))
    gap = " " if spaced else ""
    return committed + rest[:marks] + gap + gap.join(values) + rest[marks:]


def missing_terms(text: str, translation: str, glossary: Glossary) -> list[Match]:
    """Terms in ``text`` (each once) whose translation is not in the translation."""
    found: list[Match] = []
    tokens = [piece.key for piece in tokenize(translation)] if glossary else []
    for match in glossary.matches(text):
        value = [piece.key for piece in tokenize(match.term.value)]
        known = any(match.term.key == other.term.key for other in found)
        if value and not known and not _contains(value, tokens):
            found.append(match)
    return found


def _form_of(text: str, match: Match, translation: str) -> list[Match]:
    """Where the form that the source has is in the translation."""
    return Glossary({text[match.begin : match.end]: match.term.value}).matches(translation)


def _contains(value: Sequence[str], tokens: Sequence[str]) -> bool:
    """Whether a text has these words in a row; the last may have an ending."""
    size = len(value)
    for at in range(len(tokens) - size + 1):
        run = tokens[at : at + size]
        if run[:-1] == value[:-1] and run[-1].startswith(value[-1]):
            return True
    return False


def _pattern(names: Sequence[str]) -> re.Pattern[str]:
    """A placeholder with the few letters that an engine may have added to it. Only letters of its
    own alphabet can make it part of another word.
    """
    either = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    ending = f"{_LATIN}{{0,{_FALSE_ENDING}}}"
    return re.compile(f"(?<!{_LATIN})(?P<name>{either}){ending}(?!{_LATIN})", re.IGNORECASE)


def _first_letter(text: str) -> str:
    return next((char for char in text if char.isalpha()), "")


def _unused(names: Sequence[str] | Iterator[str], text: str) -> Iterator[str]:
    """Those that do not occur in the text."""
    plain = folded(text)
    return (name for name in names if folded(name) not in plain)


def _choose(free: list[str], value: str) -> str | None:
    """Take the next name, one that begins like the term if there is one."""
    if not free:
        return None
    vowel = value[:1].lower() in _VOWELS
    fitting = next((name for name in free if (name[0].lower() in _VOWELS) == vowel), free[0])
    free.remove(fitting)
    return fitting


def _coined() -> Iterator[str]:
    """Words of no language, infinitely many."""
    for length in itertools.count(1):
        for letters in itertools.product("bdfkmpvz", repeat=length):
            yield "Xq" + "o".join(letters) + "ux"
