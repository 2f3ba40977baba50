"""Which voice speaks for which cloud voice, and which languages espeak-ng 1.52 has.

Law of this file: tables and look-ups; nothing is loaded. Clients choose voices by the cloud's
names; we have synthetic ones. Each name gets a gender, one of espeak's voice variants and a pitch
factor, so that a name always sounds the same and different names mostly differ. The order of the
name lists decides who gets what: only append to them.

The gender and the names are the vendor's; variants were chosen by measured pitch (women 170 to
250 Hz, men 75 to 115 Hz) and for clear sound; ``GAINS_DB`` brings each to about -20 dBFS RMS.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Gender = Literal["female", "male"]


def _pairs(table: str) -> dict[str, str]:
    """``"a:x b:y"`` as a dictionary; tables in this form stay readable."""
    split = (cell.partition(":") for cell in table.split())
    return {key: value for key, _, value in split}


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

_FEMALE_VARIANTS = (
    *("f3", "f2", "Annie", "f5", "steph", "f1", "belinda", "f4", "aunty", "shelby", "grandma"),
    *("Alicia", "linda"),
)
_MALE_VARIANTS = (
    *("m3", "max", "Michael", "Lee", "m7", "robert", "m5", "marcelo", "m1", "Alex", "michel"),
    *("m4", "Mario", "quincy", "travis", "boris", "rob", "m2", "miguel"),
)
_PITCHES = (1.0, 0.9, 1.1, 0.95)  # of the first, second, ... name that gets the same variant

GAINS_DB = {
    variant: float(gain)
    for variant, gain in _pairs(
        """
        f1:-0.8 f2:-1.1 f4:-1.0 f5:0.7 Annie:0.7 aunty:-0.8 linda:-1.9 belinda:-2.5 grandma:0.6
        Alicia:-0.7 m1:1.7 m2:2.2 m4:0.8 m3:0.6 m7:-1.1 max:1.8 Michael:-1.4 Lee:0.7 robert:1.6
        m5:1.3 marcelo:-1.2 Alex:2.0 michel:-0.7 quincy:1.9 travis:-1.8 boris:1.9 rob:2.1
        miguel:-2.4
        """
    ).items()
}


class Timbre(msgspec.Struct, frozen=True):
    """How one cloud voice sounds here; ``pitch`` is a factor on the variant's own."""

    gender: Gender
    variant: str
    pitch: float = 1.0

    @property
    def gain(self) -> float:
        """Factor that evens out the loudness of the variants."""
        return float(10 ** (GAINS_DB.get(self.variant, 0.0) / 20))


def _table() -> dict[str, Timbre]:
    table: dict[str, Timbre] = {}
    columns: tuple[tuple[Gender, tuple[str, ...], tuple[str, ...]], ...] = (
        ("female", FEMALE, _FEMALE_VARIANTS),
        ("male", MALE, _MALE_VARIANTS),
    )
    for gender, names, variants in columns:
        for index, name in enumerate(names):
            round_, place = divmod(index, len(variants))
            pitch = _PITCHES[round_ % len(_PITCHES)]
            table[name] = Timbre(gender, variants[place], pitch)
    return table


VOICES = _table()
DEFAULT = VOICES["Cherry"]
NAMES = tuple(VOICES)


def timbre(voice: str) -> Timbre:
    """The sound of a cloud voice; every unknown name sounds like the default one."""
    return VOICES.get(voice, DEFAULT)


# BCP-47 tag (lower case) -> espeak voice identifier: its file below ``lang/``. Names such as
# "fr-fr" are not used: espeak refuses some of them and silently keeps the voice before.
# Left out because espeak-ng 1.52 has no such voice: ast, ceb, fil, gl, jv, tg.
LANGUAGES = _pairs(
    """
    zh:sit/cmn yue:sit/yue ja:jpx/ja ko:ko en:gmw/en-US de:gmw/de fr:roa/fr es:roa/es it:roa/it
    pt:roa/pt-BR ru:zle/ru ar:sem/ar id:poz/id th:tai/th vi:aav/vi tr:trk/tr hi:inc/hi ms:poz/ms
    nl:gmw/nl ur:inc/ur nb:gmq/nb no:gmq/nb sv:gmq/sv da:gmq/da he:sem/he fi:urj/fi pl:zlw/pl
    is:gmq/is cs:zlw/cs fa:ira/fa el:grk/el af:gmw/af be:zle/be bg:zls/bg bn:inc/bn bs:zls/bs
    ca:roa/ca et:urj/et gu:inc/gu hr:zls/hr hu:urj/hu kk:trk/kk kn:dra/kn ky:trk/ky lv:bat/lv
    mk:zls/mk ml:dra/ml mr:inc/mr pa:inc/pa ro:roa/ro sk:zlw/sk sl:zls/sl sw:bnt/sw az:trk/az
    uk:zle/uk ta:dra/ta te:dra/te cy:cel/cy ga:cel/ga eu:eu lt:bat/lt sr:zls/sr ka:ccs/ka
    hy:ine/hy ne:inc/ne sq:ine/sq mt:sem/mt eo:art/eo la:itc/la
    """
)
_REGIONS = _pairs(
    """
    en-gb:gmw/en-GB-x-rp pt-pt:roa/pt es-419:roa/es-419 es-mx:roa/es-419 fr-be:roa/fr-BE
    fr-ch:roa/fr-CH zh-hk:sit/yue
    """
)


def identifier(language: str) -> str | None:
    """The espeak voice for a BCP-47 tag, region first, then primary tag; None where it has none."""
    tag = language.lower().replace("_", "-")
    return _REGIONS.get(tag) or LANGUAGES.get(tag.partition("-")[0])
