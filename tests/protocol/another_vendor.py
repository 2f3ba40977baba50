"""An API unlike the realtime ones, for tests: a path of its own, no models, no event ids."""

from __future__ import annotations

import msgspec

from dragoman.protocol.core.api import Api
from dragoman.protocol.core.codec import Codec
from dragoman.protocol.core.commands import Report
from dragoman.protocol.core.events import ClientEvent, ServerEvent
from dragoman.protocol.core.session import BaseSession, Failure, SessionContext


class Bye(ClientEvent, frozen=True, kw_only=True, tag="bye"):
    pass


class Jingle(ServerEvent, frozen=True, kw_only=True, tag="jingle"):
    sound: bytes = bytes(480)


class Goodbye(ServerEvent, frozen=True, kw_only=True, tag="goodbye"):
    pass


class Oops(ServerEvent, frozen=True, kw_only=True, tag="oops"):
    reason: str


class OnlyFamily(msgspec.Struct, frozen=True):
    name: str = "jingle"


class JingleSession(BaseSession):
    def __init__(self, _family: OnlyFamily, context: SessionContext) -> None:
        super().__init__(context)

    def on_open(self) -> None:
        self.send(Jingle())

    def on_report(self, report: Report) -> None:
        raise AssertionError("there are no jobs")

    def on_finish(self) -> None:
        pass

    def is_idle(self) -> bool:
        return True

    def is_finish(self, event: ClientEvent) -> bool:
        return isinstance(event, Bye)

    def finished(self) -> ServerEvent:
        return Goodbye()

    def error(self, failure: Failure) -> ServerEvent:
        return Oops(reason=failure.message)


FAMILY = OnlyFamily()
JINGLES: Api[OnlyFamily] = Api(
    label="jingles",
    paths=("/jingles/v1",),
    families=(FAMILY,),
    family_for=lambda _: FAMILY,
    codec=Codec((Bye,), (Jingle, Goodbye, Oops), has_event_ids=False),
    session=JingleSession,
)
