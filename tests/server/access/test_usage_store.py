"""Usage in SQLite: kept, added up over processes, forgotten when too old."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dragoman.server.access.usage_store import SILENT_S, Amounts, Live, Shared, UsageStore

DAY = "2026-11-29"


def test_usage_is_added_up_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "usage"
    UsageStore(path).add(
        {(DAY, "ann"): Amounts(1, 2.5, 0.5, 10), (DAY, "bob"): Amounts(sessions=1)}
    )
    store = UsageStore(path)
    store.add({(DAY, "ann"): Amounts(1, 1.0, 0.0, 5), ("2026-11-28", "ann"): Amounts(characters=7)})
    assert store.totals(DAY) == {"ann": Amounts(2, 3.5, 0.5, 15), "bob": Amounts(sessions=1)}
    assert store.totals("2026-11-01")["ann"] == Amounts(2, 3.5, 0.5, 22)
    store.prune(DAY)
    assert store.totals("2026-11-01")["ann"] == Amounts(2, 3.5, 0.5, 15)


def test_processes_learn_what_the_others_have(tmp_path: Path) -> None:
    one, two = UsageStore(tmp_path / "usage"), UsageStore(tmp_path / "usage")
    one.sync("one", {(DAY, "ann"): Amounts(characters=3)}, {"ann": Live(2, 1, 4)}, DAY, 100.0)
    found = two.sync("two", {(DAY, "ann"): Amounts(characters=4)}, {"ann": Live(1)}, DAY, 101.0)
    assert found == Shared({"ann": Amounts(characters=7)}, {"ann": Live(2, 1, 4)})
    assert one.sync("one", {}, {}, DAY, 102.0).others == {"ann": Live(1)}
    assert two.sync("two", {}, {}, "2026-11-30", 103.0) == Shared({}, {})


def test_a_process_that_ended_has_no_sessions(tmp_path: Path) -> None:
    store = UsageStore(tmp_path / "usage")
    store.sync("killed", {}, {"ann": Live(9)}, DAY, 100.0)
    store.sync("stopped", {}, {"bob": Live(9)}, DAY, 100.0)
    store.leave("stopped")
    assert store.sync("me", {}, {}, DAY, 100.0 + SILENT_S).others == {"ann": Live(9)}
    assert store.sync("me", {}, {}, DAY, 101.0 + SILENT_S).others == {}


def test_many_writers_lose_nothing(tmp_path: Path) -> None:
    stores = [UsageStore(tmp_path / "usage") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: stores[n % 4].add({(DAY, "a"): Amounts(characters=1)}), range(100)))
    assert stores[0].totals(DAY) == {"a": Amounts(characters=100)}


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "usage").write_text("something else entirely " * 100)
    with pytest.raises(sqlite3.Error):
        UsageStore(tmp_path / "usage")
