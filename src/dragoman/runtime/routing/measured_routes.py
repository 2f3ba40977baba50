"""Which translations are better by way of a third language, as measured.

Scope: the table. A direction is here only if the way round is clearly better (paired bootstrap over
the texts; chrF, then BLEU), on text that nothing was tuned to:

    $ dragoman bench routes --back      # transcripts of recordings and their human translations

    direction   texts   Apertium      by Portuguese   chrF, 95 % of draws
    en -> es      31    59.1 / 27.8    67.9 / 39.9      +4.6 … +13.2
    es -> en      31    58.8 / 24.8    68.6 / 43.9      +6.2 … +12.5
    en -> fr       6    52.1 / 13.3    61.1 / 23.0      +7.2 … +13.0
    fr -> en       6    58.5 / 20.5    70.6 / 40.0      +3.0 … +14.8
    en -> it       2    44.2 / 10.2    44.2 /  9.8      -5.2 … +10.6     not taken
    it -> en       2    51.2 / 11.1    64.0 / 41.9      -2.8 … +22.2     not taken
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Detour(msgspec.Struct, frozen=True):
    """By way of ``middle``: the engine that translates into it, and the one that goes on; one of
    them is ``neural``.
    """

    first: str
    middle: str
    second: str
    neural: str


_OUT = Detour("firefox", "pt", "apertium", neural="firefox")
_BACK = Detour("apertium", "pt", "firefox", neural="firefox")

DETOURS: Mapping[tuple[str, str], Detour] = {
    ("en", "es"): _OUT,
    ("en", "fr"): _OUT,
    ("es", "en"): _BACK,
    ("fr", "en"): _BACK,
}
HUB = "en"
"""Where two models of one engine may meet for a direction that no engine covers otherwise."""
