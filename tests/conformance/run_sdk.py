"""Run an SDK program in the environment of one SDK version, and hand back what it printed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dragoman.testing.validators.rules import Log

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(__file__).parent / "sdk"
NEWEST = "newest"


@dataclass
class Flow:
    """One flow: the event log, and what the SDK itself said."""

    name: str
    log: Log
    outcome: dict[str, Any]

    def count(self, kind: str) -> int:
        """How many events of this type came."""
        return sum(1 for way, event in self.log if way == "<" and event["type"] == kind)

    def errors(self) -> list[dict[str, Any]]:
        """The bodies of the errors that came."""
        return [e["error"] for way, e in self.log if way == "<" and e["type"] == "error"]


def interpreter(version: str) -> str:
    """The Python that has this version of the SDK; the set-up makes the older ones."""
    return sys.executable if version == NEWEST else python_of(f"dashscope-{version}")


def python_of(client: str) -> str:
    """The Python of a client's environment, which the set-up makes."""
    python = ROOT / ".venvs" / client / "bin" / "python"
    assert python.exists(), f"{python.parent.parent} is missing: run `make test`, which makes it"
    return str(python)


def clean_environment() -> dict[str, str]:
    """This process's environment without any proxy."""
    return {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}


def run_flows(
    program: str, version: str, url: str, model: str, flows: Sequence[str], *options: str
) -> list[Flow]:
    """Run the named flows of ``sdk/<program>.py``; raises when the program itself fails."""
    command = [interpreter(version), str(PROGRAMS / f"{program}.py"), "--url", url]
    done = subprocess.run(
        [*command, "--model", model, *options, *flows],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        env=clean_environment(),
    )
    assert done.returncode == 0, done.stderr[-4000:]
    told = json.loads(done.stdout)
    return [
        Flow(name, [(way, event) for way, event in told[name]["log"]], told[name]["outcome"])
        for name in flows
    ]
