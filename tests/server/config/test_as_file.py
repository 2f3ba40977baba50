"""Effective settings as a file: it can be loaded again, and holds no key."""

from __future__ import annotations

import tomllib
from pathlib import Path

from dragoman.server.config import as_toml, load

FLAGS = {
    "profile": "cloud",
    "engines": "scripted,tts=flite@concurrency=4,espeak",
    "aliases": 'my.voice=qwen3-tts-flash-realtime,"odd"=x\\y',
    "limits": "idle_s=1.5,sessions=7",
    "warm": "en-fr,en-yue",
    "synthesis": "hold_tail=no",
}


def test_the_file_has_the_same_effect(tmp_path: Path) -> None:
    effective = load(FLAGS, {})
    text = as_toml(effective)
    file = tmp_path / "d.toml"
    file.write_text(text)
    assert load({}, {}, file).config == effective.config
    assert "\nidle_s = 1.5  # command line" in text
    assert "# cancel_finishes = true  # profile cloud" in text


def test_what_nobody_chose_does_not_stand_in_the_way_of_a_profile(tmp_path: Path) -> None:
    file = tmp_path / "d.toml"
    file.write_text(as_toml(load({"port": "99"}, {})))
    changed = load({"profile": "strict"}, {}, file)
    assert changed.config == load({"port": "99", "profile": "strict"}, {}).config


def test_paths_count_wherever_the_file_is_put(tmp_path: Path) -> None:
    file = tmp_path / "d.toml"
    file.write_text(as_toml(load({"api_keys_file": "keys"}, {})))
    assert load({}, {}, file).config.api_keys_file == str(Path("keys").absolute())


def test_keys_are_counted_and_left_out() -> None:
    text = as_toml(load({}, {"DRAGOMAN_API_KEYS": "sk-secret-1,sk-secret-2"}))
    assert "secret" not in text
    assert "# api_keys: 2 set" in text
    assert "api_keys" not in tomllib.loads(text)
