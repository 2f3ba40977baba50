"""What a recogniser is told about the content: one text, as Whisper and Qwen3-ASR take it.

Scope: pure. Whisper keeps the end of a prompt (its last 224 tokens), so the terms of the glossary
stand there, in front of them the names that are shown, and in front of all the client's context,
of which the beginning is used. Source: platform.openai.com/docs/guides/speech-to-text.
"""

from __future__ import annotations

from dragoman.speech import Hints


def terms_of(hints: Hints, most_chars: int) -> list[str]:
    """Source terms of the glossary, then names that are shown, once each, as many as fit."""
    found: dict[str, None] = {}
    left = most_chars
    for term in map(_one_line, (*hints.phrases, *hints.onscreen)):
        left -= len(term) + 2 if term and term not in found else 0
        if left < 0:
            break
        if term:
            found[term] = None
    return list(found)


def prompt_of(hints: Hints, most_chars: int, fixed: str = "") -> str:
    """The prompt, of at most ``most_chars`` characters; ``fixed`` is the operator's own beginning
    of it, and comes on top of them.
    """
    terms = ", ".join(reversed(terms_of(hints, most_chars)))
    context = _beginning(_one_line(hints.context), max(0, most_chars - len(terms) - 1))
    return " ".join(part for part in (fixed, context, terms) if part)


def _beginning(text: str, most_chars: int) -> str:
    """Whole words of it, where words have spaces between them."""
    cut = text[:most_chars]
    return cut if cut == text else cut.rpartition(" ")[0] or cut


def _one_line(text: str) -> str:
    return " ".join(text.split())
