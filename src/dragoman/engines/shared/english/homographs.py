"""Which reading of a homograph is meant ("to record a record"), by the words around it.

Scope: rules over two words before and one behind; they return a key of the lexicon's readings, or
None for the usual one. A tagger would need 30 MB of weights for a few hundred words of which most
are nouns with a verb of the same spelling.
"""

from __future__ import annotations

from collections.abc import Sequence


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ARTICLES = _set(
    "a an the this that these those my your his her its our their some any no each every another "
    "which whose much many one two three"
)
_PREPOSITIONS = _set("of in on at for with by from into under over about between as")
_PRONOUNS = _set("i you we they who he she it")
_PLURAL_PRONOUNS = _set("i you we they who")
_VERBAL = _set(
    "to will would can could shall should may might must do does did don't doesn't didn't won't "
    "can't cannot couldn't wouldn't shouldn't not never always often also please let's i'll you'll "
    "we'll they'll he'll she'll it'll i'd you'd we'd they'd help helps helped"
)
_BE = _set("be is are was were been being am isn't aren't wasn't weren't i'm it's")
_HAVE = _set("have has had having i've we've you've they've haven't hasn't hadn't")
_OBJECTS = _set("me him them us it you her")
_PLACES = _set("in with at here there on near together alone through by under to")


def part_of_speech(words: Sequence[str], at: int) -> str | None:
    """The part of speech of ``words[at]`` (all lower case; "" for a punctuation mark)."""
    word = words[at]
    before = words[at - 1] if at else ""
    earlier = words[at - 2] if at > 1 else ""
    behind = words[at + 1] if at + 1 < len(words) else ""
    if word == "read":
        return _of_read(words, before, earlier)
    if word == "used":
        return "VBD" if behind == "to" and before not in _BE else None
    if word in ("live", "lives"):
        is_verb = _is_verbal(before, earlier) or before in _PRONOUNS
        is_verb |= behind in _PLACES and before not in _ARTICLES | _PREPOSITIONS | _BE
        return "VERB" if is_verb else None
    if _is_verbal(before, earlier) or before in _PRONOUNS:
        return "VERB"
    if before in _ARTICLES or before in _PREPOSITIONS or before.endswith("'s"):
        return "NOUN"
    if behind in _ARTICLES | _OBJECTS:
        return "VERB"
    return "NOUN" if earlier in _ARTICLES | _PREPOSITIONS else None


def _is_verbal(before: str, earlier: str) -> bool:
    return before in _VERBAL or (before.endswith("ly") and earlier in _VERBAL | _PRONOUNS)


def _of_read(words: Sequence[str], before: str, earlier: str) -> str | None:
    if before in _BE | _HAVE or (earlier in _BE | _HAVE and before not in _ARTICLES):
        return "VBN"
    if before in _PLURAL_PRONOUNS:
        return "VBD" if {"yesterday", "ago", "last", "once"} & set(words) else None
    if before in ("he", "she") or (before and before not in _VERBAL and earlier in _ARTICLES):
        return None if before.endswith("s") else "VBD"
    return None
