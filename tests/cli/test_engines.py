"""``dragoman engines``: every registered engine, as a table and as JSON."""

from __future__ import annotations

import asyncio
import json

import pytest

from dragoman.cli.probe import counted, probe
from dragoman.engines import registry
from tests.cli.run_command import run

pytestmark = pytest.mark.live


def test_json_has_every_registered_engine_with_its_description() -> None:
    done = run("engines", "--json")
    assert done.returncode == 0, done.stderr
    found = {entry["spec"]: entry for entry in json.loads(done.stdout)}
    assert sorted(found) == registry.names()
    scripted = found["scripted-tts"]
    assert scripted["available"] is True
    assert scripted["package"] == "dragoman"
    assert scripted["info"]["role"] == "tts"
    assert scripted["info"]["licence"] == "Apache-2.0"
    for entry in found.values():
        assert entry["available"] or entry["why"], entry


def test_the_table_names_every_engine_and_preset() -> None:
    done = run("engines")
    assert done.returncode == 0, done.stderr
    for name in [*registry.names(), *registry.PRESETS]:
        assert name in done.stdout


def test_a_missing_engine_says_what_to_install() -> None:
    specs = [
        "scripted-mt",
        "apertium?root=/no/such/folder",
        "no-such-engine",
        "scripted-mt@batch=2",
    ]
    found = {entry.spec: entry for entry in asyncio.run(probe(specs))}
    assert found["scripted-mt"].available
    assert not found["apertium?root=/no/such/folder"].available
    assert "apt-get install" in found["apertium?root=/no/such/folder"].why
    assert "no-such-engine" in found["no-such-engine"].why
    assert found["no-such-engine"].info is None
    assert "at most 1 in a batch" in found["scripted-mt@batch=2"].why


def test_long_lists_are_cut() -> None:
    assert counted(["en"]) == "en"
    assert counted(["*"]) == "any"
    assert counted([str(n) for n in range(10)], most=3) == "0, 1, 2 and 7 more"
