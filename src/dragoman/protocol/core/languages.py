"""Language codes as clients write them, and as the engines know them.

Scope: one spelling for each language; tables of what a model covers stand with its API.
"""

from __future__ import annotations

from dragoman.text.language_tags import primary_tag

_SYNONYMS = {"no": "nb", "tl": "fil", "iw": "he", "in": "id", "jw": "jv", "cmn": "zh"}


def canonical(code: str) -> str:
    """The primary tag of a code as clients write it: ``en-US``, ``ZH`` and ``no`` are known."""
    primary = primary_tag(code)
    return _SYNONYMS.get(primary, primary)
