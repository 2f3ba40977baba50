"""Who a request comes from, and what its key still may: the parts of this room for one server.

Scope: keys, tokens, hosts and accounts put together, and the task that keeps them fresh. What a
refusal looks like is decided in ``server.admission``.

Once a second the key file is looked at, so that a revoked key loses its sessions within a second or
two; every ``SYNC_S`` what was used goes to the database, in a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import Scope

from dragoman.protocol.core.principal import ANONYMOUS, Principal
from dragoman.server.access.credentials import credential
from dragoman.server.access.hosts import HostRule, is_loopback
from dragoman.server.access.key_accounts import Excess, KeyAccounts, KeySession, OnUse
from dragoman.server.access.key_ring import CHECK_EVERY_S, KeyRing
from dragoman.server.access.keys import Key
from dragoman.server.access.tokens import PREFIX, Tokens, fresh_secret, kept_secret, secret_from
from dragoman.server.access.usage_store import KEPT_DAYS, UsageStore
from dragoman.server.config import Config, ConfigError

LOG = logging.getLogger("dragoman.server")

SYNC_S = 2.0


def _utc_now() -> datetime:
    return datetime.now(UTC)


class AccessControl:
    """Access to one server."""

    def __init__(
        self,
        config: Config,
        on_use: OnUse,
        speakers_of: Callable[[str], int],
        *,
        address: str = "127.0.0.1",
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        """``on_use`` and ``speakers_of``: see ``KeyAccounts``. ``address`` is the numeric address
        that ``config.host`` stands for, ``now`` gives the time in UTC. Raises ``ConfigError`` for
        keys or a folder that cannot be used.
        """
        self.ring = key_ring(config)
        if self.ring.warning:
            LOG.warning("%s", self.ring.warning)
        self.hosts = HostRule(
            config.allowed_hosts,
            asks_for_keys=not self.ring.is_open,
            on_loopback=is_loopback(address),
        )
        self._now = now
        self._accounts = KeyAccounts(on_use, speakers_of, now)
        self._process = uuid.uuid4().hex
        self._syncing: asyncio.Task[None] | None = None
        self._store, secret = (None, None) if self.ring.is_open else _state(config)
        self.tokens = Tokens(secret or fresh_secret())

    # ------------------------------------------------------------ who
    def key_of(self, secret: str) -> Key | None:
        """The valid key that this text is, or that it is a token of."""
        found = self.ring.find(secret)
        if found is None and secret.startswith(PREFIX):
            return self.tokens.key_of(secret, self.ring.named, self._now().timestamp())
        return found

    def principal_of(self, scope: Scope) -> Principal | None:
        """Whose key or token a request carries; None where it needs one and has no valid one."""
        if self.ring.is_open:
            return ANONYMOUS
        self.refresh()
        found = self.key_of(secret_in(scope))
        return None if found is None else Principal(key_id=found.name)

    # ------------------------------------------------------------ how much
    def excess(self, principal: Principal) -> Excess | None:
        """The limit of a key that a further session would break."""
        key = self.ring.named(principal.key_id)
        return self._accounts.excess(key) if key else None

    @contextlib.contextmanager
    def session(self, principal: Principal) -> Iterator[KeySession | None]:
        """Count a session as open; None where no key was asked for."""
        key = self.ring.named(principal.key_id)
        if key is None:
            yield None
            return
        session = self._accounts.open(key)
        try:
            yield session
        finally:
            self._accounts.close(session)

    # ------------------------------------------------------------ staying fresh
    def refresh(self) -> None:
        """Look at the key file if that was not just done; end the sessions of revoked keys."""
        if self.ring.refresh(time.monotonic()):
            self._accounts.keys_changed(self.ring.named)

    async def keep_fresh(self) -> None:
        """Look at the file and exchange figures with the database, until cancelled."""
        if self.ring.is_open:
            return
        synced_at = 0.0
        while True:
            self.refresh()
            if time.monotonic() - synced_at >= SYNC_S:
                synced_at = time.monotonic()
                self._syncing = asyncio.create_task(self.sync())
                await asyncio.shield(self._syncing)  # what is being saved is saved once
            await asyncio.sleep(CHECK_EVERY_S)

    async def close(self) -> None:
        """Save what is not saved yet."""
        if self._syncing is not None:
            await self._syncing
        await self.sync()
        if self._store is not None:
            with contextlib.suppress(sqlite3.Error):
                await asyncio.to_thread(self._store.leave, self._process)

    async def sync(self) -> None:
        """Save what was used, and learn what other processes have."""
        if self._store is None:
            return
        now = self._now()
        day, taken, live = now.date().isoformat(), self._accounts.take(), self._accounts.live()
        try:
            shared = await asyncio.to_thread(
                self._store.sync, self._process, taken, live, day, now.timestamp()
            )
        except sqlite3.Error as error:
            self._accounts.put_back()
            LOG.warning("what keys used could not be saved: %s", error)
        else:
            self._accounts.learn(shared, day)


def secret_in(scope: Scope) -> str:
    """The key or token of a request, as it was sent."""
    return credential(
        Headers(scope=scope), scope.get("query_string", b""), scope.get("subprotocols", ())
    )


def key_ring(config: Config) -> KeyRing:
    """The keys of the settings. Raises ``ConfigError``."""
    path = Path(config.api_keys_file).expanduser() if config.api_keys_file else None
    return KeyRing(config.api_keys, path)


def state_folder(config: Config) -> Path | None:
    """Where usage and the secret of tokens are kept; None if nowhere."""
    if config.state_dir:
        return Path(config.state_dir).expanduser()
    if config.api_keys_file:
        return Path(config.api_keys_file).expanduser().resolve().parent
    return None


def usage_path(folder: Path) -> Path:
    """The database of usage in a folder."""
    return folder / "dragoman-usage.sqlite3"


def _state(config: Config) -> tuple[UsageStore | None, bytes | None]:
    """Where usage is kept, and the secret of tokens; None for what ends with the process."""
    folder = state_folder(config)
    if folder is None:
        return None, secret_from(config.api_keys)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        store = UsageStore(usage_path(folder))
        store.prune((_utc_now().date() - timedelta(days=KEPT_DAYS)).isoformat())
        return store, kept_secret(folder / "dragoman-token-secret")
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        message = f"The usage of keys cannot be kept in {folder}: {reason}."
        if config.state_dir:
            raise ConfigError(f"{message} Choose another state_dir.") from None
        LOG.warning("%s It ends with this process; set state_dir to keep it.", message)
        return None, None
