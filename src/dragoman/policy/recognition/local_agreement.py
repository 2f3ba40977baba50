"""When a heard word is certain: LocalAgreement-2 with the last word held back.

Law of this file: the decision which words of a recogniser's revisable hypotheses are committed,
and nothing else. Pure; knows no audio and no time. Committed words never change; the one thing
that may still come to the last of them is the punctuation behind it, because an extension
rewrites nothing: "concerned" may become "concerned," but never "consent".

How it works. Every hypothesis covers one window of audio. What it says beyond the committed
words (found by a seam, for engines that do not keep to the prefix they were given) is its tail.
Two successive tails are compared word by word, case and punctuation aside; what they share is
committed, except the last word of either tail: the end of the audio cuts it short, so it never
takes part in agreement; and a word that the recogniser itself is unsure of has to come a third
time. A pause or the end of a turn commits the tail whole; at a mere pause
the closing mark of its last word is held back, since recognisers end every window with a full
stop and only the next word tells whether the sentence went on.

Sources: LocalAgreement, Macháček et al., arXiv 2307.14743; the held-back last word is what
streaming Whisper implementations converge on.
"""

from __future__ import annotations

import functools
import itertools
import unicodedata
from collections.abc import Sequence
from enum import Enum

from dragoman.policy.recognition.endpointing import SENTENCE_PAUSE_MS
from dragoman.speech import Hints, Hypothesis, Word
from dragoman.text import clause_data

_ANCHOR_WORDS = 5
_TIMES, _TIMES_UNSURE = 2, 3
_SURE = 0.75
"""Words that the recogniser itself is less sure of have to be heard once more."""
_TRUST = 0.9
"""The gate is this much lower for a speaker whose language is known to be the engine's."""


class DecodePosition(Enum):
    """Where in the speech a hypothesis was made."""

    STEP = "step"  # the speaker goes on
    PAUSE = "pause"  # a soft pause: nothing is being said right now
    END = "end"  # the turn is over


@functools.lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """The word as agreement sees it: case folded, marks and symbols dropped.

    Remembered, because every hypothesis brings the same words again.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if unicodedata.category(c)[0] not in "PSZ") or folded


def bare(text: str) -> str:
    """The word without the punctuation behind it; a word of nothing else stays as it is."""
    end = len(text)
    while end and unicodedata.category(text[end - 1])[0] == "P":
        end -= 1
    return text[:end] or text


class LocalAgreement:
    """Committed words and tentative tail of one turn, over one or more windows."""

    def __init__(self, gate: float = 0.0) -> None:
        self._gate = gate
        self._closed: list[Word] = []  # words of earlier windows of this turn
        self._window: list[Word] = []  # committed words of the present window
        self._tail: tuple[Word, ...] = ()
        self._streaks: list[int] = []  # in how many hypotheses in a row its words were heard
        self._released = 0  # how many of those belong to a turn that is over
        self._held = ""  # the last committed word with the mark that a pause held back
        self._expected: dict[str, str] = {}  # how words ahead of the window were spelled
        self._continues = False  # the window begins in the middle of a sentence
        self._language: str | None = None
        self.contradictions = 0
        self.refused = 0

    @property
    def committed(self) -> list[Word]:
        """All committed words of the turn."""
        return self._closed + self._lowered(self._window)[self._released :]

    @property
    def window(self) -> list[Word]:
        """The committed words that lie in the present window, spelled as the engine heard them:
        what it may be asked to begin its next answer with.
        """
        return self._window

    @property
    def tail(self) -> tuple[Word, ...]:
        """What is heard but not certain."""
        return self._tail if self._window else tuple(self._lowered(self._tail))

    def update(self, hypothesis: Hypothesis, at: DecodePosition, *, trusted: bool = False) -> None:
        """Take the newest hypothesis of the present window.

        ``trusted``: this speaker was already understood, and the window is no mere snippet, so
        a rare name must not cost the whole phrase.
        """
        if hypothesis.confidence < self._gate * (_TRUST if trusted else 1.0):
            # Not speech this engine knows: commit nothing. What is shown stays until the end.
            self.refused += 1
            if at is DecodePosition.END:
                self._tail = ()
            return
        heard = hypothesis.words
        self._language = hypothesis.language
        start = self._seam(heard)
        self._punctuate_last(heard, start, at)
        tail = heard[start:]
        count = len(tail) if at is not DecodePosition.STEP else self._agreed(tail)
        count = max(count, min(hypothesis.stable - start, len(tail)))
        self._streaks = self._streaks[count:]
        for word in tail[:count]:
            self._window.append(word)
        if at is DecodePosition.PAUSE and count:
            last = self._window[-1]
            self._held = last.text
            self._window[-1] = _with_text(last, bare(last.text))
        self._tail = tail[count:]
        if at is DecodePosition.STEP and self._tail:
            # Recognisers close whatever they heard so far: a reader would see a full stop come
            # and go behind every word.
            self._tail = (*self._tail[:-1], _with_text(self._tail[-1], bare(self._tail[-1].text)))

    def close_window(self, silent_ms: int, ahead: Sequence[Word] = ()) -> None:
        """The window of audio ends here, followed by this much silence (0: speech was cut).
        ``ahead`` is what was heard before the cut and may come again behind it.

        No later hypothesis can tell the mark that was held back. After a long pause it is
        believed; after a short one a full stop becomes a comma; where speech was cut there is
        none. In the latter two the capital letter with which recognisers begin every window is
        taken back from a word that has it for no other reason.
        """
        held, self._held = self._held, ""
        self._window = self._lowered(self._window)
        self._continues = silent_ms < SENTENCE_PAUSE_MS
        if silent_ms and self._window and bare(held) == self._window[-1].text:
            lowered = self._continues and held.endswith(".")
            self._window[-1] = _with_text(self._window[-1], held[:-1] + "," if lowered else held)
            self._continues = lowered
        self._closed += self._window[self._released :]
        self._window, self._released = [], 0
        self._tail = ()
        self._expected = {fold(word.text): word.text for word in ahead}

    def sentence_end(self, since_ms: int, least: int = 0) -> int | None:
        """How many committed words, ``least`` or more, stand before the first sentence break at or
        after this time of the session. A break is a closing mark behind which another committed
        word begins.
        """
        words = self.committed
        for count, (word, following) in enumerate(itertools.pairwise(words), 1):
            late = word.end_ms is not None and word.end_ms >= since_ms
            if late and count >= least and ends_sentence(word, following, self._language):
                return count
        return None

    def release(self, count: int) -> list[Word]:
        """The turn ends behind so many committed words, which are returned as they are now; the
        others are the next turn's.
        """
        done = self.committed[:count]
        whole = min(count, len(self._closed))
        self._closed = self._closed[whole:]
        self._released += count - whole
        self.refused = 0
        return done

    def follow(self, before: LocalAgreement) -> None:
        """Begin where speech was cut in the middle of ``before``, whose turn is over."""
        self._continues, self._expected = True, before._expected

    def heed(self, hints: Hints) -> None:
        """What is known about the content from now on; for ``policy.glossary.term_agreement``."""

    def drop_tail(self) -> None:
        """Forget what is not certain (the audio behind it was cleared)."""
        self._tail = ()

    # ------------------------------------------------------------ inside
    def _lowered(self, words: Sequence[Word]) -> list[Word]:
        """The first words of the present window as they read behind the window before it."""
        lowered = list(words)
        if self._continues and lowered:
            first = lowered[0]
            expected = self._expected.get(fold(first.text))
            if expected is not None:
                is_small = expected[:1].islower()
            else:
                is_small = fold(first.text) in clause_data.small_words(self._language)
            if is_small:
                lowered[0] = _with_text(first, first.text[:1].lower() + first.text[1:])
        return lowered

    def _agreed(self, tail: tuple[Word, ...]) -> int:
        """How many words are sure enough; the last of either tail never is."""
        streaks = [1] * len(tail)
        for place, (before, now) in enumerate(zip(self._tail, tail, strict=False)):
            if fold(before.text) != fold(now.text):
                break
            streaks[place] += self._streaks[place] if place < len(self._streaks) else 1
        self._streaks = streaks
        limit = min(len(self._tail), len(tail)) - 1
        count = 0
        while count < limit and streaks[count] >= _needed(tail[count]):
            count += 1
        return count

    def _seam(self, heard: Sequence[Word]) -> int:
        """How many words of the hypothesis repeat what is committed."""
        done = [fold(word.text) for word in self._window]
        said = [fold(word.text) for word in heard]
        if said[: len(done)] == done:
            return len(done)
        self.contradictions += 1
        for size in range(min(_ANCHOR_WORDS, len(done)), 0, -1):
            ends = [
                i + size for i in range(len(said) - size + 1) if said[i : i + size] == done[-size:]
            ]
            if ends:
                return min(ends, key=lambda end: abs(end - len(done)))
        return min(len(done), len(said))

    def _punctuate_last(self, heard: Sequence[Word], start: int, at: DecodePosition) -> None:
        """Give the last committed word the mark that it turned out to carry."""
        goes_on = at is DecodePosition.END or len(heard) - start >= 2
        if not self._window or not 0 < start <= len(heard) or not goes_on:
            return
        last, now = self._window[-1], heard[start - 1].text
        if now.startswith(last.text) and bare(now) == bare(last.text):
            self._window[-1] = _with_text(last, now)


def _needed(word: Word) -> int:
    """In how many hypotheses in a row a word has to be heard."""
    unsure = word.confidence is not None and word.confidence < _SURE
    return _TIMES_UNSURE if unsure else _TIMES


def ends_sentence(word: Word, following: Word, language: str | None) -> bool:
    """Whether a sentence ends between these two words."""
    text = word.text.rstrip(clause_data.CLOSERS)
    if not text.endswith(clause_data.FULL_STOPS):
        return False
    if not text.endswith("."):
        return True
    is_short_for_more = fold(text) in clause_data.abbreviations(language)
    return not is_short_for_more and not following.text[:1].islower()


def _with_text(word: Word, text: str) -> Word:
    return Word(text, word.confidence, word.start_ms, word.end_ms, word.joined)
