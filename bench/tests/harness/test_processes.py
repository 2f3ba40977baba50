"""What is read of ``/proc``, against this process and children whose use is known."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from dragoman_bench.harness import processes


def spin(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_the_cpu_of_a_thread_is_what_it_used() -> None:
    before = processes.main_thread_cpu_s(os.getpid())
    spin(0.1)
    used = processes.main_thread_cpu_s(os.getpid()) - before
    assert 0.09 < used < 0.5


@pytest.mark.live
def test_a_tree_holds_children_and_their_cpu() -> None:
    code = (
        "import sys, time\n"
        "while time.process_time() < 0.5: pass\n"
        "print('spun', flush=True)\n"
        "sys.stdin.read()"
    )
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", nested], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "spun\n"
        pids = processes.tree(process.pid)
        used = processes.tree_cpu_s(process.pid)
        process.communicate("")
    assert len(pids) == 2
    assert pids[0] == process.pid
    assert 0.4 < used < 5


def test_memory_grows_by_what_is_kept() -> None:
    before = processes.memory_kib(os.getpid())
    kept = bytearray(os.urandom(64 << 20))
    grown = processes.memory_kib(os.getpid()) - before
    assert len(kept) / 1024 * 0.9 < grown < len(kept) / 1024 * 1.5


def test_load_and_server_share_no_core_where_there_are_two() -> None:
    servers, load = processes.shares()
    cores = os.sched_getaffinity(0)
    assert servers | load == cores
    assert len(cores) == 1 or not servers & load


def test_cores_are_given_back() -> None:
    before = os.sched_getaffinity(0)
    with processes.on_cores({min(before)}):
        assert os.sched_getaffinity(0) == {min(before)}
    assert os.sched_getaffinity(0) == before


def test_the_machine_is_described() -> None:
    found = processes.machine()
    assert found.cpu
    assert found.cores >= 1
    assert found.memory_gib > 0.1
