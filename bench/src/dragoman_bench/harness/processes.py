"""CPU, memory and cores of processes, and a description of the machine (Linux).

Scope: reads what the kernel says, through psutil where it has it; changes nothing but this
process's own affinity and file limit.
"""

from __future__ import annotations

import contextlib
import os
import platform
import resource
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import psutil

PROC = Path("/proc")
_WORKER = "dragoman.runtime.hosts.process.worker"


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What the figures were measured on. ``load`` is the 1, 5 and 15 minute load at the start."""

    cpu: str
    cores: int
    memory_gib: float
    load: tuple[float, float, float]
    python: str
    kernel: str


def machine() -> Machine:
    """The machine, now."""
    info = (PROC / "cpuinfo").read_text().splitlines() if (PROC / "cpuinfo").exists() else []
    models = [line.partition(":")[2].strip() for line in info if line.startswith("model name")]
    return Machine(
        cpu=models[0] if models else "unknown",
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        load=os.getloadavg(),
        python=platform.python_version(),
        kernel=platform.release(),
    )


def tree(root: int) -> list[int]:
    """The process and all its descendants that live now."""
    return [root, *(child.pid for child in psutil.Process(root).children(recursive=True))]


def tree_cpu_s(root: int) -> float:
    """CPU seconds that the process and its descendants have used, to a hundredth; children that
    ended and were waited for count.
    """
    used = 0.0
    for pid in tree(root):
        with contextlib.suppress(psutil.NoSuchProcess):
            used += sum(psutil.Process(pid).cpu_times()[:4])
    return used


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
    return _rollup(pid)["Pss"]


class ProcessUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What processes hold. ``own_kib``: anonymous pages, shared with nobody; ``pss_kib`` adds
    their share of mapped files, which changes when other programs map them, too.
    """

    processes: int = 0
    own_kib: float = 0.0
    pss_kib: float = 0.0
    threads: int = 0
    files: int = 0


def usage(pids: Iterable[int]) -> ProcessUsage:
    """What these processes hold together, now; those that have ended hold nothing."""
    found = ProcessUsage()
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess, OSError):
            process, memory = psutil.Process(pid), _rollup(pid)
            found = ProcessUsage(
                processes=found.processes + 1,
                own_kib=found.own_kib + memory.get("Pss_Anon", 0.0),
                pss_kib=found.pss_kib + memory["Pss"],
                threads=found.threads + process.num_threads(),
                files=found.files + process.num_fds(),
            )
    return found


def _rollup(pid: int) -> dict[str, float]:
    """Sums over the process's mappings in KiB (psutil does not tell anonymous pages apart)."""
    lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()[1:]
    parts = (line.split() for line in lines)
    return {name.rstrip(":"): float(value) for name, value, *_ in parts}


def workers(root: int, spec: str) -> int:
    """How many engine workers of this spec the server has."""
    found = 0
    for child in psutil.Process(root).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            words = child.cmdline()
            found += _WORKER in words and spec in words
    return found


# ---------------------------------------------------------------- this process
def raise_file_limit(wanted: int) -> bool:
    """Raise the limit of open files as far as the system allows; whether that is enough."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard >= wanted or hard == resource.RLIM_INFINITY


def shares() -> tuple[set[int], set[int]]:
    """(cores for the server, cores for the load): the load gets one, the server the others."""
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
