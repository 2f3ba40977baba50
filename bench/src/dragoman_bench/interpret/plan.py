"""What ``dragoman bench interpret`` is to play, and what its sessions ask for.

Scope: values only.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from dragoman_bench.interpret.play import SessionRequest


class InterpretPlan(msgspec.Struct, kw_only=True):
    """What to play, how, and where the results go. ``url`` None: a server of our own. ``pairs``:
    several directions instead of ``source`` and ``target``.
    """

    out: Path
    pairs: Sequence[tuple[str, str]] = ()
    target: str = "es"
    source: str = "en"
    url: str | None = None
    api_key: str | None = None
    model: str | None = None
    more: dict[str, str] = {}
    text_only: bool = False
    recordings: Path | None = None
    long: bool = False
    minutes: float | None = None
    only: Sequence[str] = ()
    speed: float = 1.0
    sessions: Sequence[int] = (1,)
    terms: dict[str, str] = {}
    send_terms: bool = False
    offline: bool = True
    pictures: bool = True

    @property
    def direction(self) -> str:
        """``en-es``."""
        return f"{self.source}-{self.target}"

    def directions(self) -> list[InterpretPlan]:
        """A plan for each direction; with ``pairs`` each has a folder of its own."""
        return [
            msgspec.structs.replace(
                self, source=source, target=target, out=self.out / f"{source}-{target}", pairs=()
            )
            for source, target in self.pairs
        ] or [self]

    def request(self, url: str) -> SessionRequest:
        """What each session asks for."""
        request = SessionRequest(
            url=url,
            target=self.target,
            source=self.source,
            api_key=self.api_key,
            text_only=self.text_only,
            more=self.more,
            phrases=self.terms if self.send_terms else None,
        )
        return request if self.model is None else msgspec.structs.replace(request, model=self.model)
