"""The legal order of an interpreted turn: whole tables, and nothing gets past them."""

import pytest

from dragoman.protocol.audio_input.events import (
    ItemCreated,
    TranscriptionCompleted,
    TranscriptionText,
    VadSpeechStarted,
    VadSpeechStopped,
)
from dragoman.protocol.core.legal_order import OutOfOrder
from dragoman.protocol.interpretation.event_order import RESPONSE, SOURCE, TurnOrder
from dragoman.protocol.realtime.events import (
    Item,
    OutputItemAdded,
    ResponseBody,
    ResponseCreated,
    ResponseDone,
)

ITEM = Item(id="item_1", status="in_progress")
BODY = ResponseBody(id="resp_1", status="in_progress")
STARTED = VadSpeechStarted(audio_start_ms=0, item_id="item_1")
STOPPED = VadSpeechStopped(audio_end_ms=9, item_id="item_1")
CREATED = ItemCreated(item=ITEM)
TEXT = TranscriptionText(item_id="item_1", text="a", stash="")
COMPLETED = TranscriptionCompleted(item_id="item_1", transcript="a")
RESPONSE_CREATED, RESPONSE_DONE = ResponseCreated(response=BODY), ResponseDone(response=BODY)


@pytest.mark.parametrize("table", [SOURCE, RESPONSE], ids=["source", "response"])
def test_every_event_can_be_reached_and_every_path_ends(table):
    reached, todo = set(), [""]
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo += table[name]
    assert reached == set(table)
    assert [name for name in table if not table[name]]


def advance(*events, transcribes=True):
    order = TurnOrder(transcribes=transcribes)
    for event in events:
        order.advance(event)


@pytest.mark.parametrize(
    "events",
    [
        (STARTED, STARTED),
        (TEXT,),
        (RESPONSE_CREATED,),
        (STARTED, RESPONSE_CREATED),
        (STARTED, CREATED, RESPONSE_CREATED, RESPONSE_CREATED),
        (STARTED, CREATED, CREATED),
        (STARTED, CREATED, STOPPED, TEXT, STOPPED),
        (STARTED, CREATED, COMPLETED, TEXT),
        (STARTED, CREATED, COMPLETED, COMPLETED),
        (CREATED, RESPONSE_CREATED, RESPONSE_DONE),
    ],
)
def test_no_event_out_of_order(events):
    with pytest.raises(OutOfOrder):
        advance(*events)


def test_source_and_response_run_side_by_side():
    added = OutputItemAdded(response_id="resp_1", item=ITEM)
    advance(STARTED, CREATED, RESPONSE_CREATED, TEXT, added, STOPPED, CREATED, TEXT, COMPLETED)


def test_a_response_may_only_end_behind_its_transcript():
    order = TurnOrder(transcribes=True)
    order.advance(CREATED)
    with pytest.raises(OutOfOrder, match="before"):
        order.advance(RESPONSE_DONE)
