"""A response that stays open for a book: one until the finish, and nothing of it is kept."""

import tracemalloc

from dragoman.protocol.core.commands import End, Output, Push, Send
from dragoman.protocol.core.events import Ids
from dragoman.protocol.core.session import Limits
from dragoman.protocol.realtime.events import ResponseCreated, ResponseDone, SessionFinish
from dragoman.protocol.registry import lookup, make_session
from dragoman.protocol.synthesis import events as tts
from dragoman.speech import Coverage, Said, Voiced

MODEL = "qwen3-tts-flash-realtime"
LINES, PAGES = 40, 50
LINE = "Nine words of a sentence make a small book. "


def test_a_book_is_one_response_and_is_not_kept_in_memory() -> None:
    coverage = Coverage(speaks=frozenset("*"))
    session = make_session(lookup(MODEL), Ids("longresponse000"), Limits(), coverage)
    seen: set[type] = set()

    def perform(commands: list) -> None:
        seen.update(type(c.event) if isinstance(c, Send) else type(c) for c in commands)
        for push in [command for command in commands if isinstance(command, Push)]:
            perform(session.report(Output(push.job, Voiced(b"\x01\x02" * 2400)), 0.0))
            perform(session.report(Output(push.job, Said()), 0.0))

    perform(session.open(0.0))
    sizes = []
    tracemalloc.start()
    try:
        for _ in range(PAGES):
            for _ in range(LINES):
                perform(session.receive(tts.TextAppend(text=LINE), 0.0))
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert ResponseCreated in seen
    assert not {ResponseDone, End} & seen
    assert sizes[-1] - sizes[9] < 8 * 1024
    perform(session.receive(SessionFinish(), 0.0))
    assert End in seen
