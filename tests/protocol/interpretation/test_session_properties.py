"""The interpretation session against every client and every engine that hypothesis can think of.

The engine of this model works on several turns at once and reports in any order. Everything it
says carries the number of its turn: words ``w3``, target words ``t3``, samples of the value 3.
So each text and each byte that reaches the client can be traced to the turn it came from.
Order and grammar of the whole log are judged by the strict clients of ``tests.conformance``.
"""

import base64
import json
import struct

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from dragoman import speech
from dragoman.protocol.core.commands import (
    Close,
    End,
    Ended,
    Failed,
    Note,
    Output,
    Push,
    Send,
    Start,
    Used,
)
from dragoman.protocol.core.events import Ids
from dragoman.protocol.core.session import Limits
from dragoman.protocol.registry import INTERPRETATION, lookup, make_session
from dragoman.testing.validators.interpretation import validate_interpretation

CODEC = INTERPRETATION.codec
ANY = speech.Coverage(
    hears=frozenset({"*"}), pairs=frozenset({("*", "*")}), speaks=frozenset({"*"})
)
JPEG = b"\xff\xd8\xff\xc0\x00\x0b\x08" + struct.pack(">HH", 48, 64) + b"\x01\x01\x11\x00"

GOOD_UPDATES = [
    {"translation": {"language": "es"}},
    {"translation": {"language": "fr", "corpus": {"phrases": {"a": "b"}}}, "voice": "default"},
    {"modalities": ["text"]},
    {"modalities": ["audio", "text"], "unknown": {"x": 1}},
    {"output_modalities": ["text"], "voice": None},
    {"turn_detection": None},
    {"turn_detection": {"type": "server_vad", "silence_duration_ms": 500}},
    {"audio": {"output": {"voice": "default"}}},
]
BAD_UPDATES = [
    {"modalities": ["audio"]},
    {"translation": {"language": "klingon"}, "modalities": ["text"]},
    {"voice": 5},
    {"input_audio_format": "flac"},
]
NONSENSE = ["", "{", "[]", '{"type":"nope","event_id":"n1"}', '{"type":"session.update"}']


class Turn:
    """A turn of the model's engine."""

    def __init__(self, number, start_ms, modalities):
        self.number, self.start_ms, self.modalities = number, start_ms, modalities
        self.source_words, self.target_words, self.pcm = 0, 0, b""
        self.last_source, self.last_target = "", ""
        self.stopped = self.source_final = self.target_final = self.done = False
        self.status = "completed"


class Conversation(RuleBasedStateMachine):
    model = "qwen3.5-livetranslate-flash-realtime"

    @initialize(strict=st.booleans(), transcribes=st.sampled_from([None, True, False]))
    def connect(self, strict, transcribes):
        self.strict = strict
        self.session = make_session(lookup(self.model), Ids("n" * 15), Limits(), ANY, strict=strict)
        self.now, self.log, self.count = 0.0, [], 0
        self.job = None
        self.job_ended = self.job_over = self.finished = self.dead = self.failed = False
        self.engine_task = None
        self.engine_audio_ms = self.engine_samples = 0
        self.fed_since_end = False
        self.owed = []  # commits the engine has not opened: (start_ms, modalities)
        self.turns = []
        self.modalities = ("text", "audio")
        self.manual = False
        self.held_bytes = 0  # what waits for a commit, by the model
        self.sent_bytes = self.got_bytes = b""
        self.asr_off = False
        self.step(self.session.open(self.now))
        if transcribes is not None:
            value = {"model": "qwen3-asr-flash-realtime"} if transcribes else None
            patch = {"input_audio_transcription": value, "translation": {"language": "en"}}
            self.client("session.update", session=patch)
            self.asr_off = not transcribes and "qwen3.8" not in self.model
        elif self.model.startswith("qwen3-"):
            self.asr_off = True

    # ------------------------------------------------------------ plumbing
    def step(self, commands):
        for command in commands:
            match command:
                case Send(event=event, event_id=event_id):
                    assert not self.dead
                    self.log.append(("<", json.loads(CODEC.encode(event, event_id))))
                case Start(job=job, task=task):
                    assert self.job is None
                    self.job, self.engine_task = job, task
                case Push(job=job, item=item):
                    assert job == self.job
                    assert not self.job_ended
                    self.take(item)
                case End(job=job):
                    assert job == self.job
                    assert not self.job_ended
                    self.job_ended = True
                case Close():
                    self.dead = True
                case Note() | Used():
                    pass
                case _:
                    raise AssertionError(command)

    def take(self, item):
        match item:
            case speech.Audio(pcm=pcm):
                assert pcm
                assert len(pcm) % 2 == 0
                self.got_bytes += pcm
                self.engine_samples += len(pcm) // 2
                self.fed_since_end = True
            case speech.Interpret():
                self.engine_task = item
            case speech.EndTurn():
                if self.engine_task.endpointing is None:
                    assert self.fed_since_end, "an empty commit reached the engine"
                    self.owed.append((self.commit_ms, self.modalities))
                self.fed_since_end = False
            case speech.Image(data=data):
                assert data == JPEG

    def client(self, kind, **fields):
        self.count += 1
        event = {"type": kind, "event_id": f"c{self.count}", **fields}
        self.log.append((">", event))
        before = len(self.log)
        self.step(self.session.receive(CODEC.decode(json.dumps(event)), self.now))
        errors = [e for d, e in self.log[before:] if d == "<" and e["type"] == "error"]
        for error in errors:
            assert error["error"]["event_id"] == event["event_id"]
            assert error["error"]["type"] == "invalid_request_error"
        return not errors

    def report(self, item):
        self.step(self.session.report(Output(self.job, item), self.now))
        if self.strict and isinstance(item, speech.TurnDone) and self.session.closed:
            self.failed = True

    @property
    def alive(self):
        return not self.dead

    @property
    def working(self):
        return self.alive and self.job is not None and not self.job_over

    # ------------------------------------------------------------ the client
    @precondition(lambda self: self.alive)
    @rule(patch=st.sampled_from(GOOD_UPDATES))
    def update(self, patch):
        if "qwen3.8" in self.model and self.strict:
            patch = {"translation": {"language": "de"}, **patch}
        held = self.held_bytes
        was_manual = self.manual
        if not self.finished and "turn_detection" in patch:
            self.manual = patch["turn_detection"] is None
        if not self.finished and was_manual and not self.manual:
            self.held_bytes = 0
        assert self.client("session.update", session=patch)
        for name in ("modalities", "output_modalities"):
            if name in patch and not self.finished:
                self.modalities = ("text", "audio") if "audio" in patch[name] else ("text",)
        if held and was_manual and not self.manual:
            assert self.got_bytes == self.whole(self.sent_bytes)

    @precondition(lambda self: self.alive)
    @rule(pieces=st.lists(st.binary(max_size=7), max_size=3), commit=st.booleans())
    def talk(self, pieces, commit):
        for piece in pieces:
            self.append(piece)
        if commit and self.manual:
            self.commit("input_audio_buffer.commit")

    def append(self, data):
        if not self.finished:
            self.sent_bytes += data
            if self.manual:
                self.held_bytes = self.uncommitted()
        assert self.client("input_audio_buffer.append", audio=base64.b64encode(data).decode())
        if not self.finished and not self.manual:
            assert self.got_bytes == self.whole(self.sent_bytes)

    def whole(self, data):
        return data[: len(data) // 2 * 2]

    def uncommitted(self):
        return len(self.whole(self.sent_bytes)) - len(self.got_bytes)

    def commit_or_create(self, draw):
        self.commit(draw(st.sampled_from(["input_audio_buffer.commit", "response.create"])))

    def commit(self, kind):
        self.commit_ms = self.engine_samples * 1000 // 16_000
        waiting = self.manual and self.uncommitted() > 0
        went_well = self.client(kind)
        if self.finished or kind == "response.create":
            assert went_well
        elif self.manual:
            assert went_well is waiting
        else:
            assert went_well is ("qwen3.8" in self.model)
        if waiting and not self.finished:
            assert self.got_bytes == self.whole(self.sent_bytes)
            self.held_bytes = 0

    def clear(self, draw):
        assert self.client("input_audio_buffer.clear")
        if not self.finished:
            self.sent_bytes = self.got_bytes
            self.held_bytes = 0

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def noise(self, data):
        data.draw(st.sampled_from(self.NOISES))(self, data.draw)

    def unneeded(self, draw):
        assert self.client(draw(st.sampled_from(["response.cancel", "conversation.item.create"])))

    def nonsense(self, draw):
        if self.finished:
            return
        before = len(self.log)
        frame = draw(st.sampled_from(NONSENSE))
        self.step(self.session.receive(CODEC.decode(frame), self.now))
        assert [e["type"] for _, e in self.log[before:]] == ["error"]
        self.log[before][1]["error"].pop("event_id", None)  # its client event is not in the log

    def bad_update(self, draw):
        before = self.session.settings
        patch = draw(st.sampled_from(BAD_UPDATES))
        assert self.client("session.update", session=patch) is self.finished
        assert self.session.settings == before

    def image(self, draw):
        data = draw(st.sampled_from([JPEG, b"GIF89a", b""]))
        self.client("input_image_buffer.append", image=base64.b64encode(data).decode())

    def time_passes(self, draw):
        self.now += draw(st.sampled_from([0.1, 1.0]))
        self.step(self.session.tick(self.now))

    def stale_report(self, draw):
        if self.job is None:
            return
        before = len(self.log)
        for report in (
            Output(self.job + 1, speech.Voiced(b"\x63\x00" * 9, 1)),
            Output(self.job, speech.Heard(99, "w99")),
            Output(self.job, speech.Said()),
            Ended(self.job + 1),
        ):
            self.step(self.session.report(report, self.now))
        assert len(self.log) == before

    NOISES = (
        commit_or_create,
        clear,
        unneeded,
        nonsense,
        bad_update,
        image,
        time_passes,
        stale_report,
    )

    def finish(self):
        self.commit_ms = self.engine_samples * 1000 // 16_000
        self.client("session.finish")
        self.finished = True

    @precondition(lambda self: self.alive)
    @rule(seconds=st.sampled_from([0.1, 1.0]))
    def time_passes(self, seconds):
        self.now += seconds
        self.step(self.session.tick(self.now))

    # ------------------------------------------------------------ the engine
    def media_ms(self):
        ends = [turn.stop_ms for turn in self.turns if turn.stopped]
        return max([self.engine_samples * 1000 // 16_000, *ends])

    def can_open(self):
        if not self.working or any(not turn.stopped for turn in self.turns):
            return False
        return bool(self.owed) or (self.engine_samples and not self.manual)

    @precondition(lambda self: self.working)
    @rule(data=st.data())
    def engine_works_more(self, data):
        self.engine_works(data)  # half of all that happens should be this

    @precondition(lambda self: self.working)
    @rule(data=st.data())
    def engine_works(self, data):
        for act in data.draw(st.lists(st.sampled_from(self.ACTS), min_size=1, max_size=16)):
            if self.working:
                act(self, data.draw)

    def engine_opens(self, draw=None):
        if not self.can_open():
            return
        start_ms, modalities = self.owed.pop(0) if self.owed else (self.media_ms(), self.modalities)
        turn = Turn(len(self.turns) + 1, start_ms, modalities)
        self.turns.append(turn)
        self.report(speech.SpeechStarted(turn.number, turn.start_ms))

    def open_turns(self):
        return [turn for turn in self.turns if not turn.done]

    def some_turn(self, draw):
        return draw(st.sampled_from(self.open_turns())) if self.open_turns() else None

    def engine_recognises(self, draw):
        turn = self.some_turn(draw)
        if turn is None or turn.source_final:
            return
        turn.source_words += draw(st.integers(0, 2))
        turn.source_final = draw(st.booleans())
        turn.last_source = " ".join([f"w{turn.number}"] * turn.source_words)
        tail = "" if turn.source_final else draw(st.sampled_from(["", f" w{turn.number}?"]))
        self.report(speech.Heard(turn.number, turn.last_source, tail, turn.source_final, "en"))

    def engine_translates(self, draw):
        turn = self.some_turn(draw)
        if turn is None or turn.target_final:
            return
        turn.target_words += draw(st.integers(0, 2))
        turn.target_final = draw(st.booleans())
        turn.last_target = " ".join([f"t{turn.number}"] * turn.target_words)
        tail = "" if turn.target_final else draw(st.sampled_from(["", f" t{turn.number}?"]))
        self.report(speech.Translated(turn.number, turn.last_target, tail, turn.target_final))

    def engine_speaks(self, draw):
        turn = self.some_turn(draw)
        if turn is None:
            return
        pcm = struct.pack("<h", turn.number) * draw(
            st.sampled_from([0, 1, 7, 479, 480, 7200, 20_001])
        )
        turn.pcm += pcm
        self.report(speech.Voiced(pcm, turn.number))

    def engine_stops_a_turn(self, draw):
        turn = next((turn for turn in self.turns if not turn.stopped), None)
        if turn is not None:
            turn.stopped = True
            turn.stop_ms = turn.start_ms + draw(st.integers(0, 30_000))
            self.report(speech.SpeechStopped(turn.number, turn.stop_ms))

    def engine_is_done(self, draw):
        ready = [turn for turn in self.open_turns() if turn.stopped]
        if ready:
            turn = draw(st.sampled_from(ready))
            turn.done = True
            turn.status = draw(st.sampled_from(["completed"] * 4 + ["failed"]))
            self.report(speech.TurnDone(turn.number, turn.stop_ms - turn.start_ms, turn.status))

    ACTS = (
        engine_opens,
        engine_recognises,
        engine_translates,
        engine_speaks,
        engine_stops_a_turn,
        engine_is_done,
    )

    @precondition(lambda self: self.alive)
    @rule(luck=st.integers(0, 40))
    def fate(self, luck):
        if luck in (7, 8):  # hypothesis likes the ends of a range too much
            self.finish()
        if luck == 9 and self.working:
            self.job_over = self.failed = True
            self.step(self.session.report(Failed(self.job, "secret"), self.now))
            assert self.session.closed

    @precondition(lambda self: self.dead)
    @rule()
    def nobody_answers_after_the_end(self):
        event = CODEC.decode('{"type":"input_audio_buffer.clear"}')
        assert self.session.receive(event, self.now) == []
        assert self.session.report(Ended(self.job or 1), self.now) == []
        assert self.session.deadline() is None

    # ------------------------------------------------------------ what must hold
    @invariant()
    def never_two_errors_for_nothing(self):
        kinds = [event["type"] for direction, event in self.log if direction == "<"]
        assert kinds[:1] == ["session.created"]
        assert kinds.count("session.finished") <= 1
        assert "secret" not in json.dumps([e for d, e in self.log if d == "<"])

    def teardown(self):
        if not hasattr(self, "session"):
            return
        if self.alive and not self.finished:
            self.finish()
        self.run_down()
        if not self.failed:
            assert self.log[-1][1]["type"] == "session.finished" or self.finished
            assert "session.finished" in [event["type"] for _, event in self.log]
        else:
            assert self.log[-1][1]["type"] == "error"
            assert self.session.closed
        validate_interpretation(self.log, model=self.model, errors=True, failures=True)
        self.check_turns()

    def run_down(self):
        while self.working and (self.can_open_owed() or self.open_turns()):
            if self.can_open_owed():
                self.engine_opens()
            for turn in self.open_turns():
                if not turn.stopped:
                    turn.stopped, turn.stop_ms = True, turn.start_ms + 10
                    self.report(speech.SpeechStopped(turn.number, turn.stop_ms))
                turn.done = True
                self.report(speech.TurnDone(turn.number, 10))
        if self.working:
            assert self.job_ended
            self.job_over = True
            self.step(self.session.report(Ended(self.job), self.now))

    def can_open_owed(self):
        return bool(self.owed) and all(turn.stopped for turn in self.turns)

    def check_turns(self):
        """Responses come in the order of turns, each with the words and bytes of its turn."""
        transcripts, translations, audio, order, modalities = {}, {}, {}, [], {}
        source_of, sources = {}, []
        for direction, event in self.log:
            if direction == ">":
                continue
            match event["type"]:
                case "conversation.item.created":
                    if event["item"]["content"]:
                        sources.append(event["item"]["id"])
                    else:
                        source_of[event["item"]["id"]] = event["previous_item_id"]
                case "response.created":
                    modalities[event["response"]["id"]] = event["response"]["modalities"]
                case "conversation.item.input_audio_transcription.completed":
                    transcripts[event["item_id"]] = event["transcript"]
                case "response.audio.delta":
                    key = event["item_id"]
                    audio[key] = audio.get(key, b"") + base64.b64decode(event["delta"])
                case "response.done":
                    item = event["response"]["output"][0]
                    content = item["content"][0]
                    translations[item["id"]] = content.get("transcript", content.get("text"))
                    order.append((item["id"], event["response"]))
        turns = {source: self.turns[at] for at, source in enumerate(sources)}
        for source, text in transcripts.items():
            turn = turns[source]
            assert text == turn.last_source
            assert not self.asr_off
        for item, response in order:
            turn = turns[source_of[item]]
            assert tuple(response["modalities"]) == turn.modalities
            assert response["status"] == turn.status or self.failed
            assert translations[item] == turn.last_target or self.failed
            spoken = audio.get(item, b"")
            if "audio" not in turn.modalities:
                assert spoken == b""
            elif not self.failed:
                padding = spoken[len(turn.pcm) :]
                assert spoken[: len(turn.pcm)] == turn.pcm
                assert padding == bytes(len(padding))
                assert len(padding) < 6
        if not self.failed:
            assert len(sources) == len(self.turns)
        numbers = [turns[source_of[item]].number for item, _ in order]
        assert numbers == sorted(numbers)


class Qwen3(Conversation):
    model = "qwen3-livetranslate-flash-realtime"


class Qwen38(Conversation):
    model = "qwen3.8-livetranslate-flash-realtime"


@pytest.mark.parametrize("machine", [Qwen3, Conversation, Qwen38], ids=["3", "3.5", "3.8"])
def test_any_conversation(machine):
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=150,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_facts_of_the_model_cross_a_process_border():
    fact = speech.Heard(1, "w1", " w1?", final=False, language="en")
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(fact), type=speech.Heard) == fact
