"""``docs/serving.md`` is complete: every setting, flag, variable, limit, metric and default."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer import Typer
from typer.main import get_command

from dragoman.cli import serve as command
from dragoman.policy.vision import images
from dragoman.protocol.audio_input import opus_packets
from dragoman.protocol.recognition.options import RecognitionOptions
from dragoman.protocol.synthesis.options import SynthesisOptions
from dragoman.server.config import ENV_PREFIX, GROUPS, Config, ServerLimits, load
from dragoman.server.config.profiles import PROFILES
from dragoman.server.observability import logs
from dragoman.server.observability.metrics import Metrics
from dragoman.server.sockets import (
    bounded_frames,
    client_bounds,
    http_guard,
    listener,
    websocket_guard,
)
from dragoman.speech import InterpretationOptions

PAGE = (Path(__file__).parents[2] / "docs" / "serving.md").read_text("utf-8")


def rows(first: str) -> dict[str, list[str]]:
    """The table whose first heading is ``first``: cells by the name in the first column."""
    lines = PAGE.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"| {first} |"))
    table = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        table[cells[0].strip("`")] = cells[1:]
    return table


def flags_of_serve() -> set[str]:
    alone = Typer()
    alone.command()(command.serve)
    return {
        name
        for parameter in get_command(alone).params
        for name in [*parameter.opts, *parameter.secondary_opts]
        if not name.startswith("--install") and not name.startswith("--show")
    }


def test_every_setting_has_its_row_and_variable() -> None:
    table = rows("setting")
    assert list(table) == list(Config.__struct_fields__)
    for field, cells in table.items():
        assert f"`{ENV_PREFIX}{field.upper()}`" in cells[1]


def test_every_flag_is_documented_and_none_that_is_not() -> None:
    flags = flags_of_serve()
    for flag in flags:
        assert f"`{flag}`" in PAGE or f"`{flag} " in PAGE, flag
    documented = set(re.findall(r"`(--[a-z-]+)", PAGE)) - {"--json", "--toml"}
    assert documented <= flags


@pytest.mark.parametrize("field", Config.__struct_fields__)
def test_defaults_are_as_documented(field: str) -> None:
    default: Any = getattr(Config(), field)
    told = rows("setting")[field][2]
    if field in GROUPS:
        assert f"(#{field})" in told
    elif not default and default is not False:
        assert told == "none"
    else:
        text = ",".join(default) if isinstance(default, tuple) else str(default).lower()
        assert told.strip("`") == text.removesuffix(".0")


def test_profiles_are_as_documented() -> None:
    documented = {
        setting: {name: cell for name, cell in zip(PROFILES, cells, strict=True) if cell}
        for setting, cells in rows("set by a profile").items()
    }
    real: dict[str, dict[str, str]] = {}
    for name, profile in PROFILES.items():
        for setting, value in profile.settings.items():
            real.setdefault(setting, {})[name] = str(value).lower()
    assert documented == real


FIXED = {
    "scans of a JPEG": f"{images.MOST_SCANS}",
    "markers of a JPEG": f"{images.MOST_MARKERS}",
    "Ogg segments of an append": f"{opus_packets.MOST_PARTS}",
    "request": f"{http_guard.REQUEST_BYTES // 1024} KiB in {http_guard.REQUEST_S:g} s",
    "handshake": f"{websocket_guard.HANDSHAKE_S:g} s",
    "line of a head": f"{round(http_guard.LINE_BYTES / 1024)} KiB",
    "headers of a request": f"{http_guard.HEADERS}",
    "requests of one connection": f"{http_guard.REQUESTS}, one after the other",
    "connections without a session": f"{client_bounds.WAITING_CONNECTIONS}",
    "control frames": f"{bounded_frames.CONTROL_PER_S:g} a second, "
    f"{bounded_frames.CONTROL_BURST} at once",
    "fragments of a message": f"{bounded_frames.FRAGMENTS}",
    "input ahead": f"{websocket_guard.READ_AHEAD // 1024} KiB",
    "output ahead": f"{(listener.SEND_BUFFER_BYTES + listener.UNSENT_BYTES) // 1024} KiB",
    "lines of the log": f"{logs.SESSION_LINES} of a session, "
    f"{logs.LINES_PER_S:g} a second of the process",
}
"""The limits that are no settings, as the page writes them."""


def test_limits_are_as_documented() -> None:
    table = {name: cells[0] for name, cells in rows("limit").items()}
    fixed = {name: told for name, told in table.items() if name in FIXED}
    assert fixed == FIXED
    defaults = {name: getattr(ServerLimits(), name) for name in ServerLimits.__struct_fields__}
    assert {name: float(told) for name, told in table.items() if name not in FIXED} == defaults


def test_synthesis_options_are_as_documented() -> None:
    table = rows("synthesis option")
    assert list(table) == list(SynthesisOptions.__struct_fields__)
    for name, cells in table.items():
        default = getattr(SynthesisOptions(), name)
        shown = "false" if default is False else default
        assert cells[0] == (shown if isinstance(shown, str) else f"{shown:g}")


def test_interpretation_options_are_as_documented() -> None:
    table = rows("interpretation option")
    assert list(table) == list(InterpretationOptions.__struct_fields__)
    for name, cells in table.items():
        default = getattr(InterpretationOptions(), name)
        assert cells[0] == (default if isinstance(default, str) else f"{default:g}")


def test_recognition_options_are_as_documented() -> None:
    table = rows("recognition option")
    assert list(table) == list(RecognitionOptions.__struct_fields__)
    for name, cells in table.items():
        assert cells[0] == getattr(RecognitionOptions(), name)


def test_metrics_are_as_documented() -> None:
    documented = {name.partition("{")[0].removesuffix("_total") for name in rows("metric")}
    real = {
        family.name
        for family in Metrics().registry.collect()
        if family.name.startswith("dragoman_")
    }
    assert documented == real


def test_the_example_file_is_valid(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert example is not None
    file = tmp_path / "dragoman.toml"
    file.write_text(example[1])
    config = load({}, {}, file).config
    assert config.api_keys_file == str(tmp_path / "keys")
    assert config.limits.sessions == tomllib.loads(example[1])["limits"]["sessions"]
