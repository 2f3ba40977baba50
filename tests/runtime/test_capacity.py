"""Who is an active speaker, how many fit, and what happens when too many speak at once."""

from __future__ import annotations

import math
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.policy.load_shedding import GRACE_S, LEVELS, MOST_LAG_S, SETTLE_S, SILENT_AFTER_S
from dragoman.runtime.capacity import CASCADE, CORES, Capacity, Speaker, StageCost

TTS = ("tts",)


class Server:
    """A capacity with a clock to turn and costs to set."""

    def __init__(self, *, cores: float = 2.0, most: int | None = None, **costs: StageCost) -> None:
        self.now_s = 100.0
        self.costs = costs
        self.capacity = Capacity(
            cores,
            lambda: self.costs,
            most=most,
            clock_s=lambda: self.now_s,
            loop_cpu_s=lambda: 0.0,
        )

    def passes(self, seconds: float) -> None:
        self.now_s += seconds

    def arrive(self, count: int, roles: tuple[str, ...] = CASCADE) -> int:
        """How many of so many handshakes are admitted."""
        return sum(self.capacity.expect(roles) for _ in range(count))

    def join(self, roles: tuple[str, ...] = CASCADE) -> Speaker:
        assert self.capacity.expect(roles)
        return self.capacity.joined(roles).__enter__()


def test_the_cores_carry_what_all_stages_cost_together() -> None:
    server = Server(cores=2, asr=StageCost(0.05, 2), tts=StageCost(0.02, 2))
    assert server.arrive(100) == math.floor(0.85 * 2 / 0.08)  # the event loop has its cent
    assert server.capacity.interpretations == 21
    for _ in range(5):
        server.passes(0.5)
        server.capacity.active  # noqa: B018 - a look
    assert server.arrive(100) > 0  # it was found that the loop costs nothing


def test_an_engine_with_few_places_is_the_bottleneck() -> None:
    server = Server(cores=64, asr=StageCost(0.2, 1), tts=StageCost(0.01, 8))
    assert server.arrive(100) == 4
    carried = server.capacity.carried()
    assert carried["asr"] == pytest.approx(4.25)
    assert carried[CORES] > 100


def test_an_engine_that_waits_for_a_gpu_takes_no_core() -> None:
    server = Server(cores=1, asr=StageCost(0.4, 16, cpu_share=0.01))
    assert server.capacity.interpretations == 34
    assert server.capacity.carried()[CORES] > 50


def test_synthesis_counts_for_what_it_costs() -> None:
    server = Server(cores=64, asr=StageCost(0.2, 1), tts=StageCost(0.01, 8))
    assert server.arrive(4) == 4
    assert server.arrive(1) == 0
    assert server.arrive(100, TTS) == 100


def test_engines_that_cost_nothing_admit_everybody() -> None:
    server = Server(cores=1)
    assert server.arrive(3000) == 3000
    assert server.capacity.interpretations is None
    assert server.capacity.shedding is LEVELS[0]


def test_the_first_speaker_is_admitted_whatever_it_costs() -> None:
    server = Server(cores=1, asr=StageCost(5.0, 1))
    assert server.arrive(3) == 1
    assert server.capacity.interpretations == 1


def test_the_operators_bound_holds_above_what_was_measured() -> None:
    server = Server(most=3, asr=StageCost(0.001, 8))
    assert server.arrive(10) == 3
    assert server.arrive(1, ()) == 1  # a model that nobody serves: its session only says so


def test_idle_connections_cost_nothing() -> None:
    server = Server(cores=1, asr=StageCost(0.2, 1))
    for _ in range(50):
        assert server.arrive(4) == 4
        server.passes(GRACE_S + 0.5)
    assert server.capacity.active == 0


def test_a_speaker_is_active_while_it_works_and_a_little_longer() -> None:
    server = Server(asr=StageCost(0.1, 2))
    speaker = server.join()
    for _ in range(20):
        server.passes(1.0)
        speaker.works()
    assert server.capacity.active == 1
    server.passes(SILENT_AFTER_S - 0.5)
    assert server.capacity.active == 1
    server.passes(1.0)
    assert server.capacity.active == 0
    speaker.works()
    assert server.capacity.active == 1


def test_a_session_that_ends_gives_its_place_back() -> None:
    server = Server(most=1, asr=StageCost(0.1, 2))
    assert server.capacity.expect(CASCADE, "key1")
    with server.capacity.joined(CASCADE, "key1"):
        assert server.capacity.active_of("key1") == 1
        assert server.arrive(1) == 0
    assert server.capacity.active_of("key1") == 0
    assert server.arrive(1) == 1


def test_a_place_that_nobody_takes_is_free_again() -> None:
    server = Server(most=1, asr=StageCost(0.1, 2))
    assert server.arrive(2) == 1
    server.passes(GRACE_S + 0.5)
    assert server.arrive(2) == 1


def test_load_sheds_before_it_refuses() -> None:
    server = Server(cores=1, asr=StageCost(0.1, 1))
    levels = []
    while server.capacity.expect(CASCADE):
        server.passes(0.3)
        server.capacity.active  # noqa: B018 - a look
        levels.append(server.capacity.shedding.level)
        if len(levels) > 100:
            break
    assert levels == sorted(levels)
    assert set(levels) == {0, 1, 2, 3}


def test_who_begins_to_speak_last_is_refused_until_there_is_room() -> None:
    server = Server(cores=1, asr=StageCost(0.24, 1))
    speakers = []
    for _ in range(6):
        speakers.append(server.join())
        server.passes(GRACE_S + 0.5)
    for speaker in speakers:
        speaker.works()
        server.passes(0.1)
    assert [speaker.may_speak() for speaker in speakers] == [True] * 4 + [False] * 2
    server.passes(SILENT_AFTER_S + 1)  # everybody falls silent
    assert speakers[5].may_speak()
    assert server.capacity.active == 1


def test_synthesis_is_never_refused_once_it_is_connected() -> None:
    server = Server(cores=1, tts=StageCost(0.5, 1))
    speakers = []
    for _ in range(4):
        speakers.append(server.join(TTS))
        server.passes(GRACE_S + 0.5)
    for speaker in speakers:
        speaker.works()
    assert all(speaker.may_speak() for speaker in speakers)


def test_a_client_that_sends_ahead_is_not_behind() -> None:
    server = Server(asr=StageCost(0.1, 2))
    fast, received_s = server.join(), 0.0
    fast.hears(lambda: received_s, lambda: 10.0)  # as much as its inbox holds
    for _ in range(40):
        received_s += 2.0  # ten times as fast as real time
        server.passes(0.2)
        fast.works()
    assert server.capacity.active == 1
    assert server.arrive(1) == 1
    assert fast.may_speak()


# ---------------------------------------------------------------- lag stays bounded
STEP_S = 0.1
TURN_S = 5.0


class Person:
    """Somebody who is connected and speaks from ``begins_s`` to ``ends_s``, in turns."""

    def __init__(self, server: Server, begins_s: float, ends_s: float) -> None:
        self.begins_s, self.ends_s = begins_s, ends_s
        self.backlog_s = self.worst_s = self.received_s = self.heard_s = 0.0
        self.next_turn_s = begins_s
        self.is_open = False
        self.speaker = Speaker(server.capacity, CASCADE)
        self.speaker.hears(lambda: self.received_s, lambda: self.backlog_s)

    def step(self, at_s: float) -> None:
        if self.backlog_s > 0:
            self.speaker.works()  # as whenever something is taken from the inbox
        if self.speaker.is_refused:
            self.is_open, self.backlog_s = False, 0.0
        if not self.begins_s <= at_s < self.ends_s:
            return
        self.received_s += STEP_S
        self.speaker.works()
        if at_s >= self.next_turn_s:
            self.next_turn_s = at_s + TURN_S
            self.is_open = self.speaker.may_speak()
        if self.is_open:
            self.backlog_s += STEP_S
            self.worst_s = max(self.worst_s, self.backlog_s)


def serve(people: list[Person], speech_s: float) -> None:
    """Processor sharing: so much speech is recognised, by fair shares."""
    waiting = [person for person in people if person.backlog_s > 1e-9]
    while waiting and speech_s > 1e-9:
        share_s = min([speech_s / len(waiting), *(person.backlog_s for person in waiting)])
        for person in waiting:
            person.backlog_s -= share_s
            person.heard_s += share_s
        speech_s -= share_s * len(waiting)
        waiting = [person for person in waiting if person.backlog_s > 1e-9]


def simulate(spans: list[tuple[float, float]], true_cost: float, known_cost: float) -> list[Person]:
    """Everybody is connected from the start. The figures become true after ten seconds."""
    server = Server(cores=1, asr=StageCost(known_cost, 1))
    people = [Person(server, begins_s, ends_s) for begins_s, ends_s in spans]
    end_s = max(ends_s for _, ends_s in spans)
    for step in range(int((end_s + 20) / STEP_S)):
        at_s = step * STEP_S
        if at_s >= 10:
            server.costs = {"asr": StageCost(true_cost, 1)}
        for person in people:
            person.step(at_s)
        serve(people, STEP_S / true_cost)
        server.passes(STEP_S)
    return people


MOST_S = MOST_LAG_S + 3 * SETTLE_S
SPANS = st.lists(
    st.tuples(st.integers(0, 8), st.integers(2, 40)).map(lambda s: (float(s[0]), float(sum(s)))),
    min_size=12,
    max_size=40,
)


@settings(max_examples=100, deadline=None)
@given(spans=SPANS, true_cost=st.floats(0.05, 0.4), error=st.floats(0.1, 3.0))
def test_lag_is_bounded_and_nobody_is_starved(
    spans: list[tuple[float, float]], true_cost: float, error: float
) -> None:
    people = simulate(spans, true_cost, true_cost * error)
    assert all(person.worst_s <= MOST_S for person in people)
    assert all(person.backlog_s < 0.01 for person in people)
    first = min(people, key=lambda person: person.begins_s)
    if sum(person.begins_s == first.begins_s for person in people) == 1:
        assert first.heard_s == pytest.approx(first.ends_s - first.begins_s, abs=0.2)


def test_sixty_speakers_on_a_machine_for_twelve() -> None:
    people = simulate([(1 + n * 0.01, 61.0) for n in range(60)], 0.85 / 12, 0.85 / 12)
    whole = [person for person in people if person.heard_s > 59]
    assert len(whole) >= 12
    assert whole[:12] == people[:12]
    assert max(person.worst_s for person in people) < 1.0


def test_an_estimate_that_is_five_times_too_low_is_mended() -> None:
    people = simulate([(1 + n * 0.01, 61.0) for n in range(60)], 0.85 / 12, 0.85 / 60)
    assert max(person.worst_s for person in people) <= MOST_S
    assert sum(person.heard_s > 45 for person in people) >= 8


def test_a_speaker_that_left_keeps_nothing_of_its_job() -> None:
    """Its session may hold megabytes, and the collector comes rarely."""
    job = set[int]()
    kept = weakref.ref(job)
    with Server().capacity.joined(CASCADE) as speaker:
        speaker.hears(lambda jobs=job: float(len(jobs)), float)
    del job
    assert kept() is None
