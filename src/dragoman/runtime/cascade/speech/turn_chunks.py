"""What of the one turn that is being voiced waits, was voiced and has failed.

Law of this file: bookkeeping of ``runtime.cascade.speech.stage``; it waits for nothing and reads no
clock.
"""

from __future__ import annotations

import msgspec

from dragoman.policy.speaking.speech_chunks import SpeechChunks
from dragoman.speech import Interpret
from dragoman.text.spoken import is_speakable
from dragoman.text.words import ends_sentence


class CommittedText(msgspec.Struct, frozen=True):
    """Committed text, and when it was committed (``at_s``, on the clock of the source)."""

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
    """See the head of this file."""

    def __init__(self) -> None:
        self.size = 0  # bytes of sound
        self.rate_hz = 1
        self.failed = False
        self.failures = 0
        self._begins = True  # a sentence begins with the next piece
        self._units: SpeechChunks | None = None
        self._last: CommittedText | None = None

    @property
    def due_s(self) -> float | None:
        """When what waits will have waited long enough; None while nothing waits."""
        return self._units.due_s if self._units else None

    def add(self, piece: CommittedText, now_s: float) -> list[CommittedText]:
        """What is to be spoken at once."""
        self._last = piece
        self._units = self._units or SpeechChunks(piece.settings.target)
        return self._pieces(self._units.add(piece.text, now_s, ends=piece.ends or piece.closes))

    def ripe(self, now_s: float, *, busy: bool) -> list[CommittedText]:
        """What has waited long enough."""
        return self._pieces(self._units.take_due(now_s, busy=busy)) if self._units else []

    def flush(self) -> list[CommittedText]:
        """Everything that waits."""
        return self._pieces(self._units.flush()) if self._units else []

    def begins(self, piece: CommittedText) -> bool:
        """Whether a sentence begins with this piece; to be asked once for each, in order."""
        begins = self._begins
        self._begins = piece.closes or ends_sentence(piece.text, piece.settings.target)
        return begins

    def _pieces(self, texts: list[str]) -> list[CommittedText]:
        last = self._last
        if last is None:
            return []
        whole = [msgspec.structs.replace(last, text=text, closes=False) for text in texts]
        if whole and last.closes:
            whole[-1] = msgspec.structs.replace(whole[-1], closes=True)
        return whole
