"""What the recognition of one turn is, as listening sees it.

Law of this file: the Protocol only; the two shapes of recogniser stand behind it
(``stream_hearing``, ``window_hearing``), and ``runtime.hearing`` is the door to both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from dragoman.engines.base import Samples
from dragoman.policy.recognition.local_agreement import LocalAgreement
from dragoman.runtime.hosts.load import RecognitionLag
from dragoman.speech import Hints, Hypothesis


class TurnDecoder(Protocol):
    """The recognition of a turn, and of those that follow it in the same breath."""

    agreement: LocalAgreement
    language: str | None
    """In which the last hypothesis was."""
    lag: RecognitionLag
    held: bool
    """Whether to decode nothing for now but what has to be: the words may be another one's."""
    onscreen: Callable[[], tuple[str, ...]]
    """Names and terms that are shown now; each decode may heed them (``Hints.onscreen``)."""

    @property
    def flight(self) -> asyncio.Task[Hypothesis] | None:
        """A decode that runs beside the listening; when it is done, ``land`` takes it."""

    def land(self) -> bool:
        """Take the answer of that decode if it has come; whether there may be news."""

    async def feed(self, samples: Samples, at_ms: int, probability: float = 1.0) -> bool:
        """Take audio of the turn that begins at this time of the session and is speech with this
        probability; whether there may be news in ``agreement``. After a long pause it does not
        join what was fed before.
        """

    async def pause(self) -> bool:
        """The speaker paused: commit what is held back."""

    def resume(self, silent_ms: int) -> None:
        """Speech goes on after a pause of this length; its audio is fed next."""

    async def finish(self) -> None:
        """The turn is over: commit the rest."""

    async def split(self, at_ms: int | None = None) -> Samples:
        """The turn must end though speech goes on: commit up to this moment of the session, as
        far as nothing behind it is committed, or up to a quiet one; give back the audio behind it
        for the next turn.
        """

    def go_on(self, hints: Hints) -> None:
        """What comes from now on is another turn's, whose hints these are. What ``agreement`` had
        was released up to there.
        """

    def follow(self, before: TurnDecoder, *, in_sentence: bool) -> None:
        """Begin with what ``split`` of the one before gave back: it is fed next, and what is known
        about it is taken over here.
        """

    def settle(self, language: str) -> None:
        """Be told which language is spoken; an engine of many need not guess any more."""

    def abandon(self) -> None:
        """The turn's remaining audio was cleared: keep what is committed, decode no more."""
