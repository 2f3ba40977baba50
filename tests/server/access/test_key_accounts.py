"""What a key may have: rates, amounts for a day, and evictions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dragoman.protocol.core.commands import Used
from dragoman.server.access.key_accounts import Excess, KeyAccounts
from dragoman.server.access.keys import Key, KeyLimits
from dragoman.server.access.usage_store import Amounts, Live, Shared

DAY = "2026-11-29"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 29, 23, 59, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(clock: Clock) -> KeyAccounts:
    return KeyAccounts(lambda *_: None, lambda _: 0, clock)


def key(**limits: int) -> Key:
    return Key(name="ann", sha256="0" * 64, limits=KeyLimits(**limits))


def reached(accounts: KeyAccounts, of: Key) -> Any:
    excess = accounts.excess(of)
    return excess.limit if excess else None


def test_without_limits_everything_is_allowed(accounts: KeyAccounts) -> None:
    for _ in range(1000):
        accounts.open(key()).on(Used(audio_in_ms=10**9, characters=10**9))
    assert accounts.excess(key()) is None


def test_connections(accounts: KeyAccounts) -> None:
    two = key(connections=2)
    first = accounts.open(two)
    assert accounts.excess(two) is None
    accounts.open(two)
    assert accounts.excess(two) == Excess("connections", 1)
    accounts.close(first)
    assert accounts.excess(two) is None


def test_connects_per_minute(accounts: KeyAccounts, clock: Clock) -> None:
    two = key(connects_per_minute=2)
    accounts.close(accounts.open(two))
    clock.passes(20)
    accounts.close(accounts.open(two))
    assert accounts.excess(two) == Excess("connects_per_minute", 41)
    clock.passes(41)
    assert accounts.excess(two) is None
    accounts.close(accounts.open(two))
    assert accounts.excess(two) == Excess("connects_per_minute", 20)


def test_speakers_are_sessions_that_speak(clock: Clock) -> None:
    speaking = {"ann": 1}
    accounts, two = (
        KeyAccounts(lambda *_: None, lambda name: speaking[name], clock),
        key(speakers=2),
    )
    accounts.open(two)
    accounts.open(two)
    assert accounts.excess(two) is None
    assert accounts.live() == {"ann": Live(2, 1, 0)}
    speaking["ann"] = 2
    assert accounts.excess(two) == Excess("speakers", 1)


@pytest.mark.parametrize(
    ("limits", "used"),
    [
        ({"audio_seconds": 10}, Used(audio_in_ms=6000, audio_out_ms=9000)),
        ({"characters": 100}, Used(characters=60)),
    ],
)
def test_who_uses_the_last_of_an_amount_is_evicted_until_the_next_day(
    accounts: KeyAccounts, clock: Clock, limits: dict[str, int], used: Used
) -> None:
    some = key(**limits)
    one, other = accounts.open(some), accounts.open(some)
    evicted: list[str] = []
    one.when_evicted(evicted.append)
    other.when_evicted(lambda _: evicted.append("other"))
    one.on(used)
    assert evicted == []
    assert accounts.excess(some) is None
    one.on(used)
    assert evicted == ["throttled"]
    assert accounts.excess(some) == Excess(next(iter(limits)), 61)  # type: ignore[arg-type]
    clock.passes(61)
    assert accounts.excess(some) is None


def test_other_processes_count(accounts: KeyAccounts) -> None:
    accounts.learn(Shared({"ann": Amounts(characters=60)}, {"ann": Live(1, 1, 1)}), DAY)
    assert reached(accounts, key(connections=1)) == "connections"
    assert reached(accounts, key(connects_per_minute=1)) == "connects_per_minute"
    assert reached(accounts, key(speakers=1)) == "speakers"
    assert reached(accounts, key(characters=60)) == "characters"
    assert reached(accounts, key(connections=2, characters=61)) is None
    accounts.learn(Shared({}, {}), DAY)
    assert reached(accounts, key(connections=1, characters=60)) is None


def test_what_is_on_its_way_into_the_store_counts_once(accounts: KeyAccounts) -> None:
    some = key(characters=100)
    session = accounts.open(some)
    session.on(Used(characters=60))
    assert accounts.take() == {(DAY, "ann"): Amounts(sessions=1, characters=60)}
    session.on(Used(characters=39))
    assert reached(accounts, some) is None
    accounts.put_back()
    assert accounts.take() == {(DAY, "ann"): Amounts(sessions=1, characters=99)}
    accounts.learn(Shared({"ann": Amounts(1, 0, 0, 99)}, {}), DAY)
    assert accounts.take() == {}
    assert reached(accounts, some) is None
    session.on(Used(characters=1))
    assert reached(accounts, some) == "characters"


def test_what_was_saved_yesterday_does_not_count_today(accounts: KeyAccounts, clock: Clock) -> None:
    accounts.learn(Shared({"ann": Amounts(characters=100)}, {}), DAY)
    assert reached(accounts, key(characters=100)) == "characters"
    clock.passes(60)
    assert reached(accounts, key(characters=100)) is None


def test_revoked_and_replaced_keys_lose_their_sessions_others_get_new_limits(
    accounts: KeyAccounts,
) -> None:
    ended: list[str] = []
    sessions = {}
    for name in ("ann", "bob", "carl"):
        session = sessions[name] = accounts.open(Key(name=name, sha256="0" * 64))
        session.when_evicted(lambda reason, name=name: ended.append(f"{name} {reason}"))
    limits = KeyLimits(characters=5)
    now = {
        "ann": Key(name="ann", sha256="0" * 64, limits=limits),
        "carl": Key(name="carl", sha256="1" * 64),
    }
    accounts.keys_changed(now.get)
    assert ended == ["bob access denied", "carl access denied"]
    sessions["ann"].on(Used(characters=5))
    assert ended[2:] == ["ann throttled"]


def test_a_session_may_be_evicted_before_it_runs_and_is_so_once(accounts: KeyAccounts) -> None:
    session, ended = accounts.open(key()), []
    accounts.keys_changed(lambda _: None)
    session.when_evicted(ended.append)
    accounts.keys_changed(lambda _: None)
    assert ended == ["access denied"]


def test_what_is_used_is_told(clock: Clock) -> None:
    told: list[tuple[str, str, float]] = []
    accounts = KeyAccounts(lambda *what: told.append(what), lambda _: 0, clock)
    accounts.open(key()).on(Used(audio_in_ms=1500, audio_out_ms=500, characters=7))
    assert told == [
        ("ann", "sessions", 1),
        ("ann", "audio_in_seconds", 1.5),
        ("ann", "audio_out_seconds", 0.5),
        ("ann", "characters", 7),
    ]
