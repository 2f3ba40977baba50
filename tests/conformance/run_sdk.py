"""Run a program in the environment of a client, and hand back the JSON that it printed."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conformance.rules import Log

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


def run_program(
    python: str, program: str, *options: str, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``sdk/<program>.py``, with these environment variables; raises when it fails."""
    done = subprocess.run(
        [python, str(PROGRAMS / f"{program}.py"), *options],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        env=clean_environment() | dict(variables or {}),
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done


def run_client(
    client: str, program: str, *options: str, variables: Mapping[str, str] | None = None
) -> dict[str, dict[str, Any]]:
    """What each flow of the program told, run in the environment of ``client``; raises when a
    traceback was printed, too.
    """
    done = run_program(python_of(client), program, *options, variables=variables)
    assert "Traceback" not in done.stderr, done.stderr[-4000:]
    told: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return told


def run_flows(
    program: str, version: str, url: str, model: str, flows: Sequence[str], *options: str
) -> list[Flow]:
    """Run the named flows of ``sdk/<program>.py``; raises when the program itself fails."""
    settings = ("--url", url, "--model", model, *options)
    told = json.loads(run_program(interpreter(version), program, *settings, *flows).stdout)
    return [
        Flow(name, [(way, event) for way, event in told[name]["log"]], told[name]["outcome"])
        for name in flows
    ]


def changed_files(client: str, distribution: str, folder: str) -> list[str]:
    """The Python files in ``folder`` of an installed package that are not as published."""
    lib = Path(python_of(client)).parents[1] / "lib"
    (record,) = lib.glob(f"python*/site-packages/{distribution}-*.dist-info/RECORD")
    rows = [row for row in csv.reader(record.open()) if row[0].startswith(f"{folder}/")]
    published = {name: told for name, told, _ in rows if name.endswith(".py")}
    assert published, f"{distribution} has no Python files in {folder}"
    return [
        name
        for name, told in published.items()
        if told != f"sha256={_digest(record.parents[1] / name)}"
    ]


def _digest(file: Path) -> str:
    digest = hashlib.sha256(file.read_bytes()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
