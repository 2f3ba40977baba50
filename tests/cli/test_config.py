"""``dragoman config``: effective values, their origins, and exit codes."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from dragoman.server.config import SINGLE_SETTINGS
from tests.cli.run_command import run

pytestmark = pytest.mark.live


def test_every_setting_with_its_origin_and_no_key(tmp_path: Path) -> None:
    file = tmp_path / "dragoman.toml"
    file.write_text("[limits]\nidle_s = 9\n")
    arguments = ("config", "--config", str(file), "--strict", "--json")
    done = run(*arguments, api_keys="sk-secret", log_level="debug", profile="cloud")
    assert done.returncode == 0, done.stderr
    shown = {line["name"]: (line["value"], line["origin"]) for line in json.loads(done.stdout)}
    assert shown.keys() == SINGLE_SETTINGS.keys()
    assert shown["limits.idle_s"] == (9, f"file {file}")
    assert shown["strict"] == (True, "command line")
    assert shown["synthesis.hold_tail"] == (True, "profile cloud")
    assert shown["log_level"] == ("debug", "environment DRAGOMAN_LOG_LEVEL")
    assert shown["api_keys"] == ("1 set", "environment DRAGOMAN_API_KEYS")
    assert "secret" not in done.stdout


def test_the_table_and_the_file() -> None:
    table = run("config", "--port", "99").stdout
    assert re.search(r"^port +│ 99 +│ command line", table, re.MULTILINE)
    assert tomllib.loads(run("config", "--port", "99", "--toml").stdout)["port"] == 99


def test_a_bad_file_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    file = tmp_path / "dragoman.toml"
    file.write_text("[limits]\nidel_s = 9\n")
    done = run("config", "--config", str(file))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"dragoman config: There is no setting 'limits.idel_s' (file {file}); "
        "did you mean 'limits.idle_s'?\n"
    )
