"""What Moonshine does with the hints: terms bias the decoder, names are compared with its result.

Scope: which terms and names, and their tokens; no model, no audio. The result is cached, since
every window brings the same hints again.

* The glossary's terms are a bias on the decoder. Of more than ``most`` those with words that
  the vocabulary lacks are used: the model spells the others right anyway, and every biased term
  costs accuracy elsewhere. A term in small letters is also used with a capital.
* They are also compared with the finished hypothesis, before the names that are shown.
* Names and unusual words of the client's context are treated like names that are shown.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

import msgspec

from dragoman.engines.moonshine.glossary_bias import PhraseTree
from dragoman.engines.moonshine.onscreen_names import shown_names
from dragoman.engines.moonshine.tokenizer import Tokenizer
from dragoman.speech import Hints

MOST_CONTEXT = 2_000
"""Characters at the beginning of the context that are looked at."""
_SENTENCES = re.compile(r"[.!?:;\n]+\s+|\n+")
_WORD = re.compile(r"[^\W_](?:[\w'’.+#&-]*[\w+#])?")


class UsableHints(msgspec.Struct, frozen=True):
    """``phrases`` that bias the decoder, or None, and ``names`` to compare with the hypothesis."""

    phrases: PhraseTree | None
    names: Sequence[str]


@functools.lru_cache(maxsize=32)
def _usable(
    tokens: Tokenizer, phrases: tuple[str, ...], context: str, onscreen: tuple[str, ...], most: int
) -> UsableHints:
    ranked = sorted(phrases, key=lambda phrase: -rarity(tokens, phrase))[:most]
    spelled = [tokens.encode(form) for phrase in ranked for form in _forms(phrase)]
    rare = [phrase for phrase in ranked if rarity(tokens, phrase) > 1]
    names = shown_names(tokens, [*rare, *named_in(context), *onscreen])
    return UsableHints(PhraseTree(spelled) if spelled else None, tuple(names))


def usable_hints(tokens: Tokenizer, hints: Hints, most: int) -> UsableHints:
    """What to do with these hints; at most ``most`` terms of the glossary are used."""
    phrases, context = tuple(hints.phrases), hints.context[:MOST_CONTEXT]
    return _usable(tokens, phrases, context, tuple(hints.onscreen), most)


def rarity(tokens: Tokenizer, phrase: str) -> float:
    """How many tokens a word of the phrase takes; 1 when the vocabulary has them all."""
    words = phrase.split()
    known = sum(tokens.has(word) or tokens.has(word.lower()) for word in words)
    return 1.0 if known == len(words) else len(tokens.encode(phrase)) / max(len(words), 1)


def named_in(context: str) -> list[str]:
    """Names and unusual words of a text: with a capital not at the beginning of a sentence, or
    with a capital or a digit inside. Capitalised words that stand together are one name.
    """
    found: dict[str, None] = {}
    for sentence in _SENTENCES.split(context):
        run: list[str] = []
        end = 0
        for place, match in enumerate(_WORD.finditer(sentence)):
            word = match[0]
            odd = any(c.isdigit() for c in word[1:]) or word[1:] != word[1:].lower()
            named = odd or (word[:1].isupper() and place > 0)
            if not named or sentence[end : match.start()].strip():
                found.update(_joined(run))
                run = []
            run += [word] if named and not word.isdigit() else []
            end = match.end()
        found.update(_joined(run))
    return list(found)


def _joined(run: Sequence[str]) -> dict[str, None]:
    return {" ".join(run): None} if run else {}


def _forms(phrase: str) -> list[str]:
    """As it is written and as it begins a sentence."""
    large = phrase[:1].upper() + phrase[1:]
    return [phrase] if large == phrase else [phrase, large]
