"""Where the client's glossary meets translation: the seam, and what happens without one.

Law of this file: three moments, each a pure function of its arguments. ``together`` keeps
phrases of the glossary in one unit, ``before`` may change what the engine is asked, ``after``
checks and mends what it answered. This base leaves everything as it is; engines that take a
glossary get it as ``Translation.hints`` anyway.
"""

from __future__ import annotations

from dragoman.engines.base import Info, Translation
from dragoman.policy.units import Together
from dragoman.speech import Interpret


class Terms:
    """See the head of this file; one for each session."""

    def together(self, settings: Interpret) -> Together | None:
        """For a turn with these settings: which words must not be cut apart; None for any."""
        return None

    def before(self, request: Translation, info: Info) -> Translation:
        """The request as this engine should get it."""
        return request

    def after(self, request: Translation, answer: str, *, commits: bool) -> str:
        """The answer to ``request`` (as it was before ``before``) as it should be used.
        ``commits``: it will be committed whole, else it is a draft.
        """
        return answer
