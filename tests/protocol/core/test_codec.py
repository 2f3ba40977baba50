"""The codec: what comes in is an event or a plain reason; what goes out is canonical."""

import base64
import json

import msgspec
import pytest

from dragoman.protocol.core.codec import Codec, Unreadable, base64_bytes
from dragoman.protocol.core.events import Malformed
from dragoman.protocol.realtime.events import (
    AudioDelta,
    Error,
    ErrorBody,
    SessionFinish,
    SessionFinished,
    SessionUpdate,
)
from dragoman.protocol.registry import APIS, REALTIME_PATH, SYNTHESIS
from dragoman.protocol.synthesis import events as tts

CODEC = SYNTHESIS.codec


@pytest.mark.parametrize(
    ("frame", "event"),
    [
        ('{"type":"session.finish"}', SessionFinish()),
        ('{"type":"session.finish","event_id":7,"more":[1]}', SessionFinish(event_id=7)),
        (
            '{"text":"hi","type":"input_text_buffer.append","event_id":"e"}',
            tts.TextAppend(text="hi", event_id="e"),
        ),
        ('{"type":"session.update","session":{}}', SessionUpdate(session={})),
        # What only the tolerant path takes: a lone half, a raw line break inside a string.
        ('{"type":"input_text_buffer.append","text":"\\ud83d"}', tts.TextAppend(text="\ud83d")),
        ('{"type":"input_text_buffer.append","text":"a\nb"}', tts.TextAppend(text="a\nb")),
    ],
)
def test_good_frames(frame: str, event: object):
    assert CODEC.decode(frame) == event


@pytest.mark.parametrize(
    ("frame", "param", "event_id", "part"),
    [
        ("", "", None, "JSON"),
        ("{", "", None, "JSON"),
        ("nonsense", "", None, "JSON"),
        ('{"type":"session.update","session":{"x":NaN}}', "", None, "JSON"),
        ("[" * 20_000, "", None, "JSON"),
        ('{"type":"session.update","session":' + '{"a":' * 40_000, "", None, "JSON"),
        ("[1]", "", None, "object"),
        ('"text"', "", None, "object"),
        ("null", "", None, "object"),
        ('{"event_id":"e"}', "type", "e", "'type'"),
        ('{"type":null,"event_id":"e"}', "type", "e", "'type'"),
        ('{"type":3,"event_id":"e"}', "type", "e", "invalid event type '3'"),
        ('{"type":["session.finish"]}', "type", None, "invalid event type"),
        ('{"type":"nope","event_id":"e"}', "type", "e", "invalid event type 'nope'"),
        ('{"type":"input_text_buffer.append","event_id":"e"}', "text", "e", "'text'"),
        (
            '{"type":"input_text_buffer.append","event_id":"e","text":7}',
            "text",
            "e",
            "Invalid value: '7'. Supported values are: a string.",
        ),
        ('{"type":"input_text_buffer.append","text":null}', "text", None, "a string"),
        ('{"type":"session.update"}', "session", None, "'session'"),
        ('{"type":"session.update","session":[]}', "session", None, "a JSON object"),
        ('{"type":"nope","event_id":{"not":"a string"}}', "type", None, "nope"),
        ('{"type":"nope","event_id":"' + "x" * 300 + '"}', "type", None, "nope"),
    ],
)
def test_bad_frames(frame: str, param: str, event_id: str | None, part: str):
    found = CODEC.decode(frame)
    assert isinstance(found, Malformed)
    assert (found.code, found.param, found.event_id) == ("invalid_value", param, event_id)
    assert part in found.message
    assert len(found.message) < 200


def test_binary_frames_are_refused():
    found = CODEC.decode(b'{"type":"session.finish"}')
    assert isinstance(found, Malformed)
    assert "JSON text frames" in found.message


@pytest.mark.parametrize(
    "frame",
    [
        '{"type":"x","a":[' + "1," * 60_000 + "1]}",
        '{"type":"session.update","session":{"a":[' + "[]," * 60_000 + "[]]}}",
        '{"type":"input_text_buffer.append","text":1,"a":[' + "{}," * 60_000 + "{}]}",
    ],
    ids=["unknown type", "settings", "wrong type beside it"],
)
def test_a_frame_of_too_many_values_is_not_read(frame: str):
    refusal = CODEC.decode(frame)
    assert isinstance(refusal, Malformed)
    assert refusal.message == "An event may hold at most 50000 values."


def test_a_long_text_is_not_many_values():
    text = "Sing, goddess, of the wrath [of Achilles], " * 5000
    event = CODEC.decode(json.dumps({"type": "input_text_buffer.append", "text": text}))
    assert event == tts.TextAppend(text=text)


def test_a_lone_half_in_an_id_cannot_break_the_answer():
    found = CODEC.decode('{"type":"no\\ud83dpe","event_id":"\\ud83d"}')
    assert isinstance(found, Malformed)
    body = ErrorBody(
        type="invalid_request_error", code="c", message=found.message, event_id=found.event_id or ""
    )
    answer = json.loads(CODEC.encode(Error(error=body), "event_1"))
    assert answer["error"]["event_id"] == "\N{REPLACEMENT CHARACTER}"


def test_frames_go_out_compact_with_the_id_first():
    assert CODEC.encode(SessionFinished(), "event_1") == (
        '{"event_id":"event_1","type":"session.finished"}'
    )
    assert CODEC.encode(tts.TextCommitted(), "event_2") == (
        '{"event_id":"event_2","type":"input_text_buffer.committed","item_id":""}'
    )


def test_the_audio_template_equals_the_general_encoder():
    event = AudioDelta(response_id="resp_1", item_id="item_1", delta=bytes(range(256)) * 3)
    frame = CODEC.encode(event, "event_1")
    general = msgspec.json.encode(event).decode()
    assert frame == '{"event_id":"event_1",' + general[1:]
    assert base64.b64decode(json.loads(frame)["delta"], validate=True) == event.delta


DATA = bytes(range(256)) + b"\xff\xfe\xfd\xfc"
STANDARD = base64.b64encode(DATA).decode()


@pytest.mark.parametrize(
    "text",
    [
        STANDARD,
        STANDARD.rstrip("="),
        base64.urlsafe_b64encode(DATA).decode(),
        base64.urlsafe_b64encode(DATA).decode().rstrip("="),
        base64.encodebytes(DATA).decode(),
        " " + STANDARD + "\r\n",
    ],
)
def test_base64_of_real_clients(text: str):
    assert base64_bytes(text) == DATA


@pytest.mark.parametrize("text", ["!", "a", "abcde", "ab*d", "a=bc", "ä", "\ud83d", "data:x,AAAA"])
def test_what_is_no_base64(text: str):
    with pytest.raises(ValueError):
        base64_bytes(text)


def test_no_base64_is_no_bytes():
    assert base64_bytes("") == b""


REALTIME = [api for api in APIS if REALTIME_PATH in api.paths]


@pytest.mark.parametrize("api", REALTIME, ids=lambda api: api.label)
def test_all_realtime_apis_share_finish(api):
    assert api.codec.decode('{"type":"session.finish"}') == SessionFinish()


def test_an_api_may_have_no_event_ids():
    codec = Codec((SessionFinish,), (SessionFinished,), has_event_ids=False)
    assert codec.encode(SessionFinished(), "event_7") == '{"type":"session.finished"}'
    assert codec.read('{"type":"session.finished"}') == SessionFinished()


def test_what_the_server_sends_can_be_read():
    pcm = bytes(range(12))
    delta = AudioDelta(response_id="resp_1", item_id="item_1", delta=pcm)
    read = CODEC.read(CODEC.encode(delta, "event_7"))
    assert read == msgspec.structs.replace(delta, event_id="event_7")
    assert read.delta == pcm


def test_an_event_of_another_kind_is_passed_over_and_nonsense_is_not():
    assert CODEC.read('{"type":"rate_limits.updated","event_id":"e"}') is None
    for frame in ("nonsense", "[1]", '{"type":7}', '{"type":"response.done","event_id":"e"}'):
        with pytest.raises(Unreadable):
            CODEC.read(frame)


def test_what_a_client_writes_is_decoded_as_it_was():
    for event in (tts.TextAppend(text="\ud83d"), SessionUpdate(session={"a": [1]}, event_id="e")):
        assert CODEC.decode(CODEC.write(event)) == event
