"""What the recognition stage needs of a decoder.

Scope: the Protocol only. ``stream_decoder`` and ``window_decoder`` are the two shapes behind it,
``fallback_decoder`` joins several, ``open_decoder`` chooses.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from dragoman.engines.base import Samples
from dragoman.policy.recognition.local_agreement import LocalAgreement
from dragoman.runtime.hosts.load import RecognitionLag
from dragoman.speech import Hints, Hypothesis


class TurnDecoder(Protocol):
    """Decoder state of one turn; reused when the next turn follows without a pause.

    Audio is 16 kHz; ``at_ms`` is media time of the session. What decodes raises ``EngineFailed``.
    """

    hold_steps: bool
    """Make no step decodes for now, as the words may be another speaker's; decodes that commit
    are made all the same.
    """

    @property
    def agreement(self) -> LocalAgreement:
        """The words of the turn."""

    @property
    def language(self) -> str | None:
        """The language of the last hypothesis."""

    @property
    def language_confidence(self) -> float:
        """How sure the engine was of it."""

    @property
    def heard_ms(self) -> int:
        """Where the audio of the last hypothesis ends."""

    @property
    def lag(self) -> RecognitionLag:
        """How far it is behind its audio."""

    @property
    def in_flight(self) -> asyncio.Task[Hypothesis] | None:
        """A decode that runs while audio goes on coming; ``take_result`` takes its answer."""

    def take_result(self) -> bool:
        """Take the answer of the decode in flight, if it has come; whether there may be news in
        ``agreement``.
        """

    def buffer(self, samples: Samples, at_ms: int, probability: float = 1.0) -> bool:
        """Keep audio if no decode becomes due by it; whether it was kept. If not: ``feed`` it."""

    async def feed(self, samples: Samples, at_ms: int, probability: float = 1.0) -> bool:
        """Take the turn's audio from ``at_ms`` on, which is speech with this probability, and make
        the decodes that are due; whether there may be news. Audio behind a long pause is not
        joined to what came before.
        """

    async def pause(self) -> bool:
        """The speaker paused: commit what is held back."""

    def resume(self, silent_ms: int) -> None:
        """Speech goes on after a pause of this length; its audio is fed next."""

    async def finish(self) -> None:
        """The turn is over: commit the rest."""

    async def split(self, at_ms: int | None = None) -> Samples:
        """The turn must end inside speech: commit up to ``at_ms``, or as far as words behind it
        are committed already; None: up to a quiet moment. Returns the audio behind the cut, which
        belongs to the next turn.
        """

    def begin_next_turn(self, hints: Hints) -> None:
        """What comes from now on belongs to the next turn, which has these hints. The words of the
        last one were released from ``agreement``.
        """

    def continue_from(self, before: TurnDecoder, *, in_sentence: bool) -> None:
        """Begin with the audio that ``before.split`` returned: take over what is known about it.
        ``in_sentence``: the cut lies inside a sentence.
        """

    def fix_language(self, language: str) -> None:
        """The spoken language is known: an engine of many languages need not guess any more, and
        one that is preferred for this language may go on with the turn.
        """

    def abandon(self) -> None:
        """Keep what is committed and decode no more: the turn failed or its audio was cleared."""
