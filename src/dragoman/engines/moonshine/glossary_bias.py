"""The glossary as a bias on Moonshine's next token, and what it costs when it was wrong.

Law of this file: ids and logits; no model. A phrase is favoured while it is being spelled, which
tips a choice between two spellings of one sound. Half a phrase is worse than none ("Guggenberg",
because of "Guggenheim"), so the decoder takes a choice back that was made for a phrase which then
does not come, and takes what the model itself would have said there (``BiasTrial``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

Tree = dict[int, "Tree"]
State = TypeVar("State")

_WHOLE = -1
"""Beside the tokens that go on: the phrase may end here."""
MOST_TAKEN_BACK = 8


class PhraseTree:
    """Phrases as a tree of tokens: however many, a step looks only at those that are begun."""

    def __init__(self, phrases: Iterable[Sequence[int]]) -> None:
        self.tree: Tree = {}
        for phrase in filter(None, phrases):
            branch = self.tree
            for token in phrase:
                branch = branch.setdefault(token, {})
            branch[_WHOLE] = {}
        self.first = np.array(sorted(self.tree), np.intp)


class PhraseBias:
    """Follows one hypothesis. The first token of every phrase gets ``boost``, and once it was
    chosen the next one gets one and a half times that.
    """

    def __init__(self, phrases: PhraseTree, boost: float) -> None:
        self._phrases = phrases
        self._boost = boost
        self._open: list[Tree] = []
        self.done = False
        """A phrase was complete before the newest token, which begins something else."""
        self.lost = False
        """Whatever was being spelled does not go on with the newest token, and is not complete."""

    def apply(self, logits: npt.NDArray[np.float32]) -> None:
        """Raise the favoured tokens in place; shape (vocabulary,)."""
        logits[self._phrases.first] += self._boost
        for token in {token for branch in self._open for token in branch}:
            if token != _WHOLE:
                logits[token] += 1.5 * self._boost

    def chose(self, token: int, *, opens: bool = True) -> None:
        """Follow the phrases that this token begins or continues. ``opens``: it begins a new word
        or is a mark, so the word before it is complete.
        """
        self.done = opens and any(_WHOLE in branch for branch in self._open)
        going = [branch[token] for branch in self._open if token in branch]
        self.lost = bool(self._open) and not going and not self.done
        first = self._phrases.tree.get(token)
        self._open = going if first is None else [*going, first]

    def forget(self) -> None:
        """Nothing is begun."""
        self._open, self.done, self.lost = [], False, False


class BiasTrial(Generic[State]):
    """The choice that was made for a phrase, with what is needed to take it back."""

    def __init__(self, bias: PhraseBias) -> None:
        self.bias = bias
        self._made: tuple[State, int] | None = None
        self._left = MOST_TAKEN_BACK

    def choose(self, logits: npt.NDArray[np.float32], own: int, state: State) -> int:
        """The next token. ``own`` is what the model itself would say, ``logits`` are changed;
        ``state`` is what ``back`` gives back.
        """
        if not self._left:
            return own
        self.bias.apply(logits)
        token = int(logits.argmax())
        if token != own and self._made is None:
            self._made = state, own
        return token

    def back(self, token: int, *, opens: bool) -> tuple[State, int] | None:
        """After a token was chosen: None, or where to go back to and the token to take there."""
        self.bias.chose(token, opens=opens)
        if self.bias.done:
            self._made = None
        if self._made is None or not self.bias.lost:
            return None
        made, self._made = self._made, None
        self._left -= 1
        self.bias.forget()
        self.bias.chose(made[1])
        return made
