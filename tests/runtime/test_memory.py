"""What engines want of the memory, and what is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from dragoman.engines import registry
from dragoman.runtime.hosts.make_host import make_host
from dragoman.runtime.loaded_engine import LoadedEngine
from dragoman.runtime.memory import MemoryNeed, machine_mb, memory_need


def machine(root: Path, cgroup: str, **limits: str) -> int:
    """A machine of 8 GB with these control groups, a limit in each: what is there in MB."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/meminfo").write_text("MemTotal:        8388608 kB\nMemFree: 1 kB\n")
    (root / "proc/self/cgroup").write_text(cgroup)
    for path, limit in limits.items():
        file = root / "sys/fs/cgroup" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(limit)
    return machine_mb(root)


@pytest.mark.parametrize(
    ("cgroup", "limits", "there_mb"),
    [
        ("", {}, 8192),
        ("0::/a/b\n", {"a/b/memory.max": "max\n"}, 8192),
        ("0::/a/b\n", {"a/b/memory.max": "2147483648\n"}, 2048),
        ("0::/a/b\n", {"a/b/memory.max": "max\n", "a/memory.max": "1073741824\n"}, 1024),
        ("0::/\n", {"memory.max": "1073741824\n"}, 1024),
        (
            "9:cpu:/x\n4:hugetlb,memory:/c\n0::/\n",
            {"memory/c/memory.limit_in_bytes": "536870912\n", "memory.max": "max\n"},
            512,
        ),
        ("4:memory:/\n", {"memory/memory.limit_in_bytes": "9223372036854771712\n"}, 8192),
    ],
)
def test_the_smallest_limit_of_all_groups_holds(
    tmp_path: Path, cgroup: str, limits: dict[str, str], there_mb: int
) -> None:
    assert machine(tmp_path, cgroup, **limits) == there_mb


def test_a_system_that_says_nothing_has_no_limit(tmp_path: Path) -> None:
    assert machine_mb(tmp_path) == 0
    assert MemoryNeed(1_000_000, 0, 0).warning == ""


def test_threads_share_a_copy_and_processes_do_not() -> None:
    def engine(spec: str) -> LoadedEngine:
        made = registry.make(spec)
        return LoadedEngine(spec, made, make_host(made, spec=spec, threads=2, workers=2))

    one = engine("moonshine").info.memory_mb
    assert one > 50
    in_threads = memory_need([engine("moonshine@concurrency=4")]).wanted_mb
    in_processes = memory_need([engine("moonshine@host=process,concurrency=4")]).wanted_mb
    assert in_threads == one
    assert in_processes >= 4 * one


def test_too_much_is_said_in_a_sentence() -> None:
    assert MemoryNeed(900, 0, 1000).warning == ""
    warning = MemoryNeed(1100, 5000, 1000).warning
    assert "1100 MB" in warning
    assert "1000" in warning
