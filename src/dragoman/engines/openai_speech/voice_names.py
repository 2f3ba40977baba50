"""Which voice of the server speaks for a name of the cloud.

Scope: names only. First what the operator says, then a voice of the server with the same name
(``Ono Anna`` is ``ono_anna``), then the default for all women or men, then the first voice that the
server lists. A server may have no list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dragoman.engines.shared.voice_table import MALE

OPENAI_VOICE = "alloy"
"""Every model of OpenAI and most servers that imitate it know this one."""


class VoiceNames:
    """``mapped`` are entries such as ``Cherry:vivian``. Raises ``ValueError`` for one without a
    colon.
    """

    def __init__(self, mapped: Iterable[str], female: str, male: str) -> None:
        self._mapped: dict[str, str] = {}
        for entry in mapped:
            name, colon, voice = entry.partition(":")
            if not (colon and name.strip() and voice.strip()):
                raise ValueError("voices is a list such as Cherry:vivian;Ethan:ryan")
            self._mapped[_key(name)] = voice.strip()
        self._female, self._male = female or male, male or female
        self._listed: Mapping[str, str] = {}

    def learn(self, answer: Any) -> None:
        """Take the server's list of its voices: names, or objects with an ``id`` or ``name``.
        Anything else is no list.
        """
        voices = answer.get("voices") if isinstance(answer, dict) else answer
        names = (_name(entry) for entry in voices) if isinstance(voices, list) else ()
        self._listed = {_key(name): name for name in names if name}

    def of(self, name: str) -> str:
        """The server's name for the voice."""
        key = _key(name)
        default = self._male if name in MALE else self._female
        return (
            self._mapped.get(key)
            or self._listed.get(key)
            or default
            or next(iter(self._listed.values()), OPENAI_VOICE)
        )


def _key(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalnum())


def _name(entry: Any) -> str:
    if isinstance(entry, dict):
        entry = entry.get("id") or entry.get("name")
    return entry if isinstance(entry, str) else ""
