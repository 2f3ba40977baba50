"""Only facts of the oldest turn go out, and what waits is bounded."""

from dragoman.protocol.interpretation.turn_queue import TurnQueue
from dragoman.speech import Heard, SpeechStarted, SpeechStopped, Translated, TurnDone, Voiced


def opened(*turns, **limits):
    queue = TurnQueue(**{"max_turns": 10, **limits})
    for turn in turns:
        assert queue.open(turn)
    return queue


def test_facts_of_the_oldest_turn_pass_at_once():
    queue = opened("a", "b")
    fact = Heard(1, "x")
    assert queue.put("a", fact)
    assert list(queue.release()) == [("a", fact)]
    assert list(queue.release()) == []


def test_later_turns_wait_for_every_turn_before_them():
    queue = opened("a", "b", "c")
    for turn in "cb":
        assert queue.put(turn, SpeechStarted(1, 0))
        assert queue.put(turn, TurnDone(1, 9))
    assert list(queue.release()) == []
    assert queue.put("a", TurnDone(1, 9))
    assert [turn for turn, _ in queue.release()] == ["a", "b", "b", "c", "c"]
    assert len(queue) == 0
    assert queue.oldest is None


def test_newer_snapshots_replace_waiting_ones_and_audio_is_kept():
    queue = opened("a", "b")
    facts = [
        Heard(2, "", " o"),
        Voiced(b"12", 2),
        Heard(2, "one", ""),
        Translated(2, "u", ""),
        Voiced(b"34", 2),
        Translated(2, "uno", "", final=True),
        SpeechStopped(2, 5),
    ]
    for fact in facts:
        assert queue.put("b", fact)
    assert queue.put("a", TurnDone(1, 0))
    assert [fact for turn, fact in queue.release() if turn == "b"] == [
        facts[1], facts[2], facts[4], facts[5], facts[6],
    ]  # fmt: skip


def test_a_turn_is_over_when_it_is_done():
    queue = opened("a")
    assert queue.put("a", TurnDone(1, 0))
    assert not queue.put("a", Heard(1, "late"))
    assert [type(fact) for _, fact in queue.release()] == [TurnDone]
    assert not queue.put("a", Heard(1, "later"))
    assert not queue.put("never opened", Heard(1, "x"))


def test_too_many_turns_are_refused():
    queue = opened("a", "b", max_turns=2)
    assert not queue.open("c")
    queue.put("a", TurnDone(1, 0))
    list(queue.release())
    assert queue.open("c")


def test_too_much_waiting_audio_cuts_the_turn_and_fails_it():
    queue = opened("a", "b", max_bytes=8)
    assert queue.put("b", Voiced(b"12345678", 2))
    assert not queue.put("b", Voiced(b"9", 2))
    assert not queue.put("b", Heard(2, "more"))
    assert queue.put("b", TurnDone(2, 0))
    assert queue.put("a", TurnDone(1, 0))
    assert list(queue.release()) == [
        ("a", TurnDone(1, 0)),
        ("b", Voiced(b"12345678", 2)),
        ("b", TurnDone(2, 0, "failed")),
    ]


def test_the_oldest_turn_is_never_cut_and_frees_what_it_held():
    queue = opened("a", "b", max_bytes=8)
    for _ in range(3):
        assert queue.put("a", Voiced(b"12345678", 1))
        assert len(list(queue.release())) == 1
    assert queue.put("b", Voiced(b"12345678", 2))
