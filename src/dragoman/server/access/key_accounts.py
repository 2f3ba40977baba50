"""What each key has open and has used, and whether it may have more.

Scope: accounts in memory, without a clock, a loop or a file: time is an input. Only sessions with a
key are counted here, and only keys of the key ring have an account, so their number is bounded.

Rates are refused at the handshake. Amounts are known after the fact (speech is counted when its
turn ends, text when it was spoken): a session that uses the last of them is evicted, further ones
are refused until the next day begins, in UTC.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from dragoman.protocol.core.commands import Eviction, Used
from dragoman.runtime.observer import Event
from dragoman.server.access.keys import Key, KeyLimits
from dragoman.server.access.usage_store import Amounts, Live, Shared

_MINUTE_S = 60.0
_RETRY_S = 1

OnUse = Callable[[str, str, float], None]
"""Is told what was used: the key's name, of what, how much."""


class Excess(msgspec.Struct, frozen=True):
    """A limit of a key that is reached, and when it is worth to try again."""

    limit: Literal["connections", "connects_per_minute", "speakers", "audio_seconds", "characters"]
    retry_after_s: int

    @property
    def is_amount(self) -> bool:
        """Whether it is an amount for a day, and not a rate."""
        return self.limit in ("audio_seconds", "characters")


class KeySession:
    """One session of a key, an ``Observer`` of what it uses."""

    def __init__(self, accounts: KeyAccounts, key: Key) -> None:
        self.key = key
        self._accounts = accounts
        self._reason: Eviction | None = None
        self._end: Callable[[Eviction], None] | None = None

    def evict(self, reason: Eviction) -> None:
        """End the session; only the first reason counts."""
        if self._reason is None:
            self._reason = reason
            if self._end is not None:
                self._end(reason)

    def when_evicted(self, end: Callable[[Eviction], None]) -> None:
        """How to end the session, from now on. It may have been evicted before it began to run.
        ``end`` must not step the session at once.
        """
        self._end = end
        if self._reason is not None:
            end(self._reason)

    def on(self, event: Event) -> None:
        """See ``Observer``."""
        if isinstance(event, Used):
            self._accounts.used(self, event)


class _Account:
    def __init__(self) -> None:
        self.open: set[KeySession] = set()
        self.connects: deque[float] = deque()  # handshakes of the last minute
        self.unsaved: dict[str, Amounts] = {}  # by day
        self.saving: dict[str, Amounts] = {}  # the same, on its way into the store
        self.saved = Amounts()  # by all processes, on the day of the last exchange with the store
        self.others = Live()


class KeyAccounts:
    """The accounts of one process."""

    def __init__(
        self, on_use: OnUse, speakers_of: Callable[[str], int], now: Callable[[], datetime]
    ) -> None:
        """``speakers_of`` says how many sessions of a key speak in this process, by its name;
        ``now`` gives the time in UTC.
        """
        self._on_use = on_use
        self._speakers_of = speakers_of
        self._now = now
        self._accounts: dict[str, _Account] = {}
        self._saved_day = ""

    def open(self, key: Key) -> KeySession:
        """A session begins; ``close`` it."""
        account = self._accounts.setdefault(key.name, _Account())
        session = KeySession(self, key)
        account.open.add(session)
        if key.limits.connects_per_minute:
            account.connects.append(self._now().timestamp())
        self._count(key.name, account, Amounts(sessions=1))
        return session

    def close(self, session: KeySession) -> None:
        """A session ended."""
        self._accounts[session.key.name].open.discard(session)

    def excess(self, key: Key) -> Excess | None:
        """The limit that a further session of this key would break."""
        account = self._accounts.get(key.name)
        if account is None:
            return None
        limits, now = key.limits, self._now()
        while account.connects and account.connects[0] <= now.timestamp() - _MINUTE_S:
            account.connects.popleft()
        others = account.others
        if _is_reached(limits.connections, len(account.open) + others.sessions):
            return Excess("connections", _RETRY_S)
        if _is_reached(limits.connects_per_minute, len(account.connects) + others.connects):
            oldest = account.connects[0] if account.connects else now.timestamp()
            return Excess("connects_per_minute", int(oldest + _MINUTE_S - now.timestamp()) + 1)
        if _is_reached(limits.speakers, self._speakers_of(key.name) + others.speakers):
            return Excess("speakers", _RETRY_S)
        return self._amount_excess(account, limits)

    def used(self, session: KeySession, used: Used) -> None:
        """A session used something; it is evicted if that was the last."""
        account, key = self._accounts[session.key.name], session.key
        amounts = Amounts(0, used.audio_in_ms / 1000, used.audio_out_ms / 1000, used.characters)
        self._count(key.name, account, amounts)
        if self._amount_excess(account, key.limits):
            session.evict("throttled")

    def keys_changed(self, named: Callable[[str], Key | None]) -> None:
        """End the sessions of keys that were revoked or replaced; the others get the new limits."""
        for account in self._accounts.values():
            for session in list(account.open):
                now = named(session.key.name)
                if now is None or now.sha256 != session.key.sha256:
                    session.evict("access denied")
                else:
                    session.key = now

    def _count(self, name: str, account: _Account, amounts: Amounts) -> None:
        account.unsaved.setdefault(self.day, Amounts()).add(amounts)
        for of, amount in msgspec.structs.asdict(amounts).items():
            if amount:
                self._on_use(name, of, amount)

    def _amount_excess(self, account: _Account, limits: KeyLimits) -> Excess | None:
        if not (limits.audio_seconds or limits.characters):
            return None
        today = self._today(account)
        if _is_reached(limits.audio_seconds, today.audio_in_seconds):
            return Excess("audio_seconds", self._until_tomorrow_s())
        if _is_reached(limits.characters, today.characters):
            return Excess("characters", self._until_tomorrow_s())
        return None

    # ------------------------------------------------------------ days, and the store
    @property
    def day(self) -> str:
        """Today, in UTC, as ``2026-11-29``."""
        return self._now().date().isoformat()

    def _until_tomorrow_s(self) -> int:
        now = self._now()
        tomorrow = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), UTC)
        return int((tomorrow - now).total_seconds()) + 1

    def _today(self, account: _Account) -> Amounts:
        """What all processes used today, as far as this one knows."""
        day, total = self.day, Amounts()
        if day == self._saved_day:
            total.add(account.saved)
        for waiting in (account.saving, account.unsaved):
            total.add(waiting.get(day, Amounts()))
        return total

    def take(self) -> dict[tuple[str, str], Amounts]:
        """What was used since the last time, by day and key; then ``learn`` or ``put_back``."""
        for account in self._accounts.values():
            account.saving, account.unsaved = account.unsaved, {}
        return {
            (day, name): amounts
            for name, account in self._accounts.items()
            for day, amounts in account.saving.items()
        }

    def put_back(self) -> None:
        """What was taken could not be saved: it waits for the next time."""
        for account in self._accounts.values():
            for day, amounts in account.saving.items():
                account.unsaved.setdefault(day, Amounts()).add(amounts)
            account.saving = {}

    def live(self) -> dict[str, Live]:
        """What this process has of each key now."""
        return {
            name: Live(len(account.open), self._speakers_of(name), len(account.connects))
            for name, account in self._accounts.items()
            if account.open or account.connects
        }

    def learn(self, shared: Shared, day: str) -> None:
        """What was taken is saved. This is what all used that day, and what others have now."""
        self._saved_day = day
        for name in shared.today.keys() | shared.others.keys():
            self._accounts.setdefault(name, _Account())
        for name, account in self._accounts.items():
            account.saving = {}
            account.saved = shared.today.get(name, Amounts())
            account.others = shared.others.get(name, Live())


def _is_reached(limit: int, amount: float) -> bool:
    return 0 < limit <= amount
