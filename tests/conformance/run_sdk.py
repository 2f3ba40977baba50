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


def run_program(
    python: str,
    program: str,
    *options: str,
    variables: Mapping[str, str] | None = None,
    pcm: bytes = b"",
) -> tuple[dict[str, dict[str, Any]], str]:
    """Run ``sdk/<program>.py`` with these environment variables and this standard input; raises
    when it fails. Returns what each flow printed, and what it wrote to standard error.
    """
    done = subprocess.run(
        [python, str(PROGRAMS / f"{program}.py"), *options],
        input=pcm,
        capture_output=True,
        timeout=110,
        check=False,
        env=clean_environment() | dict(variables or {}),
    )
    errors = done.stderr.decode()
    assert done.returncode == 0, errors[-4000:]
    result: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return result, errors


def run_client(
    client: str,
    program: str,
    *options: str,
    variables: Mapping[str, str] | None = None,
    pcm: bytes = b"",
) -> dict[str, dict[str, Any]]:
    """As ``run_program``, in the environment of ``client``; raises at a printed traceback, too."""
    python = python_of(client)
    result, errors = run_program(python, program, *options, variables=variables, pcm=pcm)
    assert "Traceback" not in errors, errors[-4000:]
    return result


def run_flows(
    program: str, version: str, url: str, model: str, flows: Sequence[str], *options: str
) -> list[Flow]:
    """Run the named flows of ``sdk/<program>.py``; raises when the program itself fails."""
    settings = ("--url", url, "--model", model, *options)
    result, _ = run_program(interpreter(version), program, *settings, *flows)
    return [
        Flow(name, [(way, event) for way, event in result[name]["log"]], result[name]["outcome"])
        for name in flows
    ]


def changed_files(client: str, distribution: str, folder: str) -> list[str]:
    """The Python files in ``folder`` of an installed package that are not as published."""
    lib = Path(python_of(client)).parents[1] / "lib"
    (record,) = lib.glob(f"python*/site-packages/{distribution}-*.dist-info/RECORD")
    rows = [row for row in csv.reader(record.open()) if row[0].startswith(f"{folder}/")]
    published = {name: digest for name, digest, _ in rows if name.endswith(".py")}
    assert published, f"{distribution} has no Python files in {folder}"
    return [
        name
        for name, digest in published.items()
        if digest != f"sha256={_digest(record.parents[1] / name)}"
    ]


def _digest(file: Path) -> str:
    digest = hashlib.sha256(file.read_bytes()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
