"""The cloud's voice names, and how each of them sounds; the operator's own table of voices.

Scope: names and a reader for a file, for any engine. Clients choose voices by the
cloud's names. Every embedded engine gives each name a ``VoiceSound`` of its own in a
``VoiceTable``, which an operator may change with a TOML file::

    [Cherry]
    variant = "f2"      # what the engine calls a voice
    pitch = 1.1         # factor on that voice's own pitch, 0.5 to 2
    size = 1.0          # factor on the length of the vocal tract, 0.75 to 1.35: 1.1 sounds bigger
    gain_db = 0.0       # on top of the measured gain of the variant, -20 to 20

What the file leaves out stays as it is. The order of the name lists decides which name gets which
sound: only append to them. Genders and names are the vendor's.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from dragoman.engines.base import EngineUnavailable
from dragoman.text.language_tags import primary_tag

LEVEL_LUFS = -22.0
"""Integrated loudness (BS.1770) that every voice is brought to, within 1 dB; its peaks fit then."""

Gender = Literal["female", "male"]

FEMALE = (
    *("Cherry", "Tina", "Serena", "Chelsie", "Momo", "Vivian", "Maia", "Bella", "Mia", "Bellona"),
    *("Bunny", "Elias", "Nini", "Seren", "Stella", "Jennifer", "Katerina", "Sonrisa", "Sohee"),
    *("Ono Anna", "Jada", "Sunny", "Kiki", "Cindy", "Liora Mira", "Sunnybobi", "Qiao", "Angel"),
    *("Mione", "Roya", "Hana", "Griet", "Eliška", "Marina", "Siiri", "Ingrid", "Sigga", "Bea"),
    "Chloe",
)
MALE = (
    *("Ethan", "Ryan", "Moon", "Kai", "Nofish", "Eldric Sage", "Mochi", "Vincent", "Neil"),
    *("Arthur", "Pip", "Aiden", "Andre", "Radio Gol", "Bodega", "Alek", "Dolce", "Lenn"),
    *("Emilien", "Dylan", "Li", "Marcus", "Roy", "Peter", "Eric", "Rocky", "Uncle_Fu"),
    *("Raymond", "Theo Calm", "Harvey", "Evan", "Wil", "Li Cassian", "Joyner", "Gold", "Rizky"),
    *("Arda", "Jakub"),
)
NAMES = (*FEMALE, *MALE)
"""Every name that the cloud's two APIs know."""
DEFAULT = "Cherry"
"""An unknown name sounds like this one."""


class VoiceSound(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one name sounds: a variant of the engine, and factors on it."""

    variant: str
    pitch: float = 1.0
    size: float = 1.0
    gain_db: float = 0.0


_LIMITS = {"pitch": (0.5, 2.0), "size": (0.75, 1.35), "gain_db": (-20.0, 20.0)}


Gains = Mapping[str, Mapping[str, float]]
"""Measured gains in dB: variant, then language; ``""`` is for all other languages."""


def gain_table(text: str) -> Gains:
    """Gains from a table: a line of languages, then a line for each variant.

    What all languages of a variant have on average is its gain for every other one.
    """
    head, *lines = (line.split() for line in text.strip().splitlines())
    table: dict[str, dict[str, float]] = {}
    for variant, *cells in lines:
        gains = dict(zip(head, map(float, cells), strict=True))
        table[variant] = {**gains, "": sum(gains.values()) / len(gains)}
    return table


class VoiceTable:
    """The sounds of one engine, by name. ``gains`` evens out the variants: see ``gain_table``."""

    def __init__(self, table: Mapping[str, VoiceSound], gains: Gains) -> None:
        self._table = dict(table)
        self._gains = gains

    def of(self, name: str) -> VoiceSound:
        """The sound of a name; every unknown name sounds like the default one."""
        return self._table.get(name) or self._table[DEFAULT]

    def gain_db(self, name: str, language: str) -> float:
        """What brings a name to the common level in a language (BCP-47)."""
        sound = self.of(name)
        measured = self._gains.get(sound.variant, {})
        return measured.get(primary_tag(language), measured.get("", 0.0)) + sound.gain_db

    def gain(self, name: str, language: str) -> float:
        """The same as a factor."""
        return float(10 ** (self.gain_db(name, language) / 20))

    def changed(self, path: str, variants: Iterable[str]) -> VoiceTable:
        """These, changed by the table in a file; an empty path changes nothing.

        Raises ``EngineUnavailable`` that names the file, the voice and the field.
        """
        if not path:
            return self
        known = frozenset(variants)
        table = dict(self._table)
        for name, entry in _read(path).items():
            table[name] = _merged(f"{path}: [{name}]", self.of(name), entry, known)
        return VoiceTable(table, self._gains)


def _read(path: str) -> dict[str, object]:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise EngineUnavailable(
            f"{path}: the table of voices cannot be read: {error.strerror}"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise EngineUnavailable(f"{path}: this is not TOML: {error}") from None


def _merged(place: str, sound: VoiceSound, raw: object, variants: frozenset[str]) -> VoiceSound:
    if not isinstance(raw, dict):
        raise EngineUnavailable(f"{place} is not a table of fields")
    try:
        merged = msgspec.convert({**msgspec.structs.asdict(sound), **raw}, VoiceSound)
    except msgspec.ValidationError as error:
        raise EngineUnavailable(f"{place} {error}".replace("$.", "")) from None
    if merged.variant not in variants:
        known = ", ".join(sorted(variants))
        raise EngineUnavailable(f"{place} variant: there is no {merged.variant!r} among {known}")
    for field, (least, most) in _LIMITS.items():
        value = getattr(merged, field)
        if field in raw and not least <= value <= most:
            raise EngineUnavailable(f"{place} {field}: {value} is not within {least} to {most}")
    return merged


def parse_sounds(text: str) -> dict[str, VoiceSound]:
    """Sounds from a table: ``name: variant pitch size gain_db``, more of them behind ``|`` or in
    lines of their own.
    """
    table: dict[str, VoiceSound] = {}
    for entry in text.strip().replace("|", "\n").splitlines():
        name, _, cells = entry.strip().partition(": ")
        variant, *numbers = cells.split()
        pitch, size, gain_db = map(float, numbers)
        table[name] = VoiceSound(variant, pitch, size, gain_db)
    return table


def assign_sounds(
    female: Iterable[tuple[str, float, float]], male: Iterable[tuple[str, float, float]]
) -> dict[str, VoiceSound]:
    """A sound (variant, pitch, size) for every name, in the order of the lists.

    Raises ``ValueError`` when there are fewer sounds than names or two are the same.
    """
    table: dict[str, VoiceSound] = {}
    for names, sounds in ((FEMALE, list(female)), (MALE, list(male))):
        if len(sounds) < len(names) or len(set(sounds)) < len(sounds):
            raise ValueError("every name wants a sound of its own")
        for name, (variant, pitch, size) in zip(names, sounds, strict=False):
            table[name] = VoiceSound(variant, pitch, size)
    return table
