"""Names that are shown while somebody speaks, held against what Moonshine heard.

Law of this file: a name on a slide may never be said, so it is no bias on the decoder, which would
begin words because of it. Where the finished hypothesis sounds like a name (``near_names``) and
the model is not sure of it, the model scores the whole sentence with the name in that place, which
takes one pass (8 ms for 20 words); the name is taken if the audio bears it nearly as well. The
same letters with capitals inside are a spelling that nobody says otherwise: it is taken as it is.

The three limits were found with synthetic voices (docs/vision.md). They let names of the very same
sound pass, whichever was meant: then the slide decides how it is spelt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from dragoman.engines.moonshine.phonetic_match import NameMatch, near, split_marks
from dragoman.engines.moonshine.tokenizer import Vocabulary, geometric_mean

MARGIN = 5.0
"""How many times less likely (as a power of e) the sentence with the name may be."""
UNSURE = 0.6
"""Words that the model is surer of than this are left as they are."""
BORNE = 0.06
"""How likely a token of the name has to be at least, as a geometric mean."""
MOST_TRIALS = 6
MOST_NAMES = 60

Score = Callable[[list[int]], list[float]]
"""Log probabilities of ids, and one more for the end."""


class ScoredIds(msgspec.Struct, frozen=True):
    """A hypothesis: ids, a log probability for each and maybe one for the end; the first ``forced``
    ids stay what they are.
    """

    ids: list[int]
    logprobs: list[float]
    forced: int


def shown_names(tokens: Vocabulary, terms: Sequence[str]) -> list[str]:
    """The terms, and the words in them, but for words that the vocabulary has as a whole: those the
    model spells right without help.
    """
    names: dict[str, None] = {}
    for term in terms:
        words = term.split()
        new = [word for word in words if not tokens.has(word) and not tokens.has(word.lower())]
        if new and len(words) > 1:
            names[term] = None
        names.update(dict.fromkeys(new))
    return list(names)[:MOST_NAMES]


def heed(
    tokens: Vocabulary, guess: ScoredIds, names: Sequence[str], score: Score
) -> tuple[list[int], list[float]]:
    """Ids and log probabilities of the hypothesis with the names in it that were said."""
    tried: set[tuple[int, int, str]] = set()
    while len(tried) < MOST_TRIALS:
        words = tokens.words(guess.ids)
        one = next((o for o in _near(words, names, guess.forced) if _mark(o) not in tried), None)
        if one is None:
            break
        tried.add(_mark(one))
        guess = _with_name(tokens, guess, words, one, score) or guess
    return guess.ids, guess.logprobs


_Words = list[tuple[str, list[int]]]


def _near(words: _Words, names: Sequence[str], forced: int) -> Iterator[NameMatch]:
    first = sum(positions[0] < forced for _, positions in words)
    yield from near([text for text, _ in words], names, first)


def _mark(one: NameMatch) -> tuple[int, int, str]:
    return one.begin, one.end, one.name


def _with_name(
    tokens: Vocabulary, guess: ScoredIds, words: _Words, one: NameMatch, score: Score
) -> ScoredIds | None:
    """The hypothesis with this name; None if it was not said."""
    begin, end = words[one.begin][1][0], words[one.end - 1][1][-1] + 1
    bare = [split_marks(text)[0] for text, _ in words[one.begin : one.end]]
    # Other capitals or spaces only are never another word; of other words the model may be sure.
    same = "".join(bare).casefold() == one.name.replace(" ", "").casefold()
    if not same and geometric_mean(guess.logprobs[begin:end]) > UNSURE:
        return None
    marks = split_marks(words[one.end - 1][0])[1]
    capitals = any(letter.isupper() for letter in one.name[1:])
    for name in (one.name, one.name.capitalize())[: 1 + capitals]:  # nobody hears capitals
        ids = [*guess.ids[:begin], *tokens.encode(name + marks), *guess.ids[end:]]
        scores = score(ids)[: len(ids) + len(guess.logprobs) - len(guess.ids)]
        spelt = geometric_mean(scores[begin : begin + len(tokens.encode(name))])
        worse = sum(guess.logprobs[begin:]) - sum(scores[begin:])
        if (spelt >= BORNE and worse <= MARGIN) or (same and capitals and len(bare) == 1):
            return _spelt(tokens, guess, (begin, end), one.name + marks)
    return None


def _spelt(tokens: Vocabulary, guess: ScoredIds, place: tuple[int, int], text: str) -> ScoredIds:
    """The hypothesis with this text in that place, as likely as what stood there."""
    begin, end = place
    new = tokens.encode(text)
    likely = sum(guess.logprobs[begin:end]) / (end - begin)
    logprobs = [*guess.logprobs[:begin], *[likely] * len(new), *guess.logprobs[end:]]
    return ScoredIds([*guess.ids[:begin], *new, *guess.ids[end:]], logprobs, guess.forced)
