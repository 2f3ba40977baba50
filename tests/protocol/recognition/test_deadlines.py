"""When a recognition session wants to be woken."""

import json

from dragoman.protocol.core.events import Ids
from dragoman.protocol.core.session import Limits
from dragoman.protocol.registry import RECOGNITION, lookup, make_session
from dragoman.speech import Coverage


def test_a_late_tick_is_not_asked_for_again() -> None:
    """Behind a tick the next deadline lies in the future, or the timer would never sleep."""
    anything = Coverage(frozenset({"*"}), frozenset(), frozenset())
    limits = Limits(idle_s=6.0)
    session = make_session(lookup("qwen3-asr-flash-realtime"), Ids("n" * 15), limits, anything)

    def client(now: float, **event: object) -> None:
        session.receive(RECOGNITION.codec.decode(json.dumps(event)), now)

    session.open(0.0)
    client(0.0, type="session.update", session={"turn_detection": None})
    client(0.0, type="input_audio_buffer.append", audio="AAAA")
    client(0.0, type="input_audio_buffer.commit")
    client(4.0, type="input_audio_buffer.append", audio="AAAA")
    due = session.deadline()
    assert due == 5.0  # the snapshot is repeated
    late = 6.5  # the engine has been silent for so long that there are no more repetitions
    session.tick(late)
    following = session.deadline()
    assert following is not None
    assert following > late
