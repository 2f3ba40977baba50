"""Which speaker of a model a cloud voice gets.

Scope: tables. A model numbers its speakers; Kokoro's have names whose letters tell language and
gender (``af_heart``: American, female). More cloud voices than speakers get the same speaker as a
larger or smaller person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dragoman.engines.shared.voice_table import FEMALE, MALE, VoiceSound, VoiceTable

_LETTERS = {
    "en": "ab", "es": "e", "fr": "f", "hi": "h", "it": "i", "ja": "j", "pt": "p", "zh": "z",
}  # fmt: skip
_MOST_APART = 0.15
"""How much larger or smaller the last of those gets who share a speaker."""


def voice_table(speakers: Mapping[str, int], language: str, gain_db: float) -> VoiceTable:
    """A sound for every name, from the speakers of this language, or from all if none is known to
    be of it.
    """
    letters = tuple(_LETTERS.get(language, ""))
    named = [name for name in speakers if letters and name[2:3] == "_" and name[0] in letters]
    found = named or list(speakers)
    table: dict[str, VoiceSound] = {}
    for letter, names in (("f", FEMALE), ("m", MALE)):
        fitting = [name for name in named if name[1] == letter] or found
        table |= _spread(fitting, names, gain_db)
    return VoiceTable(table, {})


def _spread(speakers: Sequence[str], names: Sequence[str], gain_db: float) -> dict[str, VoiceSound]:
    most = max(1, (len(names) // len(speakers) + 1) // 2)
    found = {}
    for number, name in enumerate(names):
        turn, at = divmod(number, len(speakers))
        step = (turn + 1) // 2 * (1 if turn % 2 else -1)
        size = round(1 + _MOST_APART * step / most, 4)
        found[name] = VoiceSound(speakers[at], 1.0, size, gain_db)
    return found
