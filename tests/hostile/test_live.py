"""Hostile text through a real server with the embedded engines, as clients send it.

The laws: a session outlives every text; every text is answered; what is markup to somebody is
read out or dropped, never obeyed; nothing takes long, for this session or another.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Iterator

import pytest

from dragoman.testing.live_server import LiveServer, serve
from tests.hostile.hostile_client import MODEL, children, hostile_session, resident_mib
from tests.hostile.random_texts import clusters, mixed_texts
from tests.server.raw_websocket import handshake

pytestmark = pytest.mark.anyio
LONGEST_WORD_S = 90  # of sound for a word of any length
MODES = ["commit", "server_commit"]

SPOKEN = {
    "letters": "x" * 5000,
    "digits": "7" * 5000,
    "grouped digits": ",".join(["999"] * 1250),
    "hyphens": "-x" * 2500,
    "abbreviations": "Dr. " * 30,
    "combining": clusters("heap", 1000),
    "control": "one\x00\x01\x07\x08\x0b\x1b\x7f\x9ftwo",
    "bidi": "\u202eone \u2066two\u2069 \u202cthree\u200f",
    "rtl": "one שלום two مرحبا three",
    "joiners": "o\u200bn\u200de two\u2060 thr\u200cee",
    "bom": "\ufeffone\ufeff two",
    "nobody's": "one \ue000\U0010ffff\ufffe\uffff\u0378 two",
    "variations": "one\ufe0f \U000e0101two",
    "zalgo": clusters("one two", 300),
    "entities": "&lt;speak&gt;one&lt;/speak&gt; &#0; &amp;",
    "ansi": "\x1b[31;1mone\x1b[0m\x1b]0;title\x07 two",
    "quotes": '"' * 10_000 + "one",
    "brackets": "(" * 10_000 + "one" + ")" * 10_000,
    "nested": "([{<" * 2500 + "one",
    "cdata": "<![CDATA[ one ]]> <!-- two --> <?xml?>",
}
SILENT = {
    "spaces": " " * 5000,
    "lines": "\n\r\t\u2028\u2029\u3000\xa0" * 300,
    "zero width": "\u200b\u200c\u200d\u2060\ufeff" * 300,
    "punctuation": "?!.,;:…" * 500,
    "emoji": "😀🎉👍🏽👨\u200d👩\u200d👧🇩🇪" * 100,
    "controls": "\x00\x01\x1b" * 500,
    "halves": "\ud83d" * 500,
    "marks": "\u0301\u0323" * 500,
}


@pytest.mark.parametrize("mode", MODES)
async def test_every_text_is_answered_and_the_session_lives(
    embedded_server: LiveServer, mode: str
) -> None:
    workers = set(children(embedded_server.process.pid))
    async with hostile_session(embedded_server, mode) as session:
        for name, text in SPOKEN.items():
            heard = await session.say(text, pieces=1 + len(name) % 3)
            assert set(heard.statuses) == {"completed"}, name
            assert not heard.errors, name
            assert 0.2 < heard.seconds < LONGEST_WORD_S, name
            assert heard.wall_s < 15, name
        await session.assert_usable()
    assert set(children(embedded_server.process.pid)) >= workers, "no worker had to be replaced"


@pytest.mark.parametrize("mode", MODES)
async def test_text_without_words_gets_no_audio(embedded_server: LiveServer, mode: str) -> None:
    async with hostile_session(embedded_server, mode) as session:
        for name, text in SILENT.items():
            heard = await session.say(text, pieces=2)
            if mode == "commit" and not text.strip():
                assert [error["code"] for error in heard.errors] == ["invalid_value"], name
                assert "empty" in heard.errors[0]["message"]
                await session.send("input_text_buffer.clear")
                await session.until("input_text_buffer.cleared")
            else:
                assert not heard.errors, name
                assert heard.statuses in ([], ["completed"]), name
                assert mode != "commit" or heard.statuses, name
            assert heard.seconds < 0.1, name
        await session.assert_usable()


TWINS = [
    ("pause", 'one <break time="10s"/> two', 'one <break time="1s"/> two'),
    ("pace", '<prosody rate="10%">one two</prosody>', '<prosody rate="90%">one two</prosody>'),
    ("phonemes", "one [[_:_:_:_:_:_:_:_:]] two", "one [_:_:_:_:_:_:_:_:] two"),
    ("command", "\x0120Sone two three", "20Sone two three"),
]  # fmt: skip


@pytest.mark.parametrize("language", ["English", "Spanish", "Chinese"])
async def test_markup_is_never_obeyed(embedded_server: LiveServer, language: str) -> None:
    """flite speaks English, espeak the others; the Chinese has syllables sent as phonemes."""
    before = "兄弟。" if language == "Chinese" else ""
    async with hostile_session(embedded_server, "commit", language) as session:
        for name, hostile, harmless in TWINS:
            heard = await session.say(f"<speak>{before}{hostile}</speak>")
            meant = await session.say(f"<speak>{before}{harmless}</speak>")
            assert heard.statuses == meant.statuses == ["completed"], name
            assert heard.seconds == pytest.approx(meant.seconds, rel=0.2, abs=0.5), name
            assert heard.seconds < 9, name
        await session.assert_usable()


@pytest.mark.parametrize("mode", MODES)
async def test_the_halves_of_a_surrogate_pair_are_joined(
    embedded_server: LiveServer, mode: str
) -> None:
    async with hostile_session(embedded_server, mode) as session:
        cut = "one \ud83d", "\ude00 two"
        for piece in cut:
            await session.append(piece)
        together = await session.say("")
        at_once = await session.say("one 😀 two")
        assert together.statuses == at_once.statuses == ["completed"]
        assert together.characters == at_once.characters == len("one 😀 two")
        assert together.seconds == pytest.approx(at_once.seconds, rel=0.1, abs=0.2)
        alone = await session.say("one \ud83d two \ude00")
        assert alone.statuses == ["completed"]
        assert alone.characters == len("one ? two ?")
        await session.assert_usable()


async def test_random_texts(embedded_server: LiveServer) -> None:
    """Every text is answered, and completed unless no voice can read it."""
    before_mib = resident_mib(embedded_server.process.pid)
    async with hostile_session(embedded_server, "commit", "Auto") as session:
        for text in mixed_texts(60, 50, seed=9):
            heard = await session.say(text or "x")
            if heard.errors:
                assert heard.errors[0]["code"] == "invalid_value", ascii(text)
                if "empty" not in heard.errors[0]["message"]:  # kanji that no voice reads
                    await session.until("response.done")
                continue
            assert heard.statuses == ["completed"], ascii(text)
        await session.send("input_text_buffer.clear")
        await session.until("input_text_buffer.cleared")
        await session.assert_usable()
    assert resident_mib(embedded_server.process.pid) < before_mib + 150


# ---------------------------------------------------------------- size, with scripted engines
@pytest.fixture(scope="module")
def generous() -> Iterator[LiveServer]:
    """A server that takes a megabyte at once."""
    limits = {
        "text_append_chars": 1_200_000,
        "text_buffer_chars": 3_000_000,
        "frame_bytes": 16_000_000,
    }
    with serve(engines="scripted", limits=limits) as live:
        yield live


HUGE = {
    "a word": "x" * 1_000_000,
    "digits": "7" * 1_000_000,
    "spaces": " " * 1_000_000,
    "sentences": "One. " * 200_000,
    "no stop": "word " * 200_000,
    "brackets": "(" * 1_000_000,
    "combining": "e" + "\u0301" * 999_999,
    "ideographs": "今" * 1_000_000,
    "halves": "\ud83d" * 1_000_000,
    "marks": "**_`" * 250_000,
    "lines": "\n" * 1_000_000,
}


async def test_a_megabyte_is_refused_by_default_and_nothing_is_lost(
    scripted_server: LiveServer,
) -> None:
    async with hostile_session(scripted_server, "commit") as session:
        await session.append("Before. ")
        await session.append("x" * 1_000_000)
        heard = await session.say("After.")
        (error,) = heard.errors
        assert (error["type"], error["code"], error["param"]) == (
            "invalid_request_error", "invalid_value", "text",
        )  # fmt: skip
        assert "1000000 characters" in error["message"]
        assert "200000" in error["message"]
        spoken = await session.until("response.done")
        assert spoken.statuses == ["completed"]
        assert spoken.characters == len("Before. After.")


@pytest.mark.live
@pytest.mark.parametrize("mode", MODES)
async def test_a_megabyte_does_not_delay_other_sessions(generous: LiveServer, mode: str) -> None:
    before_mib = resident_mib(generous.process.pid)
    async with hostile_session(generous, mode) as big, hostile_session(generous, "commit") as other:
        for name, text in HUGE.items():
            await big.append(text)
            if mode == "commit":
                await big.send("input_text_buffer.commit")
            latest = 0.0
            for _ in range(4):
                heard = await other.say("Still there?")
                assert heard.statuses == ["completed"]
                latest = max(latest, heard.first_s)
            assert latest < 1.0, name
            await big.send("response.cancel")
            if mode == "commit":
                await big.send("input_text_buffer.clear")
            else:
                await big.send("session.finish")
            ended = await big.until("input_text_buffer.cleared", "session.finished")
            if mode == "commit" and name in {"sentences", "no stop", "ideographs"}:
                assert ended.statuses == ["incomplete"], name
        await big.assert_usable()
    assert resident_mib(generous.process.pid) < before_mib + 150


@pytest.mark.live
@pytest.mark.parametrize("mode", MODES)
async def test_tiny_appends_without_end(generous: LiveServer, mode: str) -> None:
    """20,000 appends: empty ones are ignored, the others make one text."""
    empty = json.dumps({"type": "input_text_buffer.append", "text": ""})
    tiny = json.dumps({"type": "input_text_buffer.append", "text": "\u200b"})
    before_mib = resident_mib(generous.process.pid)
    async with (
        hostile_session(generous, mode) as session,
        hostile_session(generous, "commit") as other,
    ):

        async def flood() -> None:
            for _ in range(10_000):
                await session.socket.send(empty)
                await session.socket.send(tiny)

        flooding = asyncio.create_task(flood())
        latest = 0.0
        while not flooding.done():
            latest = max(latest, (await other.say("Still there?")).first_s)
        await flooding
        assert latest < 1.0
        heard = await session.say("Well.")
        assert heard.statuses == ["completed"]
        assert heard.characters == 10_000 + len("Well.")
    assert resident_mib(generous.process.pid) < before_mib + 50


# ---------------------------------------------------------------- frames
async def test_frames_that_are_no_events_are_answered(scripted_server: LiveServer) -> None:
    async with hostile_session(scripted_server, "commit") as session:
        deep = '{"type":"session.update","session":' + '{"a":' * 100_000 + "1" + "}" * 100_001
        for frame in (
            b'{"type":"session.finish"}',
            b"\x00\xff",
            "",
            "{",
            "\x00",
            '{"type":"session.finish","type":"nope"}',
            '{"type":"session.update","session":{"volume":' + "9" * 100_000 + "}}",
            '{"type":"session.update","session":{"volume":1e999}}',
            '{"type":"session.update","session":{"speech_rate":NaN}}',
            deep,
            "[" * 1_000_000,
            '{"type":"\\ud800"}',
        ):
            await session.socket.send(frame)
            heard = await session.until("error")
            assert heard.errors[0]["type"] == "invalid_request_error", frame[:40]
            assert len(heard.errors[0]["message"]) < 400
        await session.assert_usable()


@pytest.mark.parametrize(
    "payload",
    [
        b'{"type":"input_text_buffer.append","text":"\xff"}',
        b'{"type":"input_text_buffer.append","text":"\xed\xa0\xbd"}',
        b'{"type":"input_text_buffer.append","text":"\xc0\x80"}',
        b'{"type":"input_text_buffer.append","text":"\xf4\x90\x80\x80"}',
        b"\xf0\x9f\x98",
    ],
    ids=["byte", "surrogate", "overlong", "beyond", "cut off"],
)
def test_text_frames_that_are_no_utf_8_close_the_connection(
    scripted_server: LiveServer, payload: bytes
) -> None:
    """RFC 6455, 8.1: close code 1007."""
    socket = handshake(scripted_server.port, query=f"?model={MODEL}")
    with socket:
        socket.sendall(struct.pack("!BB4x", 0x81, 0x80 | len(payload)) + payload)
        received = b""
        while chunk := socket.recv(4096):
            received += chunk
    assert struct.pack("!H", 1007) in received[received.rindex(b"\x88") :]
