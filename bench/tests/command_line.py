"""The command ``dragoman`` as tests run it."""

from __future__ import annotations

import subprocess

from tests.live import command, environment


def run(*arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
    """Run ``dragoman`` with these arguments; ``settings`` are environment variables."""
    return subprocess.run(
        [*command(), *arguments],
        env=environment(**settings) | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
