"""What the kernel says about processes: CPU, memory, and the machine itself (Linux).

Law of this file: reads ``/proc`` and nothing else; changes nothing but this process's own
affinity and file limit. CPU of a tree includes helpers that have ended and were waited for.
"""

from __future__ import annotations

import contextlib
import os
import platform
import resource
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

PROC = Path("/proc")


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What the figures were measured on. ``load`` is the 1, 5 and 15 minute load at the start."""

    cpu: str
    cores: int
    memory_gib: float
    load: tuple[float, float, float]
    python: str
    kernel: str


def machine() -> Machine:
    """Look at the machine, now."""
    cpu = "unknown"
    with contextlib.suppress(OSError):
        for line in (PROC / "cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                cpu = line.partition(":")[2].strip()
                break
    return Machine(
        cpu=cpu,
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        load=os.getloadavg(),
        python=platform.python_version(),
        kernel=platform.release(),
    )


def fields_of(stat: str) -> list[str]:
    """The fields of a ``stat`` line from the third (state) on; the name may hold anything."""
    return stat.rpartition(")")[2].split()


def tree(root: int) -> list[int]:
    """The process and all its descendants that live now."""
    parents: dict[int, int] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parents[int(entry.name)] = int(fields_of((entry / "stat").read_text())[1])
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def tree_cpu_s(root: int) -> float:
    """CPU seconds that the process and its descendants have used, to a hundredth."""
    ticks = 0
    for pid in tree(root):
        with contextlib.suppress(OSError):
            ticks += sum(map(int, fields_of((PROC / str(pid) / "stat").read_text())[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def main_thread_cpu_s(pid: int) -> float:
    """CPU seconds of the process's main thread, to the nanosecond: where the event loop runs."""
    return _on_cpu_s(PROC / str(pid) / "task" / str(pid))


def threads_cpu_s(pid: int) -> float:
    """CPU seconds of all threads that live now, to the nanosecond."""
    return sum(_on_cpu_s(task) for task in (PROC / str(pid) / "task").iterdir())


def _on_cpu_s(task: Path) -> float:
    return int((task / "schedstat").read_text().split()[0]) / 1e9


def memory_kib(pid: int) -> float:
    """Proportional set size: what the process would give back if it ended."""
    for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return float(line.split()[1])
    raise OSError("the kernel does not tell the proportional set size")


class ProcessUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What processes hold. ``own_kib`` is memory that is nobody else's business (anonymous pages);
    ``pss_kib`` adds their share of mapped files, which changes when other programs map them, too.
    """

    processes: int = 0
    own_kib: float = 0.0
    pss_kib: float = 0.0
    threads: int = 0
    files: int = 0


def holding(pids: Iterable[int]) -> ProcessUsage:
    """What these processes hold together, now; those that have ended hold nothing."""
    found = ProcessUsage()
    for pid in pids:
        with contextlib.suppress(OSError):
            memory = _rollup(pid)
            found = ProcessUsage(
                processes=found.processes + 1,
                own_kib=found.own_kib + memory.get("Pss_Anon", 0.0),
                pss_kib=found.pss_kib + memory["Pss"],
                threads=found.threads + len(list((PROC / str(pid) / "task").iterdir())),
                files=found.files + len(list((PROC / str(pid) / "fd").iterdir())),
            )
    return found


def _rollup(pid: int) -> dict[str, float]:
    lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()[1:]
    parts = (line.split() for line in lines)
    return {name.rstrip(":"): float(value) for name, value, *_ in parts}


def workers(root: int, spec: str) -> int:
    """How many engine workers of this spec the server has."""
    found = 0
    for pid in tree(root):
        with contextlib.suppress(OSError):
            words = (PROC / str(pid) / "cmdline").read_bytes().decode().split("\0")
            found += "dragoman.runtime.hosts.process.worker" in words and spec in words
    return found


# ---------------------------------------------------------------- this process
def raise_file_limit(wanted: int) -> bool:
    """Take as many files as the system lets us have; whether that is enough."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard >= wanted or hard == resource.RLIM_INFINITY


def shares() -> tuple[set[int], set[int]]:
    """Cores for the server and cores for the load; the load has one, the server the others."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) == 1:
        return set(cores), set(cores)
    return set(cores[:-1]), {cores[-1]}


@contextlib.contextmanager
def on_cores(cores: set[int]) -> Iterator[None]:
    """Run this process, and what it starts meanwhile, on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
