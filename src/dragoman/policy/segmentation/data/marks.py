"""Characters that end, join, open and close: tables for the segmenter, the same in all languages.

Scope: data.
"""

from __future__ import annotations

from dragoman.text import scripts
from dragoman.text.characters import PICTOGRAPHS, TEXT_PICTOGRAPHS

AT_ONCE = frozenset("。｡।॥።፧։")
"""End a sentence whatever follows, except in a quotation."""

STRONG = frozenset("！？။។៕།༎𑅀᙮᭞᭟꧉") | AT_ONCE
"""End a sentence without white space. They may be doubled, so the next character decides what
belongs to them.
"""

WEAK = frozenset(".．!?…؟۔‼⁇⁈⁉\u2047\u2025")
"""End a sentence if white space follows, or a script without spaces."""

ELLIPSES = ("...", "…", "\u2025", "۔۔")

SEMICOLON_ASKS = "\u0370-\u03ff\u1f00-\u1fff"
"""Behind letters of this range (Greek) a semicolon is a question mark."""

PAIRED = "፡"
"""Two of them are a full stop (Ethiopic word separators, as typed)."""

FOLLOWED = {"។": "ល"}
"""Strong marks that this next character makes a part of a word (Khmer "and so on")."""

CLAUSE = frozenset(",;:،؛፣፤፥՝၊–—")
"""Separate clauses if white space follows."""

CLAUSE_DENSE = frozenset("，、；：､")
"""Separate clauses without white space."""

DASHES = frozenset("-–—―")

PAIRS = {
    "(": ")",
    "[": "]",
    "{": "}",
    "“": "”",
    "„": "“”",
    "‚": "‘’",
    "‘": "’",
    "«": "»",
    "‹": "›",
    "（": "）",
    "［": "］",
    "｛": "｝",
    "「": "」",
    "｢": "｣",
    "『": "』",
    "《": "》",
    "〈": "〉",
    "【": "】",
    "〔": "〕",
    "〖": "〗",
    "〝": "〞〟",
}
"""What opens, and what may close it."""

REVERSED = {"»": "«»", "”": "”", "›": "‹›"}
"""Closers that open at the beginning of a word (»so«, ”så”)."""

STRAIGHT = frozenset("\"'`")
"""Open and close with the same character."""

CLOSERS = frozenset("".join(PAIRS.values()) + "«‹") | STRAIGHT
EMPHASIS = frozenset("*_~")
QUOTES = frozenset("”’“‘»›«‹」』｣〞〟\"'")
"""Closers behind which the sentence may go on with the name of the speaker."""

ASIDES = frozenset("）］】〕")
"""Closers of brackets in dense scripts: the sentence around them goes on."""

DENSE_OPENERS = frozenset("“‘「『（《〈【〔［")

UNSTOPPED = scripts.THAI_LAO
"""No full stop; a space separates phrases, a dot only ends abbreviations."""

REPEATS = "ๆໆ"
"""Repetition marks of those scripts: the space in front of them separates nothing."""

CASELESS_INITIAL = scripts.HEBREW_ARABIC
"""Scripts without case where one letter and a full stop are a title or an initial."""

EMOJI = PICTOGRAPHS + TEXT_PICTOGRAPHS
