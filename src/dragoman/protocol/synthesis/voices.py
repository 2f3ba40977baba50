"""The 48 voices of the synthesis API.

Scope: a table. A name is case-sensitive. ``group`` says which models have the voice:
``shared`` (flash and instruct), ``flash`` (standard voices of flash alone), ``accent`` and
``dialect`` (flash alone). ``speaks`` is what is special about a voice: the language of its
accent, or its Chinese dialect; empty means all languages of its models alike.

Source: the vendor's voice list, by way of a mirror of November 2026.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Group = Literal["shared", "flash", "accent", "dialect"]


class Voice(msgspec.Struct, frozen=True):
    """One voice of the list; ``first`` marks the 17 of the first flash snapshot."""

    name: str
    group: Group
    speaks: str = ""
    first: bool = False


_SHARED = (
    "Cherry,Serena,Ethan,Chelsie,Momo,Vivian,Moon,Maia,Kai,Nofish,Bella,Eldric Sage,Mia,Mochi,"
    "Bellona,Vincent,Bunny,Neil,Elias,Arthur,Nini,Seren,Pip,Stella"
)
_FLASH = "Jennifer,Ryan,Katerina,Aiden,Andre,Radio Gol"
_ACCENTS = "Bodega:es,Sonrisa:es-419,Alek:ru,Dolce:it,Sohee:ko,Ono Anna:ja,Lenn:de,Emilien:fr"
_DIALECTS = (
    "Jada:Shanghai,Dylan:Beijing,Li:Nanjing,Marcus:Shaanxi,Roy:Minnan,Peter:Tianjin,"
    "Sunny:Sichuan,Eric:Sichuan,Rocky:Cantonese,Kiki:Cantonese"
)
_FIRST = (
    "Cherry,Ethan,Nofish,Elias,Jennifer,Ryan,Katerina,Jada,Dylan,Li,Marcus,Roy,Peter,Sunny,Eric,"
    "Rocky,Kiki"
)


def _table() -> dict[str, Voice]:
    groups: tuple[tuple[Group, str], ...] = (
        ("shared", _SHARED),
        ("flash", _FLASH),
        ("accent", _ACCENTS),
        ("dialect", _DIALECTS),
    )
    table, first = {}, frozenset(_FIRST.split(","))
    for group, names in groups:
        for entry in names.split(","):
            name, _, speaks = entry.partition(":")
            table[name] = Voice(name, group, speaks, name in first)
    return table


VOICES = _table()
"""Every voice by its name."""

INSTRUCT = tuple(voice.name for voice in VOICES.values() if voice.group == "shared")
CLASSIC = ("Cherry", "Serena", "Ethan", "Chelsie", "Dylan", "Jada", "Sunny")
FLASH = tuple(VOICES)
FIRST_FLASH = tuple(voice.name for voice in VOICES.values() if voice.first)
