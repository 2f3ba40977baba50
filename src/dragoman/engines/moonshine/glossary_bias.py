"""The glossary as a bias on Moonshine's next token, with backtracking where it was wrong.

Scope: ids and logits; no model. The tokens of a phrase get a bonus while it is being
spelled, which decides between two spellings of one sound. Half a phrase is worse than none
("Guggenberg", because of "Guggenheim"): when a phrase is not completed, the decoder goes back to
where the bias chose its first token and takes the model's own choice there (``BiasTrial``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

Tree = dict[int, "Tree"]
State = TypeVar("State")

_WHOLE = -1
"""A key beside the tokens that continue: the phrase may end here."""
MOST_UNDONE = 8


class PhraseTree:
    """Phrases as a tree of tokens, so that a step looks only at those that are being spelled."""

    def __init__(self, phrases: Iterable[Sequence[int]]) -> None:
        self.tree: Tree = {}
        for phrase in filter(None, phrases):
            branch = self.tree
            for token in phrase:
                branch = branch.setdefault(token, {})
            branch[_WHOLE] = {}
        self.first = np.array(sorted(self.tree), np.intp)


class PhraseBias:
    """The bias for one hypothesis. The first token of every phrase gets ``boost``, the following
    ones get one and a half times that.
    """

    def __init__(self, phrases: PhraseTree, boost: float) -> None:
        self._phrases = phrases
        self._boost = boost
        self._open: list[Tree] = []
        self.done = False
        """A phrase was complete before the newest token."""
        self.lost = False
        """What was being spelled is not complete and does not continue with the newest token."""

    def apply(self, logits: npt.NDArray[np.float32]) -> None:
        """Raise the tokens of phrases in place; shape (vocabulary,)."""
        logits[self._phrases.first] += self._boost
        for token in {token for branch in self._open for token in branch}:
            if token != _WHOLE:
                logits[token] += 1.5 * self._boost

    def follow(self, token: int, *, starts_word: bool = True) -> None:
        """Follow the phrases that this token begins or continues. ``starts_word``: it begins a new
        word or is a mark, so the word before it is complete.
        """
        self.done = starts_word and any(_WHOLE in branch for branch in self._open)
        going = [branch[token] for branch in self._open if token in branch]
        self.lost = bool(self._open) and not going and not self.done
        first = self._phrases.tree.get(token)
        self._open = going if first is None else [*going, first]

    def reset(self) -> None:
        """Nothing is being spelled."""
        self._open, self.done, self.lost = [], False, False


class BiasTrial(Generic[State]):
    """The oldest choice that the bias made, with the decoder state to go back to."""

    def __init__(self, bias: PhraseBias) -> None:
        self.bias = bias
        self._made: tuple[State, int] | None = None
        self._left = MOST_UNDONE

    def choose(self, logits: npt.NDArray[np.float32], own: int, state: State) -> int:
        """The next token. ``own`` is the model's own choice, ``logits`` are changed;
        ``state`` is what ``undo`` returns.
        """
        if not self._left:
            return own
        self.bias.apply(logits)
        token = int(logits.argmax())
        if token != own and self._made is None:
            self._made = state, own
        return token

    def undo(self, token: int, *, starts_word: bool) -> tuple[State, int] | None:
        """After a token was chosen: None, or where to go back to and the token to take there."""
        self.bias.follow(token, starts_word=starts_word)
        if self.bias.done:
            self._made = None
        if self._made is None or not self.bias.lost:
            return None
        made, self._made = self._made, None
        self._left -= 1
        self.bias.reset()
        self.bias.follow(made[1])
        return made
