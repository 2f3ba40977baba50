"""``dragoman keys``: files are changed, keys are printed once, usage is shown."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from dragoman.cli.keys import keys
from dragoman.server.access.access_control import usage_path
from dragoman.server.access.key_file import read
from dragoman.server.access.keys import KeyLimits, digest
from dragoman.server.access.usage_store import Amounts, UsageStore


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEYS", "API_KEYS_FILE", "STATE_DIR", "CONFIG"):
        monkeypatch.delenv(f"DRAGOMAN_{name}", raising=False)


def run(path: Path, *arguments: str, typed: str = "") -> Result:
    found = CliRunner().invoke(keys, [*arguments, "--file", str(path)], input=typed)
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found


def listed(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(path, "list", "--json").stdout)
    return found


def test_a_key_is_printed_once_and_its_digest_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    secret = run(path, "add", "--name", "ann", "--connections", "2").stdout.strip()
    assert secret.startswith("sk-")
    assert len(secret) > 40
    [key] = read(path).keys
    assert (key.name, key.sha256, key.limits) == ("ann", digest(secret), KeyLimits(connections=2))
    assert secret not in path.read_text()
    assert datetime.fromisoformat(key.created).tzinfo == UTC
    assert secret not in run(path, "list").output


def test_keys_without_a_name_get_one(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    for _ in range(3):
        assert run(path, "add").exit_code == 0
    assert [key["name"] for key in listed(path)] == ["client-1", "client-2", "client-3"]
    assert run(path, "revoke", "client-2").exit_code == 0
    run(path, "add")
    assert {key["name"] for key in listed(path)} == {"client-1", "client-2", "client-3"}


def test_a_key_of_ones_own_comes_from_standard_input(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    mine = "sk-mine-0123456789abcdef"
    found = run(path, "add", "--stdin", "--name", "mine", typed=f"{mine}\n")
    assert found.stdout == ""
    assert read(path).keys[0].sha256 == digest(mine)
    weak = run(path, "add", "--stdin", typed="password\n")
    assert weak.exit_code == 2
    assert "could be guessed" in weak.output
    assert "password" not in weak.output


def test_limits_are_changed_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    run(path, "add", "--name", "ann", "--connections", "2", "--characters", "1000")
    run(path, "limit", "ann", "--characters", "0", "--audio-seconds", "60")
    assert read(path).keys[0].limits == KeyLimits(connections=2, audio_seconds=60)
    assert "connections=2, audio_seconds=60" in run(path, "list").output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add", "--name", "ann"], "already"),
        (["add", "--name", "key3"], "take another one"),
        (["revoke", "bob"], "no key 'bob'"),
        (["limit", "bob", "--speakers", "1"], "no key 'bob'"),
    ],
)
def test_what_cannot_be_done_changes_nothing(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    path = tmp_path / "keys.json"
    run(path, "add", "--name", "ann")
    before = path.read_bytes()
    found = run(path, *arguments)
    assert found.exit_code == 2
    assert words in found.output
    assert path.read_bytes() == before


def test_a_plain_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("sk-one\n")
    path.chmod(0o600)
    assert "plain file" in run(path, "add").output
    assert path.read_text() == "sk-one\n"
    assert [key["name"] for key in listed(path)] == ["key1"]


def test_the_file_of_the_settings_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "DRAGOMAN_API_KEYS_FILE" in CliRunner().invoke(keys, ["list"]).output
    monkeypatch.setenv("DRAGOMAN_API_KEYS_FILE", str(tmp_path / "keys.json"))
    assert CliRunner().invoke(keys, ["add"]).exit_code == 0
    assert len(listed(tmp_path / "keys.json")) == 1


def test_usage_of_today_of_a_month_and_of_all(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    run(path, "add", "--name", "ann")
    assert "no server has counted" in run(path, "usage").output
    store = UsageStore(usage_path(tmp_path))
    today = datetime.now(UTC).date().isoformat()
    store.add({(today, "ann"): Amounts(1, 61.2, 3.0, 500), ("2020-01-01", "ann"): Amounts(9)})
    body = json.loads(run(path, "usage", "--json").stdout)
    used = {"sessions": 1, "audio_in_seconds": 61.2, "audio_out_seconds": 3.0, "characters": 500}
    assert body == [{"name": "ann", "today": used, "30_days": used, "400_days": used}]
    assert "500" in run(path, "usage").output
