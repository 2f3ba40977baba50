"""When a recognised word is certain: LocalAgreement-2 with the last word held back.

Scope: which words of a recogniser's revisable hypotheses are committed, and nothing else. Pure;
knows no audio and no clock. Committed words never change. Only the last of them may still gain the
punctuation behind it, because adding to the end rewrites nothing: "concerned" may become
"concerned," but never "consent".

How it works. Every hypothesis covers one window of audio. What it has beyond the committed words is
its tail; engines that do not repeat the committed prefix exactly are aligned to it first. Two
successive tails are compared word by word, without case and punctuation. The words that they share
are committed, except the last word of either tail: the end of the audio cuts that word short, so it
never takes part in agreement. A word with low confidence has to come a third time. A pause or the
end of a turn commits the whole tail. At a pause the closing mark of the last word is held back:
recognisers end every window with a full stop, and only the next word tells whether the sentence
went on.

A ``Spelling`` may be put before the comparison: it rewrites the tail of each hypothesis, and keeps
words from being committed that may be the beginning of a longer term.

Sources: LocalAgreement, Macháček et al., arXiv 2307.14743; holding back the last word is what
streaming Whisper implementations converge on.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from enum import Enum
from typing import Protocol

import msgspec
from msgspec.structs import replace

from dragoman.policy.pauses import SENTENCE_PAUSE_MS
from dragoman.speech import Hints, Hypothesis, Word
from dragoman.text import clause_data
from dragoman.text.words import bare, ends_sentence, fold

_ANCHOR_WORDS = 5
_TIMES, _TIMES_UNSURE = 2, 3
_SURE_CONFIDENCE = 0.75
"""Words with less confidence have to be recognised once more."""
_TRUSTED_GATE = 0.9
"""The gate is this much lower for a speaker whose language is known to be the engine's."""


class DecodePosition(Enum):
    """Where in the speech a hypothesis was made."""

    STEP = "step"  # the speaker goes on
    PAUSE = "pause"  # a soft pause: nobody speaks right now
    END = "end"  # the turn is over


class SpelledWord(msgspec.Struct, frozen=True):
    """A word as it should be written, and the recognised words that it stands for: none when it
    shares those of the word before it.
    """

    word: Word
    recognised: tuple[str, ...]


class Spelling(Protocol):
    """Rewrites words before they are compared (``policy.glossary.term_spelling``)."""

    def use_hints(self, hints: Hints) -> None:
        """From now on these are the terms."""

    def respell(self, words: Sequence[Word]) -> Sequence[SpelledWord]:
        """The words of a tail as they should be written; no recognised word is left out."""

    def committable_count(self, words: Sequence[Word], count: int) -> int:
        """How many of the first ``count`` words may be committed without cutting a term. ``words``
        are all that is not committed.
        """


class LocalAgreement:
    """Committed words and tentative tail of one turn, over one or more windows."""

    def __init__(self, gate: float = 0.0, spelling: Spelling | None = None) -> None:
        """``gate``: the least confidence of a hypothesis that is believed."""
        self._gate = gate
        self._spelling = spelling
        self._earlier: list[Word] = []  # committed words of earlier windows of this turn
        self._window: list[Word] = []  # committed words of the present window
        self._tail: tuple[Word, ...] = ()
        self._streaks: list[int] = []  # for each word of the tail: hypotheses in a row that had it
        self._released = 0  # how many words of the window belong to a turn that is over
        self._marked = ""  # the last committed word with the mark that a pause held back
        self._spelled_before: dict[str, str] = {}  # words behind the last cut, as spelled before it
        self._continues = False  # the window begins in the middle of a sentence
        self._language: str | None = None
        self.refused = 0
        """Hypotheses of this turn that stayed below the gate."""

    @property
    def committed(self) -> list[Word]:
        """All committed words of the turn."""
        return self._earlier + self._lowered(self._window)[self._released :]

    @property
    def window(self) -> list[Word]:
        """The committed words that lie in the present window, spelled as the engine wrote them:
        the prefix that it may be asked to begin its next answer with.
        """
        return self._window

    @property
    def tail(self) -> tuple[Word, ...]:
        """What is recognised but not certain."""
        return self._tail if self._window else tuple(self._lowered(self._tail))

    def use_gate(self, gate: float) -> None:
        """From now on another engine makes the hypotheses, with this gate."""
        self._gate = gate

    def use_hints(self, hints: Hints) -> None:
        """From now on these are the hints about the content; without a spelling a no-op."""
        if self._spelling is not None:
            self._spelling.use_hints(hints)

    def update(self, hypothesis: Hypothesis, at: DecodePosition, *, trusted: bool = False) -> None:
        """Take the newest hypothesis of the present window.

        ``trusted``: this speaker was already understood, and the window is no mere snippet, so a
        rare name with low confidence must not cost the whole phrase.
        """
        if hypothesis.confidence < self._gate * (_TRUSTED_GATE if trusted else 1.0):
            # Not speech in the engine's language: commit nothing. The tail stays until the end.
            self.refused += 1
            if at is DecodePosition.END:
                self._tail = ()
            return
        if self._spelling is not None:
            hypothesis = self._respelled(self._spelling, hypothesis, at)
        words = hypothesis.words
        self._language = hypothesis.language
        start = self._repeated_count(words)
        self._punctuate_last(words, start, at)
        tail = words[start:]
        count = len(tail) if at is not DecodePosition.STEP else self._agreed_count(tail)
        count = max(count, min(hypothesis.stable - start, len(tail)))
        self._streaks = self._streaks[count:]
        self._window += tail[:count]
        if at is DecodePosition.PAUSE and count:
            last = self._window[-1]
            self._marked = last.text
            self._window[-1] = _with_text(last, bare(last.text))
        self._tail = tail[count:]
        if at is DecodePosition.STEP and self._tail:
            # Recognisers put a full stop behind whatever they have so far; shown, it would come
            # and go behind every word.
            self._tail = (*self._tail[:-1], _with_text(self._tail[-1], bare(self._tail[-1].text)))

    def close_window(self, silent_ms: int, beyond: Sequence[Word] = ()) -> None:
        """The window of audio ends here, followed by this much silence (0: cut inside speech).
        ``beyond`` is what was recognised behind the cut; it may come again in the next window.

        No later hypothesis can confirm the mark that was held back. After a long pause it is
        believed; after a short one a full stop becomes a comma; behind a cut there is none. In the
        latter two cases the sentence goes on, so the next window's first word loses the capital
        letter with which recognisers begin every window, unless it has it for another reason.
        """
        marked, self._marked = self._marked, ""
        self._window = self._lowered(self._window)
        self._continues = silent_ms < SENTENCE_PAUSE_MS
        if silent_ms and self._window and bare(marked) == self._window[-1].text:
            becomes_comma = self._continues and marked.endswith(".")
            text = marked[:-1] + "," if becomes_comma else marked
            self._window[-1] = _with_text(self._window[-1], text)
            self._continues = becomes_comma
        self._earlier += self._window[self._released :]
        self._window, self._released = [], 0
        self._tail = ()
        self._spelled_before = {fold(word.text): word.text for word in beyond}

    def sentence_end(self, since_ms: int, least: int = 0) -> int | None:
        """How many committed words, ``least`` or more, there are before the first sentence break at
        or after this media time of the session. A break is a closing mark behind which another
        committed word begins.
        """
        for count, (word, following) in enumerate(itertools.pairwise(self.committed), 1):
            late = word.end_ms is not None and word.end_ms >= since_ms
            if late and count >= least and ends_sentence(word.text, self._language, following.text):
                return count
        return None

    def release(self, count: int) -> list[Word]:
        """The turn ends behind the first ``count`` words, which are returned as they are now; the
        others belong to the next turn.
        """
        done = self.committed[:count]
        whole = min(count, len(self._earlier))
        self._earlier = self._earlier[whole:]
        self._released += count - whole
        self.refused = 0
        return done

    def follow(self, before: LocalAgreement) -> None:
        """Begin where speech was cut in the middle of ``before``, whose turn is over."""
        self._continues, self._spelled_before = True, before._spelled_before

    def drop_tail(self) -> None:
        """Forget what is not certain (the audio behind it was cleared)."""
        self._tail = ()

    # ------------------------------------------------------------ inside
    def _respelled(
        self, spelling: Spelling, hypothesis: Hypothesis, at: DecodePosition
    ) -> Hypothesis:
        """The hypothesis with its tail respelled. Committed words are not looked at again."""
        words, done = hypothesis.words, [fold(word.text) for word in self._window]
        kept = len(done) if [fold(word.text) for word in words[: len(done)]] == done else 0
        spelled = spelling.respell(words[kept:])
        tail = tuple(one.word for one in spelled)
        stable = hypothesis.stable
        if stable > kept:  # counts recognised words: count the spelled ones that they cover
            left, count = stable - kept, 0
            for place, one in enumerate(spelled, 1):
                left -= len(one.recognised)
                count = place if left >= 0 else count
            is_step = at is DecodePosition.STEP
            stable = kept + (spelling.committable_count(tail, count) if is_step else count)
        return replace(hypothesis, words=(*words[:kept], *tail), stable=stable)

    def _lowered(self, words: Sequence[Word]) -> list[Word]:
        """The first words of the present window as they read behind the window before it."""
        lowered = list(words)
        if self._continues and lowered:
            first = lowered[0]
            before = self._spelled_before.get(fold(first.text))
            if before is not None:
                is_small = before[:1].islower()
            else:
                is_small = fold(first.text) in clause_data.small_words(self._language)
            if is_small:
                lowered[0] = _with_text(first, first.text[:1].lower() + first.text[1:])
        return lowered

    def _agreed_count(self, tail: tuple[Word, ...]) -> int:
        """How many words of the tail are certain; the last of either tail never is."""
        streaks = [1] * len(tail)
        for place, (before, now) in enumerate(zip(self._tail, tail, strict=False)):
            if fold(before.text) != fold(now.text):
                break
            streaks[place] += self._streaks[place] if place < len(self._streaks) else 1
        self._streaks = streaks
        limit = min(len(self._tail), len(tail)) - 1
        count = 0
        while count < limit and streaks[count] >= _times_needed(tail[count]):
            count += 1
        if self._spelling is not None and count:
            return self._spelling.committable_count(tail, count)
        return count

    def _repeated_count(self, words: Sequence[Word]) -> int:
        """How many words of the hypothesis repeat what is committed. Where they differ, the last
        committed words are searched for, and the match nearest to the expected place is taken.
        """
        done = [fold(word.text) for word in self._window]
        keys = [fold(word.text) for word in words]
        if keys[: len(done)] == done:
            return len(done)
        for size in range(min(_ANCHOR_WORDS, len(done)), 0, -1):
            ends = [
                i + size for i in range(len(keys) - size + 1) if keys[i : i + size] == done[-size:]
            ]
            if ends:
                return min(ends, key=lambda end: abs(end - len(done)))
        return min(len(done), len(keys))

    def _punctuate_last(self, words: Sequence[Word], start: int, at: DecodePosition) -> None:
        """Give the last committed word the mark that it turned out to carry."""
        goes_on = at is DecodePosition.END or len(words) - start >= 2
        if not self._window or not 0 < start <= len(words) or not goes_on:
            return
        last, now = self._window[-1], words[start - 1].text
        if now.startswith(last.text) and bare(now) == bare(last.text):
            self._window[-1] = _with_text(last, now)


def _times_needed(word: Word) -> int:
    """In how many hypotheses in a row a word has to be recognised."""
    unsure = word.confidence is not None and word.confidence < _SURE_CONFIDENCE
    return _TIMES_UNSURE if unsure else _TIMES


def _with_text(word: Word, text: str) -> Word:
    return Word(text, word.confidence, word.start_ms, word.end_ms, word.joined)
