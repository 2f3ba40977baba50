"""The languages of a model, which its files do not tell.

Scope: what the operator's option ``languages`` means.
"""

from __future__ import annotations

from dragoman.text.language_tags import primary_tag


def known_languages(languages: tuple[str, ...]) -> tuple[str, ...]:
    """The primary tags of these, or any (``*``). Raises ``ValueError`` for none."""
    tags = [tag if tag == "*" else primary_tag(tag) for tag in languages]
    found = tuple(dict.fromkeys(filter(None, tags)))
    if not found:
        raise ValueError("say which languages the model knows: languages=en or languages=zh;en")
    return found
