"""The recognition session against any client, and any engine that works on its turns in order.

The engine may run ahead: a turn opens as soon as the one before has stopped, its transcript may
come late or fail. Words carry the number of their turn (``w3``). The whole log of events is judged
by the strict client; at the end every commit has its transcript.
"""

import base64
import json

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
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
from dragoman.protocol.registry import RECOGNITION, lookup, make_session
from dragoman.testing.validators.recognition import validate_recognition

MODEL = "qwen3-asr-flash-realtime"
CODEC = RECOGNITION.codec
UPDATES = [
    {"turn_detection": None},
    {"turn_detection": {"type": "server_vad", "silence_duration_ms": 400}},
    {"input_audio_transcription": {"language": "en", "corpus": {"text": "names"}}},
    {"input_audio_transcription": None, "voice": None},
    {"modalities": ["text"], "unknown": [1]},
]
NUISANCES = ["response.create", "response.cancel", "conversation.item.create", "no.such.event"]


class EngineTurn:
    """A turn of the model's engine."""

    def __init__(self, number, start_ms):
        self.number, self.start_ms, self.stop_ms = number, start_ms, None
        self.words, self.is_final = 0, False


class Dictation(RuleBasedStateMachine):
    @initialize()
    def connect(self):
        anything = speech.Coverage(frozenset({"*"}), frozenset(), frozenset())
        self.session = make_session(lookup(MODEL), Ids("n" * 15), Limits(), anything)
        self.now, self.log, self.count = 0.0, [], 0
        self.job = self.task = None
        self.job_ended = self.finished = self.dead = False
        self.pushed = b""
        self.owed = []  # commits that the engine has not opened: media time
        self.turns = []  # not done yet, oldest first
        self.opened = self.last_stop_ms = 0
        self.step(self.session.open(self.now))

    def step(self, commands):
        for command in commands:
            assert not self.dead, "something after close"
            match command:
                case Send(event=event, event_id=event_id):
                    self.log.append(("<", json.loads(CODEC.encode(event, event_id))))
                case Start(job=job, task=task):
                    assert self.job is None
                    assert task.target == ""
                    assert not task.speak
                    self.job, self.task = job, task
                case Push(job=job, item=item):
                    assert (job, self.job_ended) == (self.job, False)
                    self.take(item)
                case End(job=job):
                    assert (job, self.job_ended) == (self.job, False)
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
                self.pushed += pcm
            case speech.Interpret():
                self.task = item
            case speech.EndTurn() if self.task.endpointing is None:
                self.owed.append(self.media_ms())

    def media_ms(self):
        return max(len(self.pushed) // 32, self.last_stop_ms)

    def client(self, kind, **fields):
        self.count += 1
        event = {"type": kind, "event_id": f"c{self.count}", **fields}
        self.log.append((">", event))
        self.step(self.session.receive(CODEC.decode(json.dumps(event)), self.now))

    def report(self, item):
        self.step(self.session.report(Output(self.job, item), self.now))

    # ------------------------------------------------------------ the client
    @precondition(lambda self: not self.dead)
    @rule(patch=st.sampled_from(UPDATES))
    def update(self, patch):
        self.client("session.update", session=patch)

    @precondition(lambda self: not self.dead)
    @rule(data=st.binary(max_size=6400))
    def append(self, data):
        self.client("input_audio_buffer.append", audio=base64.b64encode(data).decode())

    @precondition(lambda self: not self.dead)
    @rule()
    def commit(self):
        self.client("input_audio_buffer.commit")

    @precondition(lambda self: not self.dead)
    @rule(kind=st.sampled_from(NUISANCES))
    def be_a_nuisance(self, kind):
        self.client(kind)

    @precondition(lambda self: not self.dead)
    @rule()
    def clear(self):
        self.client("input_audio_buffer.clear")

    @precondition(lambda self: not self.dead)
    @rule(seconds=st.sampled_from([0.2, 0.9, 1.5, 6.0]))
    def time_passes(self, seconds):
        until = self.now + seconds
        while (at := self.session.deadline()) is not None and at <= until:
            self.now = max(self.now, at)
            self.step(self.session.tick(self.now))
            assert self.dead or self.session.deadline() is None or self.session.deadline() > at
        self.now = until

    @precondition(lambda self: not self.dead)
    @rule(luck=st.integers(0, 25))
    def finish(self, luck):
        if luck == 7:
            self.client("session.finish")
            self.finished = True

    # ------------------------------------------------------------ the engine
    @precondition(lambda self: not self.dead and self.job is not None)
    @rule(acts=st.lists(st.sampled_from("ohhsdd"), min_size=1, max_size=12), luck=st.integers(0, 9))
    def engine_works(self, acts, luck):
        for act in acts:
            if act == "o":
                self.engine_opens()
            elif act == "h":
                self.engine_recognises(luck)
            elif act == "s":
                self.engine_stops(luck)
            else:
                self.engine_ends_a_turn(luck)

    def engine_opens(self):
        if any(turn.stop_ms is None for turn in self.turns):
            return
        if self.owed:
            start_ms = self.owed.pop(0)
        elif self.pushed and self.task.endpointing is not None and not self.job_ended:
            start_ms = self.media_ms()
        else:
            return
        self.opened += 1
        self.turns.append(EngineTurn(self.opened, start_ms))
        self.report(speech.SpeechStarted(self.opened, start_ms))

    def engine_recognises(self, luck):
        for turn in self.turns:
            if not turn.is_final:
                turn.words += luck % 3
                text = " ".join([f"w{turn.number}"] * turn.words)
                turn.is_final = turn.stop_ms is not None and luck > 4
                stash = "" if turn.is_final else " maybe"
                self.report(speech.Heard(turn.number, text, stash, turn.is_final, "en"))
                return

    def engine_stops(self, luck):
        for turn in self.turns:
            if turn.stop_ms is None:
                turn.stop_ms = self.last_stop_ms = turn.start_ms + luck * 100
                self.report(speech.SpeechStopped(turn.number, turn.stop_ms))

    def engine_ends_a_turn(self, luck):
        if self.turns and self.turns[0].stop_ms is not None:
            turn = self.turns.pop(0)
            status = "completed" if turn.is_final or luck < 8 else "failed"
            self.report(speech.TurnDone(turn.number, turn.stop_ms - turn.start_ms, status))

    @precondition(lambda self: not self.dead and self.job is not None)
    @rule(luck=st.integers(0, 60))
    def engine_dies(self, luck):
        if luck == 9:
            self.step(self.session.report(Failed(self.job, "secret"), self.now))
            assert self.dead

    @precondition(lambda self: self.dead)
    @rule()
    def nothing_comes_after_the_end(self):
        assert self.session.receive(CODEC.decode('{"type":"session.finish"}'), self.now) == []
        assert self.session.deadline() is None

    # ------------------------------------------------------------ what must hold
    def teardown(self):
        if not hasattr(self, "session"):
            return
        if not self.dead:
            self.client("session.finish")
            while self.job is not None and (self.owed or self.turns):
                self.engine_opens()
                self.engine_stops(1)
                self.engine_ends_a_turn(1)
            if self.job is not None:
                self.step(self.session.report(Ended(self.job), self.now))
            assert self.log[-1][1]["type"] == "session.finished" or self.finished
        judged = validate_recognition(self.log, model=MODEL, errors=self.dead, failures=True)
        assert judged.is_finished or self.dead
        assert sorted(judged.closed_items) == sorted(judged.items)
        for text in judged.transcripts:
            assert len(set(text.split())) <= 1, "words of two turns in one transcript"


@pytest.mark.parametrize("seed", [0])
def test_dictation(seed):
    run_state_machine_as_test(
        Dictation,
        settings=settings(
            max_examples=120,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
