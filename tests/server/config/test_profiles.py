"""Profiles: what each sets, and that a setting given elsewhere wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from dragoman.engines.registry import PRESETS, parse_choice
from dragoman.server.config import SINGLE_SETTINGS, ConfigError, load
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


@pytest.mark.parametrize(
    ("given", "engines"),
    [
        ({"profile": "cpu"}, "cpu"),
        ({"profile": "strict,gpu"}, "gpu"),
        ({"profile": "cpu", "engines": "mt=apertium"}, "cpu,mt=apertium"),
        (
            {"profile": "cpu", "engines": "tts=flite,espeak,mt=a?b=c"},
            "cpu,tts=flite,espeak,mt=a?b=c",
        ),
        ({"profile": "cpu", "engines": "embedded,mt=apertium"}, "embedded,mt=apertium"),
        ({"profile": "cpu", "engines": "scripted"}, "scripted"),
        ({"profile": "strict", "engines": "mt=apertium"}, "mt=apertium"),
    ],
)
def test_engines_that_name_roles_replace_those_of_the_profile(
    given: dict[str, str], engines: str
) -> None:
    assert load(given, {}).config.engines == engines


def test_a_role_in_the_file_replaces_that_of_the_profile(tmp_path: Path) -> None:
    file = tmp_path / "d.toml"
    file.write_text('profile = ["cpu"]\n[engines]\nmt = "apertium"\n')
    config = load({}, {}, file).config
    chosen, cpu = parse_choice(config.engines), PRESETS["cpu"]
    assert chosen.mt == ("apertium",)
    assert (chosen.asr, chosen.tts, chosen.vad) == (cpu.asr, cpu.tts, cpu.vad)


def test_two_profiles_of_one_family_exclude_each_other() -> None:
    with pytest.raises(ConfigError, match="'cpu' and 'gpu' exclude each other"):
        load({"profile": "cpu,gpu"}, {})
