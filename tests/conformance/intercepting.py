"""``dragoman intercept`` as a process of its own, for clients that take no URL."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from dragoman.testing.live_server import command

VARIABLE = re.compile(r"export (\w+)=(\S+)")


@contextlib.contextmanager
def intercepting(origin: str, folder: Path) -> Iterator[dict[str, str]]:
    """``dragoman intercept`` in front of the server; the two variables it prints."""
    started = [*command(), "intercept", "--port", "0", "--server", origin, "--dir", str(folder)]
    log = folder.with_suffix(".log")
    with log.open("w") as stderr, subprocess.Popen(
        started, stdout=subprocess.PIPE, stderr=stderr, text=True
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            variables: dict[str, str] = {}
            while len(variables) < 2:
                line = process.stdout.readline()
                assert line, f"it ended: {log.read_text()}"
                variables |= dict(VARIABLE.findall(line))
            yield variables
        finally:
            process.terminate()
        assert process.wait(20) == 0
