"""What keys used, by day, in SQLite: kept over restarts and shared by the gateway processes.

Scope: the database, blocking; ``KeyAccounts`` calls it in a thread. Every process adds what it
counted since the last time, so none of them has to know the others' figures, and tells how many
sessions it has open, so that limits of a key hold over all of them. A process that has not been
heard of for ``SILENT_S`` has no sessions any more.

Errors: ``sqlite3.Error``, for the caller to log: a full disk must not end anybody's session.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

SILENT_S = 15.0
KEPT_DAYS = 400
_BUSY_S = 5.0
_TABLES = """
CREATE TABLE IF NOT EXISTS used (
    day TEXT, key TEXT,
    sessions INTEGER, audio_in_seconds REAL, audio_out_seconds REAL, characters INTEGER,
    PRIMARY KEY (day, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS live (
    process TEXT, key TEXT, sessions INTEGER, speakers INTEGER, connects INTEGER, seen_at REAL,
    PRIMARY KEY (process, key)) WITHOUT ROWID;
"""


class Amounts(msgspec.Struct):
    """What was used: sessions opened, seconds of speech in and out, characters spoken."""

    sessions: int = 0
    audio_in_seconds: float = 0.0
    audio_out_seconds: float = 0.0
    characters: int = 0

    def add(self, other: Amounts) -> None:
        """Add another amount to this one."""
        self.sessions += other.sessions
        self.audio_in_seconds += other.audio_in_seconds
        self.audio_out_seconds += other.audio_out_seconds
        self.characters += other.characters


class Live(msgspec.Struct, frozen=True):
    """What a process has of one key now: sessions, speakers, handshakes in the last minute."""

    sessions: int = 0
    speakers: int = 0
    connects: int = 0


class Shared(msgspec.Struct, frozen=True):
    """What the database knows: all that was used on a day, and what other processes have now."""

    today: dict[str, Amounts]
    others: dict[str, Live]


class UsageStore:
    """One database. Safe to call from any thread, one call at a time."""

    def __init__(self, path: Path) -> None:
        """Open, or make it. Raises ``sqlite3.Error``, ``OSError``."""
        self._path = path
        path.touch(mode=0o600)  # SQLite would let everybody read it
        with self._transaction() as database:
            for statement in _TABLES.split(";"):
                database.execute(statement)

    def add(self, used: Mapping[tuple[str, str], Amounts]) -> None:
        """Add what was used since the last time, by day and key."""
        with self._transaction() as database:
            _add(database, used)

    def sync(
        self,
        process: str,
        used: Mapping[tuple[str, str], Amounts],
        live: Mapping[str, Live],
        day: str,
        now: float,
    ) -> Shared:
        """Add what was used, say what this process has, and learn what the others have.

        ``now`` is wall clock, in Unix seconds.
        """
        with self._transaction() as database:
            _add(database, used)
            old = (process, now - SILENT_S)
            database.execute("DELETE FROM live WHERE process = ? OR seen_at < ?", old)
            database.executemany(
                "INSERT INTO live VALUES (?, ?, ?, ?, ?, ?)",
                [(process, k, v.sessions, v.speakers, v.connects, now) for k, v in live.items()],
            )
            others = database.execute(
                "SELECT key, SUM(sessions), SUM(speakers), SUM(connects) FROM live "
                "WHERE process != ? GROUP BY key",
                (process,),
            ).fetchall()
            today = database.execute(
                "SELECT key, sessions, audio_in_seconds, audio_out_seconds, characters "
                "FROM used WHERE day = ?",
                (day,),
            ).fetchall()
        return Shared(
            {key: Amounts(*amounts) for key, *amounts in today},
            {key: Live(*counts) for key, *counts in others},
        )

    def leave(self, process: str) -> None:
        """The process ends: it has no sessions any more."""
        with self._transaction() as database:
            database.execute("DELETE FROM live WHERE process = ?", (process,))

    def prune(self, first_day: str) -> None:
        """Forget the days before this one."""
        with self._transaction() as database:
            database.execute("DELETE FROM used WHERE day < ?", (first_day,))

    def totals(self, first_day: str) -> dict[str, Amounts]:
        """What each key used from this day (``2026-11-29``, UTC) on."""
        with self._transaction() as database:
            rows = database.execute(
                "SELECT key, SUM(sessions), SUM(audio_in_seconds), SUM(audio_out_seconds), "
                "SUM(characters) FROM used WHERE day >= ? GROUP BY key ORDER BY key",
                (first_day,),
            ).fetchall()
        return {key: Amounts(*amounts) for key, *amounts in rows}

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        # A connection for each call: a few hundred microseconds every few seconds, and no thread
        # has to be told which connection is its own.
        with closing(sqlite3.connect(self._path, timeout=_BUSY_S)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            with database:
                database.execute("BEGIN IMMEDIATE")
                yield database


def _add(database: sqlite3.Connection, used: Mapping[tuple[str, str], Amounts]) -> None:
    database.executemany(
        "INSERT INTO used VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (day, key) DO UPDATE SET "
        "sessions = sessions + excluded.sessions, "
        "audio_in_seconds = audio_in_seconds + excluded.audio_in_seconds, "
        "audio_out_seconds = audio_out_seconds + excluded.audio_out_seconds, "
        "characters = characters + excluded.characters",
        [
            (day, key, a.sessions, a.audio_in_seconds, a.audio_out_seconds, a.characters)
            for (day, key), a in used.items()
        ],
    )
