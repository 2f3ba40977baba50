"""The shape of a language's table.

Scope: a value, and the union of several; no words, no rules. Words are in one string, with spaces
between them, without their last full stop. A word in lower case holds in any case; one with a
capital only with it. Words with a space after inner full stops ("z. B.") are listed without the
space ("z.b").
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class LanguageWords:
    """What the segmenter has to know about the words of one language."""

    never: str = ""
    """Abbreviations in front of what they belong to: titles, "e.g."."""
    number: str = ""
    """Abbreviations only in front of a number: "p. 5", "No. 7", "Sat. 4"."""
    either: str = ""
    """End a sentence if a frequent first word follows: "Inc.", "U.S.", "Jr."."""
    usually: str = ""
    """End a sentence if a capital follows: "etc.", "p.m."."""
    unit: str = ""
    """Behind a number like ``usually``, else common words or nothing: "ft.", "in."."""
    year: str = ""
    """Behind a number like ``either``: "2020 г."."""
    marked: str = ""
    """Names with a mark of their own: "Yahoo!"."""
    starters: str = ""
    """Frequent first words of sentences, in lower case."""
    common: str = ""
    """Frequent last words as short as an abbreviation, in lower case."""
    months: str = ""
    """Names of months as written with a capital behind an ordinal."""
    days: str = ""
    """What may follow a time of day with a capital: weekdays, time zones."""
    before_ordinal: str = ""
    """Words in front of an ordinal number, where ordinals are written with a full stop."""
    after_ordinal: str = ""
    """Nouns with a capital that often follow such a number."""
    elided: str = ""
    """Words that begin with an apostrophe, without it."""
    particles: str = ""
    """Frequent first words that also are parts of names behind an initial ("R. De Niro")."""
    speech: str = ""
    """Verbs that report speech behind the name of the speaker."""


def union(tables: Iterable[LanguageWords]) -> dict[str, frozenset[str]]:
    """The union of the tables, by the name of the field."""
    listed = list(tables)
    return {
        field.name: frozenset(
            word for table in listed for word in str(getattr(table, field.name)).split()
        )
        for field in fields(LanguageWords)
    }
