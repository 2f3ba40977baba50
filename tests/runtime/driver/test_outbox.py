"""Snapshots for a client that does not read: a newer one takes the place of an older one."""

from dragoman.runtime.driver.outbox import Outbox

LARGE = "x" * 70_000


def taken(outbox):
    frames = []
    while outbox.frames:
        frames += outbox.take()
    return frames


def test_a_client_that_keeps_up_gets_every_snapshot():
    outbox = Outbox(500_000)
    for frame in ("a1", "a2", "end"):
        outbox.put(frame, "a" if frame != "end" else "")
    assert taken(outbox) == ["a1", "a2", "end"]


def test_behind_a_backlog_only_the_newest_snapshot_of_each_item_waits():
    outbox = Outbox(500_000)
    outbox.put(LARGE)
    for number in range(1000):
        outbox.put(f"a{number}", "a")
        outbox.put(f"b{number}", "b")
    outbox.put("end of a")
    outbox.put("a again", "a")
    assert taken(outbox) == [LARGE, "a again", "b999", "end of a"]
    outbox.put("a later", "a")
    assert taken(outbox) == ["a later"]


def test_what_was_taken_is_not_replaced():
    outbox = Outbox(500_000)
    outbox.put("a1", "a")
    outbox.put(LARGE)
    assert outbox.take() == ["a1", LARGE]
    outbox.put(LARGE)
    outbox.put("a2", "a")
    assert taken(outbox) == [LARGE, "a2"]


def test_replaced_frames_leave_the_room_as_it_should_be():
    outbox = Outbox(100_000)
    outbox.put(LARGE)
    outbox.put("y" * 40_000, "a")
    assert not outbox.has_room
    outbox.put("small", "a")
    outbox.take()
    assert outbox.has_room
    assert taken(outbox) == ["small"]
