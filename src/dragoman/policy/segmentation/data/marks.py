"""Characters that end, join, open and close: tables for the segmenter, the same in all languages.

Law of this file: data only.
"""

from __future__ import annotations

from dragoman.text import scripts

AT_ONCE = frozenset("。｡।॥።፧։")
"""End a sentence with no look at what follows (but in a quotation)."""

STRONG = frozenset("！？။។៕།༎𑅀᙮᭞᭟꧉") | AT_ONCE
"""End a sentence by themselves, no white space needed. They may be doubled, so the next character
decides what belongs to them.
"""

WEAK = frozenset(".．!?…؟۔‼⁇⁈⁉\u2047\u2025")
"""End a sentence if white space follows, or a script without spaces."""

ELLIPSES = ("...", "…", "\u2025", "۔۔")

SEMICOLON_ASKS = "\u0370-\u03ff\u1f00-\u1fff"
"""Behind letters of this range (Greek) a semicolon is a question mark."""

PAIRED = "፡"
"""Two of them are a full stop (Ethiopic word separators, as typed)."""

FOLLOWED = {"។": "ល"}
"""A strong mark that this character turns into a part of a word (Khmer "and so on")."""

CLAUSE = frozenset(",;:،؛፣፤፥՝၊–—")
"""Separate clauses if white space follows."""

CLAUSE_DENSE = frozenset("，、；：､")
"""Separate clauses by themselves."""

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
"""Closers that open when they stand at the beginning of a word (»so«, ”så”)."""

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
"""No full stop; a space parts phrases, a dot only ends abbreviations."""

REPEATS = "ๆໆ"
"""Repetition marks of those scripts: the space in front of them parts nothing."""

CASELESS_INITIAL = scripts.HEBREW_ARABIC
"""Scripts without case where one letter and a full stop are a title or an initial."""

EMOJI = (
    "\u203c\u2049\u20e3\u2122\u2139\u231a-\u231b\u2328\u23cf\u23e9-\u23fa\u24c2\u25aa-\u25ab\u25b6"
    "\u25c0\u25fb-\u25fe\u2600-\u27bf\u2b05-\u2b07\u2b1b-\u2b1c\u2b50\u2b55\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001faff"
)
"""Pictographs and their parts, as a regular expression set."""

EXTENDS = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u064b-\u065f\u0670\u0900-\u0903\u093a-\u094f"
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u1ab0-\u1aff\u1dc0-\u1dff\u200c\u200d\u20d0-\u20ff\u302a-\u302f"
    "\u3099\u309a\ufe00-\ufe0f\ufe20-\ufe2f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f\U000e0100-\U000e01ef"
)
"""Characters that belong to the one in front of them, as a regular expression set."""
