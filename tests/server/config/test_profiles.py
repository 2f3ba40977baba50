"""Profiles: what each sets, and that a setting given elsewhere wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from dragoman.server.config import SINGLE_SETTINGS, load
from dragoman.server.config.profiles import PROFILES


def test_the_default_profile_sets_nothing() -> None:
    assert load({"profile": "friendly"}, {}).config == load({}, {}).config


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_sets_settings_that_exist_to_values_that_are_allowed(name: str) -> None:
    effective = load({"profile": name}, {})
    shown = {setting.name: setting for setting in effective.shown()}
    for setting, value in PROFILES[name].settings.items():
        assert setting in SINGLE_SETTINGS
        assert shown[setting].value == value
        assert shown[setting].origin == f"profile {name}"


def test_strict_is_the_cloud_and_the_old_switch() -> None:
    strict, cloud = (load({"profile": name}, {}).config for name in ("strict", "cloud"))
    assert (strict.strict, cloud.strict) == (True, False)
    assert strict.synthesis == cloud.synthesis
    assert load({"strict": True}, {}).config.synthesis == load({}, {}).config.synthesis


def test_every_other_source_wins_over_a_profile(tmp_path: Path) -> None:
    file = tmp_path / "d.toml"
    file.write_text('profile = ["strict"]\nstrict = false\n[synthesis]\nhold_tail = false\n')
    effective = load({}, {"DRAGOMAN_SYNTHESIS": "cancel_finishes=false"}, file)
    config = effective.config
    assert not config.strict
    assert not config.synthesis.hold_tail
    assert not config.synthesis.cancel_finishes
    assert config.synthesis.lower_case_language
    assert effective.origins["synthesis.lower_case_language"] == "profile strict"
    assert effective.origins["strict"] == f"file {file}"


def test_a_profile_of_the_command_line_replaces_that_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "d.toml"
    file.write_text('profile = ["strict"]\n')
    assert load({"profile": "friendly"}, {}, file).config.strict is False
