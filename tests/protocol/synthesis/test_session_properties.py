"""The synthesis session under any client and any engine: what must hold whatever comes.

The machine plays client, engine and clock. Beside the session it keeps a model of the jobs (what
each was given, what each made), and reads the frames as a client would, with one strict reader.
"""

from __future__ import annotations

import base64
import itertools
import json
import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dragoman.protocol.core.commands import (
    Abort,
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
from dragoman.protocol.registry import SYNTHESIS, lookup, make_session
from dragoman.protocol.synthesis.options import SynthesisOptions
from dragoman.speech import Coverage, Said, Say, Voiced

LIMITS = Limits(
    idle_s=600, age_s=3000, text_append_chars=400, text_buffer_chars=900, waiting_responses=3
)
CODEC = SYNTHESIS.codec
TEXT = st.one_of(
    st.text(st.sampled_from(list("ab. !?\n。好“”,\ud83d\ude00")), max_size=30),
    st.sampled_from(["", "Hello. ", "你好。", "One. Two. Three.", "x" * 150 + ". ", "y" * 401]),
)
PATCH = st.fixed_dictionaries(
    {},
    optional={
        "voice": st.sampled_from(["Cherry", "Ethan", "me", 5, None]),
        "mode": st.sampled_from(["commit", "server_commit", "auto"]),
        "sample_rate": st.sampled_from([8000, 24000, 48000, 1]),
        "language_type": st.sampled_from(["Auto", "chinese", "Klingon"]),
        "unknown": st.just([1]),
    },
)
OPENING = ["response.created", "response.output_item.added", "response.content_part.added"]
CLOSING = [
    "response.audio.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.done",
]


class Job:
    """What the machine knows of one job."""

    def __init__(self, response: str):
        self.response = response
        self.given: list[str] = []
        self.voiced = b""
        self.said = 0
        self.ended = False


class Reader:
    """Reads frames as a strict client does."""

    def __init__(self):
        self.ids: set[str] = set()
        self.open: str | None = None
        self.expects: list[str] = []
        self.audio: dict[str, bytes] = {}
        self.done: dict[str, dict] = {}
        self.committed = 0
        self.finished = False
        self.updates = 0
        self.item = ""

    def read(self, frame: str) -> dict:
        event = json.loads(frame)
        assert list(event)[:2] == ["event_id", "type"]
        assert len(frame) <= 128_000
        assert event["event_id"] not in self.ids
        self.ids.add(event["event_id"])
        kind = event["type"]
        if kind.startswith("response."):
            self.finished = False
            self.bracket(kind, event)
        elif kind == "session.finished":
            assert self.open is None
            self.finished = True
        self.committed += kind == "input_text_buffer.committed"
        self.updates += kind == "session.updated"
        return event

    def bracket(self, kind: str, event: dict) -> None:
        if kind == "response.created":
            assert self.open is None, "two responses are open"
            self.open = event["response"]["id"]
            assert self.open not in self.audio
            self.audio[self.open] = b""
            self.expects = OPENING[1:]
            return
        named = event["response"]["id"] if kind == "response.done" else event["response_id"]
        assert named == self.open
        self.track_item(kind, event)
        if kind == "response.audio.delta":
            assert not self.expects
            pcm = base64.b64decode(event["delta"], validate=True)
            assert pcm
            assert len(pcm) % 6 == 0
            assert len(pcm) <= 48_000
            self.audio[named] += pcm
            return
        if not self.expects:
            self.expects = list(CLOSING)
        assert kind == self.expects.pop(0)
        if kind == "response.done":
            self.done[named] = event["response"]
            self.open = None

    def track_item(self, kind: str, event: dict) -> None:
        if kind == "response.output_item.added":
            assert event["item"]["id"] not in self.ids
            self.item = event["item"]["id"]
        found = event.get("item_id") or event.get("item", {}).get("id")
        assert found in (None, self.item)


class SynthesisMachine(RuleBasedStateMachine):
    strict = False
    synthesis = SynthesisOptions()

    def __init__(self):
        super().__init__()
        self.now = 0.0
        self.serial = 0
        self.reader = Reader()
        self.jobs: dict[int, Job] = {}
        self.live: int | None = None
        self.closed = False
        self.accepted = ""  # every character the session took and did not drop, in order
        self.dropped = False
        self.borders = 0  # commits and finishes, and the end of a session that is too old
        self.ends = 0  # of responses that were told to end
        self.session = make_session(
            lookup("qwen3-tts-flash-realtime"),
            Ids("propertytest000"),
            LIMITS,
            Coverage(speaks=frozenset("*")),
            strict=self.strict,
            options=(self.synthesis,),
        )
        events = self.perform(self.session.open(self.now))
        assert [event["type"] for event in events] == ["session.created"]

    # ------------------------------------------------------------ carrying out commands
    def perform(self, commands: list) -> list[dict]:
        assert not self.closed or not commands, "something after close"
        events = []
        for command in commands:
            assert not self.closed, "something after close"
            match command:
                case Send(event=event, event_id=event_id):
                    events.append(self.reader.read(CODEC.encode(event, event_id)))
                case Start(job=job):
                    assert job not in self.jobs
                    assert self.live is None, "two jobs run"
                    assert self.reader.open is not None
                    self.jobs[job] = Job(self.reader.open)
                    self.live = job
                case Push(job=job, item=Say(text=text)):
                    assert job == self.live
                    assert not self.jobs[job].ended
                    assert self.jobs[job].response == self.reader.open
                    assert any(map(str.isalnum, text))
                    self.jobs[job].given.append(text)
                case End(job=job):
                    assert job == self.live
                    self.jobs[job].ended = True
                    self.ends += 1
                case Abort(job=job):
                    assert job == self.live
                    self.live = None
                case Close():
                    self.closed = True
                case Note() | Used():
                    pass
                case _:
                    raise AssertionError(command)
        return events

    def client(self, kind: str, **fields) -> list[dict]:
        self.serial += 1
        event_id = f"e{self.serial}"
        frame = json.dumps({"type": kind, "event_id": event_id, **fields})
        events = self.perform(self.session.receive(CODEC.decode(frame), self.now))
        errors = [event for event in events if event["type"] == "error"]
        assert len(errors) <= 1
        for event in errors:
            assert event["error"]["type"] == "invalid_request_error"
            assert event["error"]["event_id"] == event_id
            assert event["error"]["message"]
        return events

    # ------------------------------------------------------------ the client
    @rule(text=TEXT)
    def append(self, text):
        events = self.client("input_text_buffer.append", text=text)
        if not self.closed and not any(event["type"] == "error" for event in events):
            self.accepted += text
            self.reader.finished = self.reader.finished and not text  # it starts over

    @rule()
    def commit(self):
        before = self.reader.committed
        events = self.client("input_text_buffer.commit")
        if not self.closed:
            errors = [event for event in events if event["type"] == "error"]
            assert (self.reader.committed - before) + len(errors) == 1
            self.borders += not errors

    @rule()
    def clear(self):
        events = self.client("input_text_buffer.clear")
        if any(event["type"] == "input_text_buffer.cleared" for event in events):
            self.dropped = True

    @rule()
    def cancel(self):
        was_open = self.reader.open
        events = self.client("response.cancel")
        if was_open and not self.closed:
            assert self.reader.done[was_open]["status"] == "incomplete"
        else:
            assert events == []
        self.dropped = True

    @rule(patch=PATCH)
    def update(self, patch):
        before = self.reader.updates
        busy = self.reader.open is not None
        events = self.client("session.update", session=patch)
        if not self.closed:
            errors = [event for event in events if event["type"] == "error"]
            assert (self.reader.updates - before) + len(errors) == 1
            self.reader.finished = self.reader.finished and bool(errors)
            assert not (busy and not errors)

    @rule()
    def finish(self):
        self.borders += 1
        self.client("session.finish")
        if not self.closed:
            assert self.reader.open is not None or self.reader.finished or self.reader.done

    @rule(kind=st.sampled_from(["response.create", "", "x" * 500]))
    def unknown_event(self, kind):
        events = self.client(kind)
        assert self.closed or [event["type"] for event in events] == ["error"]

    @rule(frame=st.sampled_from(["", "{", "[]", '"a"', "null", b"\x00", b"{}"]))
    def garbage(self, frame):
        events = self.perform(self.session.receive(CODEC.decode(frame), self.now))
        assert self.closed or [event["type"] for event in events] == ["error"]

    # ------------------------------------------------------------ the engine
    def engine(self, report) -> list[dict]:
        return self.perform(self.session.report(report, self.now))

    @precondition(lambda self: self.live is not None)
    @rule(samples=st.integers(1, 60_000), odd=st.booleans())
    def voiced(self, samples, odd):
        pcm = bytes([self.serial % 250 + 1]) * (2 * samples - odd)
        if not self.closed:
            self.jobs[self.live].voiced += pcm
        self.engine(Output(self.live, Voiced(pcm)))

    @precondition(lambda self: self.live is not None)
    @rule()
    def said(self):
        job = self.jobs[self.live]
        if job.said < len(job.given):
            job.said += 1
            self.engine(Output(self.live, Said()))

    @precondition(lambda self: self.live is not None and self.jobs[self.live].ended)
    @rule()
    def ended(self):
        job, self.live = self.jobs[self.live], None
        number = next(n for n, j in self.jobs.items() if j is job)
        job.said = len(job.given)
        self.engine(Ended(number))
        assert self.closed or self.reader.done[job.response]["status"] == "completed"

    @precondition(lambda self: self.live is not None)
    @rule(early=st.booleans())
    def failed(self, early):
        number, self.live = self.live, None
        job = self.jobs[number]
        self.dropped = True
        was_closed = self.closed
        self.engine(Ended(number) if early and not job.ended else Failed(number, "secret"))
        if not was_closed:
            assert self.reader.done[job.response]["status"] == "failed"
            assert self.closed == self.strict

    @rule(job=st.integers(0, 30), kind=st.integers(0, 3))
    def stale(self, job, kind):
        if job == self.live:
            return
        report = [
            Output(job, Voiced(b"ab" * 600)),
            Output(job, Said()),
            Ended(job),
            Failed(job, "secret", "no such voice here"),
        ][kind]
        assert self.engine(report) == []

    # ------------------------------------------------------------ the clock
    @rule(seconds=st.sampled_from([0.1, 1, 14, 15, 100, 599]))
    def wait(self, seconds):
        until = self.now + seconds
        while (deadline := self.session.deadline()) is not None and self.now < deadline <= until:
            self.now = deadline
            self.borders += deadline == LIMITS.age_s
            self.perform(self.session.tick(self.now))
        self.now = until

    # ------------------------------------------------------------ what must hold
    @invariant()
    def live_job_and_open_response_belong_together(self):
        if self.closed:
            return
        opened = None if self.live is None else self.jobs[self.live].response
        assert self.reader.open == opened

    @invariant()
    def every_byte_was_made_for_its_response(self):
        for job in self.jobs.values():
            received = self.reader.audio[job.response]
            if job.response in self.reader.done:
                padded = job.voiced + bytes(-len(job.voiced) % 6)
                assert received == padded
            else:
                assert job.voiced.startswith(received)
                assert len(job.voiced) - len(received) < 48_000 * 2 * 0.02 + 6

    @invariant()
    def text_is_spoken_once_and_in_order(self):
        spoken = "".join(text for job in self.jobs.values() for text in job.given)
        accepted = _letters(self.accepted)
        if self.dropped:
            rest = iter(accepted)
            assert all(char in rest for char in _letters(spoken)), "not a subsequence"
        else:
            assert accepted.startswith(_letters(spoken))

    @invariant()
    def a_response_ends_at_a_commit_or_finish(self):
        assert self.synthesis.response_chars or self.ends <= self.borders

    @invariant()
    def usage_counts_what_was_spoken(self):
        costs = self.costs()
        for job in self.jobs.values():
            if done := self.reader.done.get(job.response):
                counted = costs[job.response]
                assert done["output"][0]["status"] == done["status"]
                if done["status"] == "completed":  # and what was passed over on the way
                    assert counted >= _cost("".join(job.given).strip())
                else:
                    assert counted <= _cost(self.accepted)
        assert sum(costs.values()) <= _cost(self.accepted)

    def costs(self) -> dict[str, int]:
        """The characters of each response that is done."""
        counted = {name: done["usage"]["characters"] for name, done in self.reader.done.items()}
        if self.synthesis.usage == "response":
            return counted
        counts = itertools.pairwise([0, *counted.values()])
        return {name: now - before for name, (before, now) in zip(counted, counts, strict=True)}

    @invariant()
    def after_finished_nothing_is_left(self):
        if self.reader.finished and not self.dropped and not self.closed:
            assert self.live is None

    def teardown(self):
        """However it stands: the engine does its work, the client finishes, all is said."""
        for _ in range(200):
            while self.live is not None and not self.closed:
                self.said()
                if self.live is not None and self.jobs[self.live].ended:
                    self.ended()
                elif self.live is not None and self.jobs[self.live].said == len(
                    self.jobs[self.live].given
                ):
                    break
            if self.closed or (self.reader.finished and self.live is None):
                break
            self.finish()
        assert self.closed or self.reader.finished
        if not self.closed and not self.dropped:
            spoken = "".join(text for job in self.jobs.values() for text in job.given)
            assert _letters(spoken) == _letters(self.accepted)


def _cost(text: str) -> int:
    return len(text) + sum("\u4e00" <= char <= "\u9fff" for char in text)


def _letters(text: str) -> str:
    return "".join(char for char in text if char.isalnum())


class StrictSynthesis(SynthesisMachine):
    strict = True


class PatientSynthesis(SynthesisMachine):
    """Holds complete sentences back, and speaks unfinished ones after a while."""

    synthesis = SynthesisOptions(flush_s=2.0, hold_tail=True, response_chars=40, usage="session")


# The thorough run is DRAGOMAN_EXAMPLES=300; the everyday one takes a few seconds.
_PROFILE = settings(
    max_examples=int(os.environ.get("DRAGOMAN_EXAMPLES", "40")),
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
SynthesisMachine.TestCase.settings = _PROFILE
StrictSynthesis.TestCase.settings = _PROFILE
PatientSynthesis.TestCase.settings = _PROFILE
TestTtsSession = SynthesisMachine.TestCase
TestStrictTtsSession = StrictSynthesis.TestCase
TestPatientTtsSession = PatientSynthesis.TestCase
