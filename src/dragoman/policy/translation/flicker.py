"""How a tentative tail is shown without flicker.

Law of this file: only what is *shown* is decided here, never what is committed. A new stash
that would rewrite more than half of the shown one within 300 ms waits for the next update;
meanwhile the shown words that are still pending stay (``FlickerFilter``). Committed text is shown
at once, a changed stash alone at most every 150 ms (``DisplayThrottle``). Pure; ``now_s`` is an
input.
"""

from __future__ import annotations

from dragoman.text.words import fold

_HOLD_S = 0.3
_STASH_EVERY_S = 0.15


class FlickerFilter:
    """What is on show for one turn: committed text and the stash behind it."""

    def __init__(self) -> None:
        self._text = ""
        self._stash = ""
        self._changed_s = float("-inf")

    def show(self, text: str, stash: str, now_s: float) -> str:
        """The stash to show behind ``text``, which must begin with the text shown before."""
        left = self._left(text)
        if stash and left and self._rewrites(left, stash) and now_s - self._changed_s < _HOLD_S:
            stash = left
        if stash != self._stash:
            self._changed_s = now_s
        self._text, self._stash = text, stash
        return stash

    def _left(self, text: str) -> str:
        """What of the shown stash is still tentative now that ``text`` is committed."""
        shown = self._stash
        grown = text[len(self._text) :]
        if not grown:
            return shown
        words = shown.split()
        for word in grown.split():
            if not words or fold(words[0]) != fold(word):
                return ""  # committed otherwise than shown: what follows is stale too
            words.pop(0)
        return " " + " ".join(words) if words else ""

    @staticmethod
    def _rewrites(shown: str, new: str) -> bool:
        old_words, new_words = shown.split(), new.split()
        same = 0
        while same < min(len(old_words), len(new_words)) and fold(old_words[same]) == fold(
            new_words[same]
        ):
            same += 1
        return len(old_words) - same > len(old_words) / 2


class DisplayThrottle:
    """What a client was shown of one turn, and when it is worth showing it more."""

    def __init__(self) -> None:
        self._calm = FlickerFilter()
        self._shown = ("", "")
        self._shown_s = float("-inf")
        self._wanted = ("", "")

    @property
    def due_s(self) -> float | None:
        """When a stash that was held back may be shown; None where there is none."""
        return None if self._wanted == self._shown else self._shown_s + _STASH_EVERY_S

    def show(self, text: str, stash: str, now_s: float) -> tuple[str, str] | None:
        """The text and stash to show now, or None for nothing new (yet)."""
        if text == self._shown[0] and now_s - self._shown_s < _STASH_EVERY_S:
            self._wanted = (text, stash)
            return None
        self._wanted = (text, self._calm.show(text, stash, now_s))
        if self._wanted == self._shown:
            return None
        self._shown, self._shown_s = self._wanted, now_s
        return self._shown
