"""Texts against what they should be: error rates, chrF, BLEU, terms.

Scope: jiwer and sacrebleu do the scoring. Word error rates count lower-case words without marks;
languages without spaces are counted in characters. chrF is chrF2, BLEU has sacrebleu's tokenizer
for the language. Scores are over all given texts together.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

import jiwer
import sacrebleu

_TOKENIZERS = {"zh": "zh", "ja": "char", "th": "char", "ko": "char"}
"""Only ``13a`` and ``zh`` need nothing more to be installed; ``ja-mecab`` would."""


def plain_words(text: str) -> str:
    """Text as word error rates count it: lower case, without marks."""
    return " ".join(re.sub(r"[^\w' ]+", " ", text.lower().replace("’", "'")).split())


def tokenizer(language: str) -> str:
    """The name of sacrebleu's tokenizer for BLEU in this language."""
    return _TOKENIZERS.get(language.split("-", maxsplit=1)[0], "13a")


def error_rate(said: Sequence[str], heard: Sequence[str], *, characters: bool = False) -> float:
    """Error rate of what was heard, a fraction; of words or of characters."""
    wanted, got = ([plain_words(text) for text in texts] for texts in (said, heard))
    if characters:
        wanted, got = ([text.replace(" ", "") for text in texts] for texts in (wanted, got))
        return float(jiwer.cer(wanted, got))
    return float(jiwer.wer(wanted, got))


def chrf(texts: Sequence[str], references: Sequence[str]) -> float:
    """ChrF2, 0..100."""
    return float(sacrebleu.CHRF().corpus_score(list(texts), [list(references)]).score)


def bleu(texts: Sequence[str], references: Sequence[str], language: str) -> float:
    """BLEU, 0..100."""
    metric = sacrebleu.BLEU(tokenize=tokenizer(language))
    return float(metric.corpus_score(list(texts), [list(references)]).score)


# ---------------------------------------------------------------- terms
def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold()
    words = re.sub(r"\W+", " ", plain).split()
    return f" {' '.join(words)} "


def has_term(text: str, term: str) -> bool:
    """Whether the term stands in the text as whole words; case and marks do not count.

    Without spaces around it (Chinese, Japanese) it may stand anywhere.
    """
    wanted, where = _folded(term), _folded(text)
    if any(unicodedata.category(char) == "Lo" for char in wanted):
        return wanted.strip() in where
    return wanted in where


def terms_found(source: str, translation: str, terms: Mapping[str, str]) -> tuple[int, int]:
    """(found, wanted): of the terms in the source, how many have their translation."""
    wanted = [value for term, value in terms.items() if has_term(source, term)]
    return sum(has_term(translation, value) for value in wanted), len(wanted)
