"""The legal order of a recognised turn: the whole table, and nothing gets past it."""

import pytest

from dragoman.protocol.core.legal_order import LegalOrder, OutOfOrder
from dragoman.protocol.recognition.event_order import NEEDS, NEXT

STARTED = "input_audio_buffer.speech_started"
STOPPED = "input_audio_buffer.speech_stopped"
COMMITTED = "input_audio_buffer.committed"
ITEM = "conversation.item.created"
TEXT = "conversation.item.input_audio_transcription.text"
COMPLETED = "conversation.item.input_audio_transcription.completed"
FAILED = "conversation.item.input_audio_transcription.failed"


def advance(*names):
    order = LegalOrder(NEXT, NEEDS)
    for name in names:
        order.advance(name)


def test_every_event_can_be_reached():
    reached, todo = set(), [""]
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo += NEXT[name]
    assert reached == set(NEXT)


def test_the_orders_that_clients_know():
    advance(STARTED, TEXT, TEXT, STOPPED, COMMITTED, ITEM, TEXT, COMPLETED)
    advance(STARTED, STOPPED, COMMITTED, ITEM, FAILED)
    advance(COMMITTED, ITEM, COMPLETED)


@pytest.mark.parametrize(
    "names",
    [
        (TEXT,),
        (STOPPED,),
        (STARTED, COMMITTED),
        (STARTED, TEXT, COMPLETED),
        (COMMITTED, TEXT),
        (COMMITTED, ITEM, COMPLETED, TEXT),
        (COMMITTED, ITEM, COMPLETED, FAILED),
        (STARTED, STOPPED, COMMITTED, ITEM, TEXT, STOPPED),
    ],
)
def test_no_event_out_of_order(names):
    with pytest.raises(OutOfOrder):
        advance(*names)
