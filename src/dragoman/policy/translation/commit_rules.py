"""When target text is committed: the policies ``agree``, ``units`` and ``turn``.

Scope: one pure state machine for the target side of one turn. It is given the source words as they
are recognised (``update``), says what to translate next (``due``) and turns each answer into
committed text and a tentative rest (``answer``). It knows no engine, no client and no clock:
``now_s`` and the cost of a call are inputs, so the runtime and the replay tool run the same code.

* ``turn``   a sentence is translated when it is closed, and committed whole.
* ``units``  so is every clause unit, with the sentence before it as context; only what goes beyond
             the committed text is added (``text.continuation``).
* ``agree``  the open sentence is translated again as it grows (LocalAgreement). The words that two
             successive translations share are committed, except the last word of each, which the
             end of the text makes uncertain (of the older one none at the eager pace, two at the
             careful). For a translator that revises its drafts a lot one word less of the older one
             is uncertain, but an article waits for its noun. Sentence ends, pauses and clauses that
             end in a mark commit all. Where word order keeps two translations from agreeing, a
             clause that was cut for another reason is committed whole when its oldest word without
             a translation is 2.5 s old.
* ``through``  source and target are the same language: the source is the target.

All of them show drafts as the tentative rest, without the words at its end that change most often
(``flicker.DraftStability``). Drafts are made only when nothing is to be committed, and so seldom
that they take at most half of the time. Committed text is only ever extended, every source word is
translated before ``finished`` holds, and of the translations that wait only the newest of a
sentence is kept: a slow engine makes fewer calls, not a queue.

Sources: LocalAgreement, https://arxiv.org/abs/2307.14743; clause units with the sentence as prefix,
hold-n and re-translation, https://arxiv.org/abs/2004.03643.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Literal

import msgspec

from dragoman.policy.translation.clause_units import PACES, ClauseUnit, ClauseUnits, Together
from dragoman.policy.translation.flicker import DraftStability
from dragoman.policy.translation.target_text import TurnTarget
from dragoman.speech import PaceName, PolicyName, Word
from dragoman.text import clause_data
from dragoman.text.continuation import continuation, keys, tokens, without_false_stop
from dragoman.text.similarity import shared_length
from dragoman.text.words import ends_with_mark

Rule = Literal["agree", "units", "turn", "through"]

QUICK_S = 0.25
"""A translator that answers within this can translate the sentence again after every few words."""
DRAFT_EVERY_S = 0.3
_DRAFT_COST_S = 1.0
"""If a call takes longer, no drafts are made: they would delay what is committed."""
_STALL_S = 2.5
_HELD_BACK: dict[PaceName, int] = {"eager": 0, "even": 1, "careful": 2}
_MARKS = clause_data.HALF_STOPS + clause_data.COMMAS
_HYSTERESIS = 1.5


def chosen(
    wanted: PolicyName,
    source: str,
    target: str,
    cost_s: float | None,
    *,
    forces_prefix: bool,
    now: Rule | None = None,
) -> Rule:
    """The rule for a direction. ``cost_s``: what a call lately took, None if none was made. ``now``
    is the rule so far; hysteresis keeps it when the cost varies a little.
    """
    if source == target:
        return "through"
    if wanted != "auto":
        return wanted
    limit_s = QUICK_S * (_HYSTERESIS if now == "agree" else 1.0)
    is_quick = cost_s is not None and cost_s < limit_s
    if (is_quick or forces_prefix) and not clause_data.is_far(source, target):
        return "agree"
    return "units"


class WantedTranslation(msgspec.Struct, frozen=True):
    """One translation that is wanted: ``source`` is the open sentence, from word ``begin`` of the
    turn up to word ``end``, ``prefix`` its committed target. ``commits``: the whole answer will be
    committed; ``ends``: a clause is complete with it; ``closes``: the sentence is.
    """

    sentence: int
    source: str
    end: int
    prefix: str = ""
    commits: bool = False
    ends: bool = False
    closes: bool = False
    begin: int = 0


class CommitStep(msgspec.Struct, frozen=True):
    """What an answer brought: ``addition`` to the committed text (with its own leading space),
    whether a clause is complete with it (``ends``), and the ``pair`` of a sentence that closed.
    """

    addition: str = ""
    ends: bool = False
    pair: tuple[str, str] | None = None


class TargetPolicy:
    """The target text of one turn: what to translate next, what is committed, what is shown."""

    def __init__(
        self,
        rule: Rule,
        source: str,
        target: str,
        *,
        pace: PaceName = "even",
        together: Together | None = None,
        stability: DraftStability | None = None,
    ) -> None:
        self.rule: Rule = rule
        self.stash = ""
        """The tentative rest behind ``text``, as the newest draft has it."""
        self._held_back = _HELD_BACK[pace]
        self._target = TurnTarget(target)
        self._determiners = clause_data.determiners(target)
        self._units = ClauseUnits(source, PACES[pace], together if source != target else None)
        self._words: Sequence[Word] = ()
        self._final = False
        self._word_times_s: list[float] = []  # when each word of the turn came first
        self._ready: deque[ClauseUnit] = deque()
        self._cuts: set[int] = set()  # ends of clauses
        self._clause: ClauseUnit | None = None  # agree: the last cut, until it is translated
        self._covered = 0  # words whose translation is committed
        self._draft = ""  # newest translation of the open sentence
        self._draft_end = 0
        self._stability = stability or DraftStability()
        self._asked = ""  # the source of the last request
        self._asked_end = 0  # words whose translation is requested, to be committed
        self._drafted_s = float("-inf")
        self._busy = False

    @property
    def text(self) -> str:
        """All committed target text of the turn."""
        return self._target.text

    @property
    def must_commit(self) -> bool:
        """Something waits to be translated that will be committed: drafts come behind it."""
        return bool(self._ready)

    @property
    def finished(self) -> bool:
        """The turn is over and everything of it is committed."""
        return self._final and not self._ready and not self._busy

    def update(
        self,
        words: Sequence[Word],
        tail: Sequence[Word] = (),
        *,
        paused: bool = False,
        final: bool = False,
        now_s: float,
    ) -> None:
        """Take the newest committed words of the turn (all of them) and the tail behind."""
        self._words, self._final = words, final
        self._word_times_s += [now_s] * (len(words) - len(self._word_times_s))
        for unit in self._units.update(words, tail, paused=paused, final=final):
            self._cuts.add(unit.end)
            self._queue(unit, paused=paused)
        if self.rule == "through" or (self.rule == "agree" and paused):
            self._queue_all(1 if self.rule == "through" else self._units.least)

    def switch(self, rule: Rule) -> None:
        """Go on by another rule; what was committed and asked stays as it is."""
        clause, self.rule = self._clause, rule
        if rule != "agree" and clause is not None:
            self._clause = None
            self._queue(clause, paused=False)

    def due(
        self, now_s: float, cost_s: float | None = None, draft_every_s: float = 0.0
    ) -> WantedTranslation | None:
        """The next translation to make, or None for now. It has to be answered before the next
        ``due``, or given up; ``update`` may come in between. ``cost_s``: what a call lately took;
        ``draft_every_s``: drafts are not to come more often.
        """
        wanted = None
        if self._ready:
            wanted = self._committing(self._ready.popleft())
        elif self._clause is not None and now_s >= self._stalled_s():
            wanted = self._committing(self._clause)
        elif self._wants_draft() and now_s >= self._drafted_s + _interval_s(cost_s, draft_every_s):
            unit = self._units.open_unit(self._words)
            self._drafted_s = now_s
            wanted = WantedTranslation(
                unit.sentence, unit.source, unit.end, self._target.open, begin=unit.begin
            )
        if wanted is not None:
            self._asked, self._busy = wanted.source, True
            self._asked_end = max(self._asked_end, wanted.end if wanted.commits else 0)
        return wanted

    def next_s(self, cost_s: float | None = None, draft_every_s: float = 0.0) -> float | None:
        """When ``due`` may want a translation though no words come; None for never."""
        moments = [self._stalled_s()] if self._clause is not None else []
        interval_s = _interval_s(cost_s, draft_every_s)
        if interval_s < math.inf and self._wants_draft():
            moments.append(self._drafted_s + interval_s)
        return min(moments, default=None)

    def give_up(self, *, again: bool) -> None:
        """The draft that ``due`` wanted will not be answered; ``again``: it may be wanted again,
        else only one with more words is.
        """
        self._busy = False
        if again:
            self._asked = ""

    def answer(self, wanted: WantedTranslation, translation: str) -> CommitStep:
        """Take the translation that ``due`` wanted."""
        self._busy = False
        if wanted.commits:
            return self._commit(wanted, translation)
        addition = self._agreed(translation) if self.rule == "agree" else ""
        joined = self._target.behind(addition)
        self._stability.learn(self._draft, translation)
        self._draft, self._draft_end = translation, wanted.end
        if addition:
            self._target.extend(addition)
            self._cover(wanted, translation)
        if addition or not self._ready:  # else it is stale: a committing answer follows
            rest = continuation(translation, self._target.open)
            self.stash = self._shown(rest)
        return CommitStep(joined)

    # ------------------------------------------------------------ what is translated
    def _queue(self, unit: ClauseUnit, *, paused: bool) -> None:
        if self.rule == "turn" and not unit.closes:
            return
        whole = unit.closes or paused or ends_with_mark(unit.source, _MARKS, None)
        if self.rule == "agree" and not whole:
            self._clause = unit
            return
        if self._clause is not None and self._clause.sentence <= unit.sentence:
            self._clause = None
        if self._ready and self._ready[-1].sentence == unit.sentence:
            self._ready.pop()  # the later unit contains the earlier one
        self._ready.append(unit)

    def _queue_all(self, least: int) -> None:
        """Queue everything that the recogniser committed, cut or not."""
        ready = self._ready[-1].end if self._ready else 0
        asked = max(ready, self._asked_end, self._covered, self._units.begin)
        unit = self._units.open_unit(self._words)
        if unit.end > asked and self._units.size(self._words, asked, unit.end) >= least:
            self._queue(unit, paused=True)

    def _committing(self, unit: ClauseUnit) -> WantedTranslation:
        ends = unit.closes or unit.end in self._cuts
        return WantedTranslation(
            unit.sentence, unit.source, unit.end, self._target.open,
            commits=True, ends=ends, closes=unit.closes, begin=unit.begin,
        )  # fmt: skip

    def _wants_draft(self) -> bool:
        if self.rule == "through" or self._final or self._ready:
            return False
        if len(self._words) <= max(self._covered, self._units.begin):
            return False
        unit = self._units.open_unit(self._words)
        return unit.end > max(self._covered, self._units.begin) and unit.source != self._asked

    def _stalled_s(self) -> float:
        oldest = min(self._covered, len(self._word_times_s) - 1)
        return self._word_times_s[oldest] + _STALL_S

    # ------------------------------------------------------------ answers
    def _commit(self, wanted: WantedTranslation, translation: str) -> CommitStep:
        if not wanted.closes:
            translation = without_false_stop(translation, wanted.source)
        addition = continuation(translation, self._target.open)
        joined = self._target.behind(addition)
        self._target.extend(addition)
        self._covered = max(self._covered, wanted.end)
        if self._clause is not None and self._clause.end <= wanted.end:
            self._clause = None
        self._cuts = {end for end in self._cuts if end > wanted.end}
        rest, pair = "", None
        if self._draft_end > wanted.end:  # the draft goes further: keep showing it
            rest = continuation(self._draft, self._target.open)
        if wanted.closes:
            pair = wanted.source, self._target.close()
            self._draft = ""
        elif self._draft_end <= wanted.end:
            self._draft, self._draft_end = translation, wanted.end
        self.stash = self._shown(rest)
        return CommitStep(joined, wanted.ends, pair)

    def _agreed(self, translation: str) -> str:
        """What this translation shares with the one before it and is not committed yet."""
        before, now = keys(self._draft), keys(translation)
        held_back = self._held_back
        if self._stability.held > 1:  # what it revises freely and did not revise is worth more
            held_back = max(held_back - 1, 0)
        count = min(shared_length(before, now), len(now) - 1, len(before) - held_back)
        while self._stability.held > 1 and count > 0 and now[count - 1] in self._determiners:
            count -= 1
        return continuation(translation, self._target.open, upto=count) if count > 0 else ""

    def _shown(self, rest: str) -> str:
        sure = self._stability.sure_part(rest, alone=not self._target.text)
        return self._target.behind(sure)

    def _cover(self, wanted: WantedTranslation, translation: str) -> None:
        """Estimate how far into the source the committed target reaches."""
        if wanted.sentence != self._units.sentence:
            return  # the sentence was closed in the meantime
        share = len(tokens(self._target.open)) / max(len(tokens(translation)), 1)
        begin = self._units.begin
        self._covered = max(self._covered, begin + int(min(share, 1.0) * (wanted.end - begin)))
        if self._clause is not None and self._clause.end <= self._covered:
            self._clause = None


def _interval_s(cost_s: float | None, least_s: float) -> float:
    """The least time between two drafts."""
    if cost_s is not None and cost_s > _DRAFT_COST_S:
        return float("inf")
    return max(DRAFT_EVERY_S, least_s, 2.0 * (cost_s or 0.0))
