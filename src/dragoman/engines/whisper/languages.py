"""The languages of Whisper: its codes and ours, and those that it does well enough by default.

Scope: tables. Tags are BCP-47 primary tags.
"""

from __future__ import annotations

_CODES = {"nb": "no", "fil": "tl", "jv": "jw"}
_TAGS = {code: tag for tag, code in _CODES.items()}

USUAL: tuple[str, ...] = (
    "en", "zh", "de", "es", "ru", "fr", "pt", "ko", "ja", "tr", "pl", "it", "sv", "nl", "ca",
    "fi", "id", "ar", "uk", "vi", "he", "el", "da", "ms", "hu", "ro", "nb", "th", "cs",
)  # fmt: skip
"""Languages with more than a hundred hours in Whisper's training (Radford et al. 2022, annex E),
most first. Fewer languages to choose from also make fewer mistakes about which one is spoken.
"""

EUROPEAN: tuple[str, ...] = tuple(
    tag for tag in USUAL
    if tag not in {"en", "zh", "ko", "ja", "tr", "id", "ar", "vi", "he", "ms", "th"}
)  # fmt: skip
"""Those of them whose English by Whisper's own translation has to do with what was said."""


def token_of(language: str) -> str:
    """The control token of a language: ``<|es|>``."""
    return f"<|{_CODES.get(language, language)}|>"


def tag_of(token: str) -> str:
    """The tag of a language's control token."""
    code = token[2:-2]
    return _TAGS.get(code, code)
