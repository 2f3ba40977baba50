"""What is not read aloud: tables for ``policy.reading.markup``.

Scope: data. Sets of characters are the inside of a regular expression set.
"""

from __future__ import annotations

from dragoman.text.characters import PICTOGRAPHS

CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f"
INVISIBLE = (
    "\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffc"
)
"""Format characters without a sound that do not change the shape of letters."""

UNREADABLE = f"{CONTROLS}{INVISIBLE}\ud800-\udfff\ue000-\uf8ff\U000f0000-\U0010fffd"
PICTURE = f"{PICTOGRAPHS}\ufe0e\ufe0f\U000e0020-\U000e007f"
"""Pictographs and their parts, but for those that are text unless a selector follows."""

ZERO_WIDTH = frozenset("\u00ad\u061c\u200b\u200e\u200f\ufeff") | frozenset(
    chr(code) for code in (*range(0x202A, 0x202F), *range(0x2060, 0x2070))
)
"""Those among them that do not separate words."""

TIGHT = frozenset(".!?,;:。！？，、；：)）」』”’") | {""}
"""Marks that need no space before them."""

INLINE_TAGS = frozenset(
    {"a", "abbr", "b", "big", "cite", "code", "del", "dfn", "em", "font", "i", "ins", "kbd", "mark"}
    | {"q", "s", "samp", "small", "span", "strong", "sub", "sup", "tt", "u", "var"}
    | {"emphasis", "prosody", "phoneme", "say-as", "voice", "w"}
)
"""Tags that may be inside a word; any other separates words."""

COMMANDS = (
    *("speak", "break", "prosody", "phoneme", "say-as", "emphasis", "audio", "mark", "sub"),
    *("voice", "lang", "desc", "amazon", "mstts", "xml", "bookmark", "lexicon", "metadata", "tts"),
)
"""Names of tags that a speech engine might take for a command."""

TOP_DOMAINS = (
    *("com", "org", "net", "edu", "gov", "io", "ai", "dev", "app", "info", "cn", "jp", "de", "fr"),
    *("es", "it", "uk", "ru", "co", "eu", "me", "tv", "us", "in", "br", "kr", "ca", "nl", "pl"),
    *("se", "ch", "at"),
)
"""Domains by which an address without a scheme is recognised."""
