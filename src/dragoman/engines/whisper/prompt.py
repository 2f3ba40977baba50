"""What Whisper is told before it listens, as the text before the window.

Scope: which text, as ids. Whisper goes on in the manner of the text before. For Chinese that is a
sentence in simplified characters, as the API writes Chinese; without it the model takes either.

Hints are not told unless the operator wants it: measured with the base model, a list of terms costs
more words than it wins, and a long one most of them (``docs/engines/whisper.md``). The glossary is
applied to the finished words anyway (``policy.glossary``).
"""

from __future__ import annotations

from dragoman.engines.whisper.vocabulary import Vocabulary
from dragoman.speech import Hints

MOST_IDS = 100
_MANNER = {"zh": "以下是普通话的句子。"}


def prompt_ids(
    vocabulary: Vocabulary, language: str | None, hints: Hints | None = None
) -> list[int]:
    """The ids before the start token, or none."""
    parts = [_MANNER.get(language or "", "")]
    if hints is not None:
        terms = ", ".join(dict.fromkeys((*hints.phrases, *hints.onscreen)))
        parts += [hints.context.strip(), terms and f"{terms}."]
    text = " ".join(filter(None, parts))
    return [vocabulary.before, *vocabulary.encode(text)[-MOST_IDS:]] if text else []
