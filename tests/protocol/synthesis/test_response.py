"""One response: its order is a table, and nothing gets past it."""

import pytest

from dragoman.protocol.core.events import Ids
from dragoman.protocol.core.legal_order import OutOfOrder
from dragoman.protocol.core.token_estimate import TextMeter
from dragoman.protocol.synthesis import family
from dragoman.protocol.synthesis.response import NEXT, Response
from dragoman.speech import Voiced


def make() -> tuple[Response, list]:
    sent: list = []
    ids = Ids("response0000000")
    return Response(sent.append, ids, family.FLASH, family.FLASH.defaults()), sent


def kinds(sent: list) -> list[str]:
    return [event.__struct_config__.tag for event in sent]


def test_a_whole_response():
    response, sent = make()
    response.open()
    text = TextMeter()
    text.feed("你好")
    response.add_text(text)
    response.audio(Voiced(b"\x01\x02" * 2400))
    response.close("completed")
    assert kinds(sent) == [name for name in NEXT if name]
    usage = sent[-1].response.usage
    assert (usage.characters, usage.input_tokens, usage.output_tokens) == (4, 2, 2)
    assert usage.total_tokens == 4


@pytest.mark.parametrize(
    "wrongly",
    [
        lambda response: response.audio(Voiced(bytes(4800))),
        lambda response: response.close("completed"),
        lambda response: (response.open(), response.open()),
        lambda response: (response.open(), response.close("failed"), response.close("failed")),
        lambda response: (
            response.open(),
            response.close("failed"),
            response.audio(Voiced(bytes(4800))),
        ),
    ],
)
def test_no_event_out_of_order(wrongly):
    response, sent = make()
    with pytest.raises(OutOfOrder):
        wrongly(response)
    assert kinds(sent).count("response.done") <= 1


def test_the_table_leads_from_nothing_to_done():
    reached, todo = set(), [""]
    while todo:
        stage = todo.pop()
        if stage not in reached:
            reached.add(stage)
            todo += NEXT[stage]
    assert reached == set(NEXT)
    assert not NEXT["response.done"]
