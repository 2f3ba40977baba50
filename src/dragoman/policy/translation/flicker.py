"""How tentative text is shown without flicker.

Scope: only what is shown, never what is committed. ``DraftStability``: the words at the end of a
draft that the next one will probably change are not shown. ``FlickerFilter``: a new stash that
would rewrite more than half of the shown one within 300 ms waits for the next update; meanwhile the
shown words that are still pending stay. ``DisplayThrottle``: committed text is shown at once, a
change of the stash alone at most every 150 ms. Pure; ``now_s`` is an input.
"""

from __future__ import annotations

from dragoman.text.continuation import keys, tokens
from dragoman.text.similarity import shared_length
from dragoman.text.words import fold

_HOLD_S = 0.3
_WEIGHT = 0.05
_STASH_EVERY_S = 0.15


class DraftStability:
    """How much the drafts of a translator change from one to the next, over all turns that share
    this object; that of rules at first.

    Rules revise half a word of a draft on average, a neural model three to four, so it has more of
    its words held back: twice the average, and at least one ("mask-k", arXiv:2004.03643, with k as
    measured).
    """

    def __init__(self) -> None:
        self._revised = 0.5  # words at the end of a draft that the next one changes

    def learn(self, before: str, now: str) -> None:
        """A draft of the same sentence came behind another."""
        words = keys(before)
        if words:
            changed = len(words) - shared_length(words, keys(now))
            self._revised += _WEIGHT * (changed - self._revised)

    @property
    def held(self) -> int:
        """How many words at the end of a draft are not sure."""
        return max(1, round(2 * self._revised))

    def sure_part(self, rest: str, *, alone: bool) -> str:
        """What of the rest of a draft is shown. One word of it is in any case, if the translator is
        stable or there would be nothing else to read (``alone``).
        """
        found = tokens(rest)
        count = max(len(found) - self.held, 1 if alone or self.held == 1 else 0)
        return rest[: found[count - 1].end] if found and count else ""


class FlickerFilter:
    """What is shown of one turn: committed text and the stash behind it."""

    def __init__(self) -> None:
        self._text = ""
        self._stash = ""
        self._changed_s = float("-inf")

    def show(self, text: str, stash: str, now_s: float) -> str:
        """The stash to show behind ``text``, which must begin with the text shown before."""
        pending = self._pending(text)
        is_recent = now_s - self._changed_s < _HOLD_S
        if stash and pending and is_recent and _rewrites(pending, stash):
            stash = pending
        if stash != self._stash:
            self._changed_s = now_s
        self._text, self._stash = text, stash
        return stash

    def _pending(self, text: str) -> str:
        """What of the shown stash is still tentative now that ``text`` is committed."""
        shown = self._stash
        grown = text[len(self._text) :]
        if not grown:
            return shown
        words = shown.split()
        for word in grown.split():
            if not words or fold(words[0]) != fold(word):
                return ""  # committed in other words than shown: the rest is stale too
            words.pop(0)
        return " " + " ".join(words) if words else ""


def _rewrites(shown: str, new: str) -> bool:
    """Whether the new text changes more than half of the shown words."""
    old_words = [fold(word) for word in shown.split()]
    same = shared_length(old_words, [fold(word) for word in new.split()])
    return len(old_words) - same > len(old_words) / 2


class DisplayThrottle:
    """What a client was shown of one turn, and when it is shown more."""

    def __init__(self) -> None:
        self._filter = FlickerFilter()
        self._shown = ("", "")
        self._shown_s = float("-inf")
        self._wanted = ("", "")

    @property
    def due_s(self) -> float | None:
        """When a stash that was held back may be shown; None if none is."""
        return None if self._wanted == self._shown else self._shown_s + _STASH_EVERY_S

    def show(self, text: str, stash: str, now_s: float) -> tuple[str, str] | None:
        """The text and stash to show now, or None for nothing new (yet)."""
        if text == self._shown[0] and now_s - self._shown_s < _STASH_EVERY_S:
            self._wanted = (text, stash)
            return None
        self._wanted = (text, self._filter.show(text, stash, now_s))
        if self._wanted == self._shown:
            return None
        self._shown, self._shown_s = self._wanted, now_s
        return self._shown
