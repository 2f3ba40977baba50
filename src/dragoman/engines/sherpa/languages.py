"""The languages of a model, which its files do not tell.

Scope: what the operator's option ``languages`` means.
"""

from __future__ import annotations

from dragoman.engines.base import EngineUnavailable
from dragoman.text.language_tags import primary_tag


def known_languages(languages: tuple[str, ...]) -> tuple[str, ...]:
    """The primary tags of these; any (``*``) for none."""
    tags = [tag if tag == "*" else primary_tag(tag) for tag in languages]
    return tuple(dict.fromkeys(filter(None, tags))) or ("*",)


def check_told(name: str, model: str, languages: tuple[str, ...]) -> None:
    """Raise ``EngineUnavailable`` where the operator has not said which model and languages."""
    if not model or not any(languages):
        raise EngineUnavailable(
            "Say which model, and which languages it knows: "
            f"{name}?model=FOLDER&languages=en (or zh;en)"
        )
