"""Voices as random directions with noise: who is recognised, when, and since when."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.policy.diarization.change_detection import ChangeDetector, SpeakerChange, VoiceCheck
from dragoman.policy.diarization.speaker_tracker import (
    LAST_MS,
    MOST_SPEAKERS,
    SpeakerTracker,
    Vector,
)

FRAME_MS = 32
ANSWER_MS = 192
SILENCE = -1

Part = tuple[int, int]
"""A speaker (or ``SILENCE``) and for how many milliseconds."""


class Room:
    """Voices that are 20 to 40 degrees away from their mean in a second and a half."""

    def __init__(self, seed: int = 0, noise: float = 0.6, size: int = 64) -> None:
        self._rng = np.random.default_rng(seed)
        self._means = np.linalg.qr(self._rng.standard_normal((size, 40)))[0].T
        self._noise, self._size = noise, size

    def vector(self, shares: dict[int, int]) -> Vector:
        """A stretch in which each speaker said so many milliseconds."""
        total_ms = sum(shares.values())
        if not total_ms:
            return np.zeros(self._size, np.float32)
        mix = sum(self._means[who] * ms / total_ms for who, ms in shares.items())
        noise = self._rng.standard_normal(self._size) / np.sqrt(self._size)
        mix = mix + noise * self._noise * np.sqrt(1_500 / max(total_ms, 500))
        return (mix / np.linalg.norm(mix)).astype(np.float32)


class Play:
    """Parts that are played to a detector in one turn."""

    def __init__(self, room: Room, detector: ChangeDetector | None = None, at_ms: int = 0) -> None:
        self.room, self.detector = room, detector or ChangeDetector()
        self.frames: list[tuple[int, int]] = []
        self.changes: list[SpeakerChange] = []
        self.checks: list[VoiceCheck] = []
        self.doubt_ms = 0
        self._due: tuple[int, Vector] | None = None
        self.now_ms = at_ms
        self.detector.open(at_ms)

    def play(self, *parts: Part) -> Play:
        for who, length_ms in parts:
            for _ in range(length_ms // FRAME_MS):
                self._frame(who)
        return self

    def _frame(self, who: int) -> None:
        detector, at_ms = self.detector, self.now_ms
        if self._due is not None and at_ms >= self._due[0]:
            vector, self._due = self._due[1], None
            change = detector.add_vector(vector)
            if change is not None:
                self.changes.append(change)
        self.frames.append((at_ms, who))
        level = -80.0 if who == SILENCE else -20.0
        check = detector.add_frame(at_ms, FRAME_MS, is_voice=who != SILENCE, level=level)
        self.now_ms += FRAME_MS
        self.doubt_ms += FRAME_MS if detector.doubt_ms is not None else 0
        if check is not None:
            self.checks.append(check)
            self._due = (check.to_ms + ANSWER_MS, self.answer(check))

    def answer(self, check: VoiceCheck) -> Vector:
        shares: dict[int, int] = {}
        for at_ms, who in self.frames:
            if check.from_ms <= at_ms < check.to_ms and who != SILENCE:
                shares[who] = shares.get(who, 0) + FRAME_MS
        assert sum(shares.values()) == check.voiced_ms
        return self.room.vector(shares)

    def close(self) -> int:
        check = self.detector.close()
        if check is not None:
            change = self.detector.conclude(self.answer(check))
            self.changes += [change] if change is not None else []
        assert self.detector.speaker is not None
        return self.detector.speaker


talk = st.lists(
    st.tuples(st.integers(300, 9_000), st.integers(64, 2_000)), min_size=1, max_size=12
).map(lambda pairs: [part for say, rest in pairs for part in ((0, say), (SILENCE, rest))])


# ---------------------------------------------------------------- one voice
@given(talk, st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_one_voice_is_never_cut_at_its_pauses(parts: list[Part], seed: int) -> None:
    play = Play(Room(seed)).play(*parts)
    assert play.close() == 0
    assert play.changes == []


def test_an_hour_of_one_voice_is_one_speaker_and_costs_a_look_a_second() -> None:
    play = Play(Room(2))
    for number in range(60):
        play.play((0, 1_000 + 500 * (number % 9)), (SILENCE, 320 + 30 * (number % 7)))
    assert play.changes == []
    voiced_s = sum(who == 0 for _, who in play.frames) * FRAME_MS / 1000
    assert len(play.checks) < 1.1 * voiced_s


# ---------------------------------------------------------------- changes
@given(st.integers(3_000, 12_000), st.integers(224, 1_200), st.integers(4_500, 9_000),
       st.integers(0, 10_000))  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_another_voice_begins_behind_the_pause_before_it(
    first_ms: int, pause_ms: int, second_ms: int, seed: int
) -> None:
    play = Play(Room(seed)).play((0, first_ms), (SILENCE, pause_ms), (1, second_ms))
    assert [change.speaker for change in play.changes] == [1]
    begin_ms = next(at_ms for at_ms, who in play.frames if who == 1)
    assert play.changes[0].at_ms == begin_ms
    assert play.close() == 1


def test_without_a_pause_the_change_is_found_nearby() -> None:
    for seed in range(20):
        play = Play(Room(seed)).play((0, 6_000), (1, 6_000))
        assert [change.speaker for change in play.changes] == [1]
        assert abs(play.changes[0].at_ms - 6_000) < 1_200


def test_a_short_phrase_before_the_sentence_is_the_new_voice_as_well() -> None:
    play = Play(Room(4)).play((0, 6_000), (SILENCE, 320), (1, 480), (SILENCE, 320), (1, 4_000))
    begin_ms = next(at_ms for at_ms, who in play.frames if who == 1)
    assert [(c.at_ms, c.speaker) for c in play.changes] == [(begin_ms, 1)]


def test_the_last_words_before_a_change_keep_their_speaker() -> None:
    play = Play(Room(5)).play((0, 5_000), (SILENCE, 320), (0, 480), (SILENCE, 320), (1, 4_000))
    begin_ms = next(at_ms for at_ms, who in play.frames if who == 1)
    assert [(c.at_ms, c.speaker) for c in play.changes] == [(begin_ms, 1)]


def test_a_known_voice_is_recognised_again_and_sooner() -> None:
    play = Play(Room(6)).play((0, 6_000), (SILENCE, 320), (1, 6_000), (SILENCE, 320))
    play.play((0, 2_000))
    assert [change.speaker for change in play.changes] == [1, 0]


def test_a_cough_of_another_speaker_changes_nothing() -> None:
    play = Play(Room(7)).play((0, 6_000), (SILENCE, 320), (1, 640), (SILENCE, 320), (0, 8_000))
    assert play.changes == []
    assert play.detector.doubt_ms is None


def test_words_are_in_doubt_before_the_change_is_certain() -> None:
    play = Play(Room(8)).play((0, 6_000), (SILENCE, 320), (1, 1_300))
    begin_ms = next(at_ms for at_ms, who in play.frames if who == 1)
    assert play.changes == []
    assert play.detector.doubt_ms == begin_ms
    play.play((1, 3_000))
    assert play.detector.doubt_ms is None
    assert play.doubt_ms < 2_000


# ---------------------------------------------------------------- turns
def test_turns_after_silence_are_recognised() -> None:
    room, detector = Room(9), ChangeDetector()
    speakers = []
    for number, who in enumerate((0, 0, 1, 0, 2, 1)):
        play = Play(room, detector, at_ms=20_000 * number)
        assert (detector.speaker is None) == (number > 0)
        play.play((who, 6_000))
        assert play.changes == []
        speakers.append(play.close())
    assert speakers == [0, 0, 1, 0, 2, 1]


def test_a_single_word_is_a_similar_known_voice_or_else_the_last_one() -> None:
    room, detector = Room(10, noise=0.2), ChangeDetector()
    Play(room, detector).play((0, 5_000), (SILENCE, 320), (1, 5_000)).close()
    assert Play(room, detector, 50_000).play((0, 700)).close() == 0
    assert Play(room, detector, 60_000).play((7, 700)).close() == 0, "no new speaker for one word"
    assert Play(room, detector, 70_000).play((1, 100)).close() == 0, "too little audio"


def test_a_change_at_the_very_end_is_found_when_the_turn_closes() -> None:
    play = Play(Room(11)).play((0, 6_000), (SILENCE, 320), (1, 6_000), (SILENCE, 320), (0, 1_500))
    play.play((SILENCE, 2_500))
    assert play.close() == 0
    assert [change.speaker for change in play.changes] == [1, 0]


# ---------------------------------------------------------------- bounds
def test_the_number_of_speakers_is_bounded() -> None:
    room, detector = Room(12, noise=0.3), ChangeDetector()
    found = [Play(room, detector, 10_000 * who).play((who, 5_000)).close() for who in range(30)]
    assert found[:MOST_SPEAKERS] == list(range(MOST_SPEAKERS))
    assert max(found) == MOST_SPEAKERS - 1


def test_checks_without_a_voice_change_nothing() -> None:
    detector = ChangeDetector()
    detector.open(0)
    for at_ms in range(0, 60_000, FRAME_MS):
        if detector.add_frame(at_ms, FRAME_MS, is_voice=True, level=-20.0) is not None:
            assert detector.add_vector(np.zeros(64, np.float32)) is None
    assert (detector.speaker, detector.doubt_ms, len(detector.tracker)) == (0, None, 0)


@given(
    st.lists(st.tuples(st.integers(0, 30_000), st.booleans(), st.integers(0, 39)), max_size=400),
    st.integers(0, 10_000),
)
@settings(max_examples=40, deadline=None)
def test_any_frames_and_any_answers_keep_the_order(
    frames: list[tuple[int, bool, int]], seed: int
) -> None:
    room, detector = Room(seed), ChangeDetector()
    detector.open(0)
    last_ms = now_ms = 0
    for at_ms, is_voice, who in frames:
        check = detector.add_frame(at_ms, 200, is_voice=is_voice, level=-20.0)
        now_ms = max(now_ms, at_ms + 200)
        change = detector.add_vector(room.vector({who: 1_500})) if check is not None else None
        if change is not None:
            assert last_ms <= change.at_ms <= now_ms
            assert 0 <= change.speaker < MOST_SPEAKERS
            last_ms = change.at_ms
    assert detector.close() is None or detector.conclude(None) is None
    assert detector.speaker is not None


@pytest.mark.parametrize("voiced_ms", [LAST_MS, LAST_MS + 500])
def test_a_long_piece_always_gets_an_answer(voiced_ms: int) -> None:
    room = Room(13, noise=3.0)
    for _ in range(200):
        voices = SpeakerTracker()
        voices.add(room.vector({0: 3_000}), 3_000)
        voices.add(room.vector({1: 3_000}), 3_000)
        assert voices.recognise(room.vector({2: 3_000}), voiced_ms) is not None
        assert voices.successor(0, room.vector({3: 3_000}), voiced_ms) is not None
