"""Voices of the interpretation families, as the model pages list them.

Scope: names only. Which engine voice stands for a name is the engines' own table.
"""

from __future__ import annotations

QWEN3_VOICES = ("Cherry", "Nofish", "Jada", "Dylan", "Sunny", "Peter", "Eric", "Kiki")

QWEN35_VOICES = (
    "Tina",
    "Cindy",
    "Liora Mira",
    "Sunnybobi",
    "Raymond",
    "Ethan",
    "Theo Calm",
    "Serena",
    "Harvey",
    "Maia",
    "Evan",
    "Qiao",
    "Momo",
    "Wil",
    "Angel",
    "Li Cassian",
    "Mia",
    "Joyner",
    "Gold",
    "Katerina",
    "Ryan",
    "Jennifer",
    "Aiden",
    "Mione",
    "Sohee",
    "Lenn",
    "Ono Anna",
    "Sonrisa",
    "Bodega",
    "Emilien",
    "Andre",
    "Radio Gol",
    "Alek",
    "Rizky",
    "Roya",
    "Arda",
    "Hana",
    "Dolce",
    "Jakub",
    "Griet",
    "Eliška",
    "Marina",
    "Siiri",
    "Ingrid",
    "Sigga",
    "Bea",
    "Chloe",
)

CLONE_OF_SPEAKER = "default"
"""The voice name that stands for the speaker's own voice, cloned while they speak."""


def is_clone(voice: str) -> bool:
    """Whether the name is a cloned voice: the live clone, or the id of an enrolled one."""
    return voice == CLONE_OF_SPEAKER or "-vc-" in voice
