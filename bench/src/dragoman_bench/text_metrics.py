"""Texts against what they should be: error rates, chrF, BLEU, terms.

Law of this file: jiwer and sacrebleu do the scoring, and are imported only here and only when
something is scored: they are development dependencies. Word error rates count lower-case words
without marks; languages without spaces are counted in characters. chrF is chrF2, BLEU has
sacrebleu's tokenizer for the language.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from dragoman.engines.shared.model_files import pip_install
from dragoman_bench.figures import BenchFailed

_TOKENIZERS = {"zh": "zh", "ja": "char", "th": "char", "ko": "char"}
"""Only ``13a`` and ``zh`` need nothing more to be installed; ``ja-mecab`` would."""


def plain_words(text: str) -> str:
    """Text as word error rates count it: lower case, without marks."""
    return " ".join(re.sub(r"[^\w' ]+", " ", text.lower().replace("’", "'")).split())


def tokenizer(language: str) -> str:
    """The name of sacrebleu's tokenizer for BLEU in this language."""
    return _TOKENIZERS.get(language.split("-", maxsplit=1)[0], "13a")


class TextMetrics:
    """The two packages that score. Raises ``BenchFailed`` when one is not installed."""

    def __init__(self) -> None:
        try:
            import jiwer  # noqa: PLC0415  # development dependencies, only needed here
            import sacrebleu  # noqa: PLC0415
        except ImportError as missing:
            raise BenchFailed(
                f"the package {missing.name} is not installed: {pip_install(missing.name or '')}"
            ) from None
        self._jiwer: Any = jiwer
        self.sacrebleu: Any = sacrebleu
        self._chrf = self.sacrebleu.metrics.CHRF()

    def wer(
        self, spoken: Sequence[str], heard: Sequence[str], *, characters: bool = False
    ) -> float:
        """Error rate over all of them together, a fraction; of words or of characters."""
        told, got = ([plain_words(text) for text in texts] for texts in (spoken, heard))
        if characters:
            told, got = ([text.replace(" ", "") for text in texts] for texts in (told, got))
            return float(self._jiwer.cer(told, got))
        return float(self._jiwer.wer(told, got))

    def chrf(self, said: Sequence[str], references: Sequence[str]) -> float:
        """ChrF2 over all of them together, 0..100."""
        return float(self._chrf.corpus_score(list(said), [list(references)]).score)

    def bleu(self, said: Sequence[str], references: Sequence[str], language: str) -> float:
        """BLEU over all of them together, 0..100."""
        metric = self.sacrebleu.metrics.BLEU(tokenize=tokenizer(language))
        return float(metric.corpus_score(list(said), [list(references)]).score)


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
