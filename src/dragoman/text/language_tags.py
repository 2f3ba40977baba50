"""Language tags (BCP-47)."""

from __future__ import annotations


def primary_tag(language: str | None) -> str:
    """The primary subtag, in small letters: ``en`` of ``en-US`` and ``EN_us``; empty for None."""
    return (language or "").strip().replace("_", "-").partition("-")[0].lower()
