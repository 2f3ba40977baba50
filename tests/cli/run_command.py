"""Runs the command `dragoman` as a program of its own."""

from __future__ import annotations

import subprocess

from dragoman.testing.live_server import command, environment


def run(*arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command(), *arguments],
        env=environment(**settings) | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
