"""How much memory the engines want, and how much there is.

Scope: arithmetic on what engines declare (``Info.memory_mb``) and what Linux says. Threads share
one copy of an engine, every worker process has its own. It is said before anything is loaded: a
machine without memory ends processes, and says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from dragoman.runtime.loaded_engine import LoadedEngine

_MB = 1 << 20


class MemoryNeed(msgspec.Struct, frozen=True):
    """Memory in MB: what engines want of the machine and of GPUs, and what the machine has, 0 where
    it does not say.
    """

    wanted_mb: int
    gpu_mb: int
    there_mb: int

    @property
    def warning(self) -> str:
        """A sentence for the operator if it is too much."""
        if not self.there_mb or self.wanted_mb <= self.there_mb:
            return ""
        return (
            f"The engines want {self.wanted_mb} MB of memory and this machine has {self.there_mb}: "
            "choose smaller models or, for engines in processes, a smaller @concurrency=."
        )


def memory_need(engines: Iterable[LoadedEngine]) -> MemoryNeed:
    """For these engines on this machine."""
    found = list(engines)
    return MemoryNeed(
        sum(one.memory_mb for one in found if one.info.device == "cpu"),
        sum(one.memory_mb for one in found if one.info.device == "gpu"),
        machine_mb(),
    )


def machine_mb(root: Path = Path("/")) -> int:
    """What this process may use at most: the machine's memory, or less where a control group (a
    container) has a limit; 0 if nothing says so.
    """
    lines = _text(root / "proc/meminfo").splitlines()
    limits = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemTotal:")]
    for line in _text(root / "proc/self/cgroup").splitlines():  # number:controllers:path
        controllers, _, path = line.partition(":")[2].partition(":")
        if controllers == "":
            base, name = root / "sys/fs/cgroup", "memory.max"
        elif "memory" in controllers.split(","):  # version 1
            base, name = root / "sys/fs/cgroup/memory", "memory.limit_in_bytes"
        else:
            continue
        group = base / path.lstrip("/")
        while group.is_relative_to(base):  # the limits of all groups above hold, too
            limits.append(_bytes(group / name))
            group = group.parent
    return min((limit for limit in limits if limit), default=0) // _MB


def _bytes(path: Path) -> int:
    text = _text(path).strip()
    return int(text) if text.isdecimal() else 0


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError:
        return ""
