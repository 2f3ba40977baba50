"""Pictographs and combining marks: the only table of them.

Scope: data. Each name is the inside of a regular expression set, as in ``text.scripts``.
Source: the Unicode character database (emoji-data.txt, Blocks.txt).
"""

from __future__ import annotations

PICTOGRAPHS = (
    "\u20e3\u231a-\u231b\u2328\u23cf\u23e9-\u23fa\u25fb-\u25fe\u2600-\u27bf\u2b1b-\u2b1c\u2b50"
    "\u2b55\U0001f000-\U0001faff"
)
"""Shown as pictures, and the keycap mark."""

TEXT_PICTOGRAPHS = (
    "\u203c\u2049\u2122\u2139\u24c2\u25aa-\u25ab\u25b6\u25c0\u2b05-\u2b07\u3030\u303d\u3297\u3299"
)
"""Text, unless a variation selector makes a picture of them."""

COMBINING = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
"""The blocks of combining marks that belong to no script."""

EXTENDS = COMBINING + (
    "\u0483-\u0489\u0591-\u05bd\u064b-\u065f\u0670\u0900-\u0903\u093a-\u094f\u0e31\u0e34-\u0e3a"
    "\u0e47-\u0e4e\u200c\u200d\u302a-\u302f\u3099\u309a\ufe00-\ufe0f\U0001f3fb-\U0001f3ff"
    "\U000e0020-\U000e007f\U000e0100-\U000e01ef"
)
"""Characters that belong to the one before them."""
