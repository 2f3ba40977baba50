"""The turn that is being spoken: which of its text waits, how much was spoken, what failed.

Scope: bookkeeping of the speech stage; it waits for nothing and reads no clock.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dragoman.policy.speaking.speech_chunks import SpeechChunks
from dragoman.speech import Interpret
from dragoman.text.spoken import is_speakable
from dragoman.text.words import ends_sentence


class CommittedText(msgspec.Struct, frozen=True):
    """Committed text, and when it was committed (``at_s``, on the clock of the source). ``ends``: a
    clause is complete with it; ``closes``: a sentence is.
    """

    turn: int
    settings: Interpret
    text: str
    at_s: float
    ends: bool = False
    closes: bool = False

    @property
    def is_speakable(self) -> bool:
        """Whether there is anything to say."""
        return is_speakable(self.text)


class EndOfTurn(msgspec.Struct, frozen=True):
    """The turn has no more text."""

    turn: int
    failed: bool


class TurnChunks:
    """The text of one turn, cut into chunks that are worth speaking."""

    def __init__(self) -> None:
        self.audio_bytes = 0
        self.rate_hz = 1
        self.failed = False
        self.failures = 0
        self._at_sentence_start = True
        self._chunks: SpeechChunks | None = None
        self._last: CommittedText | None = None

    @property
    def due_s(self) -> float | None:
        """When what waits will have waited long enough; None while nothing waits."""
        return self._chunks.due_s if self._chunks else None

    def add(self, text: CommittedText, now_s: float) -> list[CommittedText]:
        """Take more text; the chunks that are to be spoken at once."""
        self._last = text
        self._chunks = self._chunks or SpeechChunks(text.settings.target)
        return self._texts(self._chunks.add(text.text, now_s, ends=text.ends or text.closes))

    def ripe(self, now_s: float, *, busy: bool) -> list[CommittedText]:
        """What has waited long enough. ``busy``: earlier speech still plays."""
        return self._texts(self._chunks.take_due(now_s, busy=busy)) if self._chunks else []

    def flush(self) -> list[CommittedText]:
        """Everything that waits."""
        return self._texts(self._chunks.flush()) if self._chunks else []

    def starts_sentence(self, chunk: CommittedText) -> bool:
        """Whether a sentence begins with this chunk; to be asked once for each, in order."""
        starts = self._at_sentence_start
        self._at_sentence_start = chunk.closes or ends_sentence(chunk.text, chunk.settings.target)
        return starts

    def _texts(self, texts: Sequence[str]) -> list[CommittedText]:
        last = self._last
        if last is None:
            return []
        chunks = [msgspec.structs.replace(last, text=text, closes=False) for text in texts]
        if chunks and last.closes:
            chunks[-1] = msgspec.structs.replace(chunks[-1], closes=True)
        return chunks
