"""Which espeak-ng 1.52 voice speaks for which cloud voice, in which language, how fast.

Scope: tables and look-ups; nothing is loaded. Each name of ``voice_table`` gets one of
espeak's voice variants and a pitch factor, so that a name always sounds the same and different
names differ. Variants were chosen by measured pitch (women 170 to 250 Hz, men 75 to 115 Hz) and
for clear sound. Gains and paces were measured with ``scripts/measure_voices.py``.
"""

from __future__ import annotations

from dragoman.engines.espeak.levels import GAINS
from dragoman.engines.shared.voice_table import VoiceTable, assign_sounds
from dragoman.text.language_tags import primary_tag


def _pairs(table: str) -> dict[str, str]:
    """``"a:x b:y"`` as a dictionary."""
    return dict(cell.split(":") for cell in table.split())


_FEMALE_VARIANTS = (
    *("f3", "f2", "Annie", "f5", "steph", "f1", "belinda", "f4", "aunty", "shelby", "grandma"),
    *("Alicia", "linda"),
)
_MALE_VARIANTS = (
    *("m3", "max", "Michael", "Lee", "m7", "robert", "m5", "marcelo", "m1", "Alex", "michel"),
    *("m4", "Mario", "quincy", "travis", "boris", "rob", "m2", "miguel"),
)
_PITCHES = (1.0, 0.9, 1.1, 0.95)  # of the first, second, ... name that gets the same variant

SOUNDS = VoiceTable(
    assign_sounds(
        [(variant, pitch, 1.0) for pitch in _PITCHES for variant in _FEMALE_VARIANTS],
        [(variant, pitch, 1.0) for pitch in _PITCHES for variant in _MALE_VARIANTS],
    ),
    GAINS,
)
"""The sound of every name; ``variant`` is an espeak voice variant."""

_READS_AS = {
    "Sonrisa": {"es": "es-419"},
    "Rocky": {"zh": "yue"},
    "Kiki": {"zh": "yue"},
}
"""Voices that read a language in their own way; what espeak lacks (other dialects) is left out."""

WORDS_PER_MINUTE = 175
_OTHER_PACES = {"zh": 205, "yue": 185, "ja": 165, "ko": 185, "de": 190, "ru": 145}
"""Languages in which 175 of espeak's words per minute is not a natural pace."""


MANDARIN, JAPANESE = "sit/cmn", "jpx/ja"


def reading(language: str, voice: str) -> str:
    """The BCP-47 tag of how a cloud voice reads a language: mostly the language itself."""
    return _READS_AS.get(voice, {}).get(primary_tag(language), language)


def pace(language: str) -> int:
    """Espeak's words per minute for natural speech in a language."""
    return _OTHER_PACES.get(primary_tag(language), WORDS_PER_MINUTE)


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
    return _REGIONS.get(tag) or LANGUAGES.get(primary_tag(tag))
