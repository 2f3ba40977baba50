"""Text cut into sentences for engines that speak one at a time.

Scope: any language, by its marks; no sentence is longer than a bound, so that the work and the
memory of one call are bounded.
"""

from __future__ import annotations

import re

from dragoman.text.spoken import is_speakable

LONGEST = 300
"""Characters in one sentence."""
_SENTENCE = re.compile(rf"[^.!?。！？؟।]{{1,{LONGEST}}}[.!?。！？؟।]*[\"”')\]]*")


def spoken_sentences(text: str) -> list[str]:
    """The sentences that hold anything to say, with their marks."""
    return [part.strip() for part in _SENTENCE.findall(text) if is_speakable(part)]
