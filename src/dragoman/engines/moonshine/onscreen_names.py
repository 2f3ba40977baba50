"""Names that are shown while somebody speaks, compared with what Moonshine recognised.

Scope: a name on a slide may never be said, so it does not bias the decoder, which would invent it.
Where the finished hypothesis sounds like a name (``phonetic_match``) and the model is not sure of
it, the model scores the whole sentence with the name in that place, which takes one pass (8 ms for
20 words); the name is used if it is nearly as likely. The same letters with other capitals are only
another spelling, which is used without a look at the score.

The three limits were found with synthetic voices (docs/vision.md). Of names with the same sound
the one on the slide is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from dragoman.engines.moonshine.phonetic_match import NameMatch, find_matches, split_marks
from dragoman.engines.moonshine.tokenizer import Tokenizer
from dragoman.engines.shared.greedy_decoding import geometric_mean

MARGIN = 5.0
"""How many times less likely (as a power of e) the sentence with the name may be."""
UNSURE = 0.6
"""Words with a higher probability than this are left as they are."""
MIN_NAME_PROBABILITY = 0.06
"""The least probability of the name's tokens, as a geometric mean."""
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


def shown_names(tokens: Tokenizer, terms: Sequence[str]) -> list[str]:
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


def apply_names(
    tokens: Tokenizer, guess: ScoredIds, names: Sequence[str], score: Score
) -> tuple[list[int], list[float]]:
    """Ids and log probabilities of the hypothesis with the names in it that were said."""
    tried: set[tuple[int, int, str]] = set()
    while len(tried) < MOST_TRIALS:
        words = tokens.words(guess.ids)
        one = next((o for o in _matches(words, names, guess.forced) if _mark(o) not in tried), None)
        if one is None:
            break
        tried.add(_mark(one))
        guess = _with_name(tokens, guess, words, one, score) or guess
    return guess.ids, guess.logprobs


_Words = list[tuple[str, list[int]]]


def _matches(words: _Words, names: Sequence[str], forced: int) -> Iterator[NameMatch]:
    first = sum(positions[0] < forced for _, positions in words)
    yield from find_matches([text for text, _ in words], names, first)


def _mark(one: NameMatch) -> tuple[int, int, str]:
    return one.begin, one.end, one.name


def _with_name(
    tokens: Tokenizer, guess: ScoredIds, words: _Words, one: NameMatch, score: Score
) -> ScoredIds | None:
    """The hypothesis with this name; None if it was not said."""
    begin, end = words[one.begin][1][0], words[one.end - 1][1][-1] + 1
    bare = [split_marks(text)[0] for text, _ in words[one.begin : one.end]]
    # With other capitals or spaces only it is the same word, whatever its score.
    same = "".join(bare).casefold() == one.name.replace(" ", "").casefold()
    if not same and geometric_mean(guess.logprobs[begin:end]) > UNSURE:
        return None
    marks = split_marks(words[one.end - 1][0])[1]
    capitals = any(letter.isupper() for letter in one.name[1:])
    for name in (one.name, one.name.capitalize())[: 1 + capitals]:  # capitals cannot be heard
        ids = [*guess.ids[:begin], *tokens.encode(name + marks), *guess.ids[end:]]
        scores = score(ids)[: len(ids) + len(guess.logprobs) - len(guess.ids)]
        spelt = geometric_mean(scores[begin : begin + len(tokens.encode(name))])
        worse = sum(guess.logprobs[begin:]) - sum(scores[begin:])
        if (spelt >= MIN_NAME_PROBABILITY and worse <= MARGIN) or (
            same and capitals and len(bare) == 1
        ):
            return _spelt(tokens, guess, (begin, end), one.name + marks)
    return None


def _spelt(tokens: Tokenizer, guess: ScoredIds, place: tuple[int, int], text: str) -> ScoredIds:
    """The hypothesis with this text in that place, as likely as what stood there."""
    begin, end = place
    new = tokens.encode(text)
    likely = sum(guess.logprobs[begin:end]) / (end - begin)
    logprobs = [*guess.logprobs[:begin], *[likely] * len(new), *guess.logprobs[end:]]
    return ScoredIds([*guess.ids[:begin], *new, *guess.ids[end:]], logprobs, guess.forced)
