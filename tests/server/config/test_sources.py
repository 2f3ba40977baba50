"""Where settings come from: precedence, origins, names, secrets, and error messages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from dragoman.protocol.recognition.options import RecognitionOptions
from dragoman.protocol.synthesis.options import SynthesisOptions
from dragoman.server.config import SINGLE_SETTINGS, Config, ConfigError, ServerLimits, load
from dragoman.server.config.sources import OTHER_VARIABLES, variable
from dragoman.speech import InterpretationOptions

ROOT = Path(__file__).parents[3]


def write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def test_defaults_are_a_server_on_loopback_without_keys() -> None:
    settings = load({}, {})
    assert settings.config == Config()
    assert settings.config.host == "127.0.0.1"
    assert settings.config.directions == [("en", "es")]
    assert set(settings.origins.values()) == {"default"}


def test_groups_hold_numbers_and_booleans(tmp_path: Path) -> None:
    path = write(tmp_path / "d.toml", "[synthesis]\nhold_tail = true\n")
    settings = load({"synthesis": "flush_s=1.5,cancel_finishes=true"}, {}, path)
    synthesis = settings.config.synthesis
    assert (synthesis.flush_s, synthesis.hold_tail, synthesis.cancel_finishes) == (1.5, True, True)
    assert settings.origins["synthesis.hold_tail"] == f"file {path}"


def test_command_line_beats_environment_beats_file(tmp_path: Path) -> None:
    path = write(tmp_path / "d.toml", 'port = 1\nhost = "::1"\nengines = "scripted"\n')
    environment = {"DRAGOMAN_PORT": "2", "DRAGOMAN_HOST": "localhost"}
    settings = load({"port": 3, "host": None}, environment, path)
    config = settings.config
    assert (config.port, config.host, config.engines) == (3, "localhost", "scripted")
    assert settings.origins["port"] == "command line"
    assert settings.origins["host"] == "environment DRAGOMAN_HOST"
    assert settings.origins["engines"] == f"file {path}"
    assert settings.origins["strict"] == "default"


def test_the_environment_can_name_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "d.toml", "port = 77\n")
    assert load({}, {"DRAGOMAN_CONFIG": str(path)}).config.port == 77


def test_lists_pairs_groups_and_numbers_are_read_from_text() -> None:
    environment = {
        "DRAGOMAN_PROFILE": "cloud",
        "DRAGOMAN_HOST": "::1",
        "DRAGOMAN_PORT": "9",
        "DRAGOMAN_WORKERS": "3",
        "DRAGOMAN_ENGINES": "scripted",
        "DRAGOMAN_API_KEYS": "sk-one, sk-two",
        "DRAGOMAN_API_KEYS_FILE": "/etc/keys",
        "DRAGOMAN_STATE_DIR": "/var/lib/dragoman",
        "DRAGOMAN_ALLOWED_HOSTS": "a.example,b.example",
        "DRAGOMAN_METRICS_OPEN": "true",
        "DRAGOMAN_TLS_CERT": "cert.pem",
        "DRAGOMAN_TLS_KEY": "key.pem",
        "DRAGOMAN_ALLOWED_ORIGINS": "https://a.example,https://b.example",
        "DRAGOMAN_ALLOW_OPEN": "yes",
        "DRAGOMAN_STRICT": "1",
        "DRAGOMAN_ALIASES": "mine=qwen3-tts-flash-realtime",
        "DRAGOMAN_WARM": "en-fr,en-yue",
        "DRAGOMAN_LIMITS": "idle_s=1.5,sessions=7",
        "DRAGOMAN_SYNTHESIS": "flush_s=2,usage=session,cancel_finishes=no",
        "DRAGOMAN_INTERPRETATION": "policy=units,top_rate=1.2",
        "DRAGOMAN_RECOGNITION": "snapshots=whole",
        "DRAGOMAN_LOG_LEVEL": "DEBUG",
        "DRAGOMAN_LOG_FORMAT": "JSON",
        "DRAGOMAN_DRAIN_S": "0.5",
    }
    settings = load({}, environment)
    assert settings.config == Config(
        profile=("cloud",),
        host="::1",
        port=9,
        workers=3,
        engines="scripted",
        api_keys=("sk-one", "sk-two"),
        api_keys_file="/etc/keys",
        state_dir="/var/lib/dragoman",
        allowed_hosts=("a.example", "b.example"),
        metrics_open=True,
        tls_cert="cert.pem",
        tls_key="key.pem",
        allowed_origins=("https://a.example", "https://b.example"),
        allow_open=True,
        strict=True,
        aliases={"mine": "qwen3-tts-flash-realtime"},
        warm=("en-fr", "en-yue"),
        limits=ServerLimits(idle_s=1.5, sessions=7),
        synthesis=SynthesisOptions(
            flush_s=2,
            hold_tail=True,
            usage="session",
            cancel_finishes=False,
            lower_case_language=True,
        ),
        interpretation=InterpretationOptions(policy="units", top_rate=1.2),
        recognition=RecognitionOptions(snapshots="whole"),
        log_level="debug",
        log_format="json",
        drain_s=0.5,
    )
    assert settings.config.directions == [("en", "fr"), ("en", "yue")]


def test_limits_are_merged_one_by_one(tmp_path: Path) -> None:
    path = write(tmp_path / "d.toml", "[limits]\nidle_s = 10\nage_s = 20\n")
    settings = load({"limits": "idle_s=5"}, {}, path)
    limits = settings.config.limits
    assert (limits.idle_s, limits.age_s, limits.linger_s) == (5, 20, 15)
    assert settings.origins["limits.idle_s"] == "command line"
    assert settings.origins["limits.age_s"] == f"file {path}"
    assert settings.origins["limits.linger_s"] == "default"


@pytest.mark.parametrize(
    ("flags", "environment", "words"),
    [
        ({"port": 70_000}, {}, ("port", "command line")),
        ({}, {"DRAGOMAN_PORT": "many"}, ("port", "DRAGOMAN_PORT")),
        ({}, {"DRAGOMAN_STRICT": "perhaps"}, ("strict", "perhaps")),
        ({"warm": "english-spanish"}, {}, ("warm", "command line")),
        ({"limits": "patience=3"}, {}, ("patience", "idle_s")),
        ({"synthesis": "patience=3"}, {}, ("patience", "flush_s")),
        ({"synthesis": "flush_s=-1"}, {}, ("synthesis",)),
        ({"interpretation": "policy=hasty"}, {}, ("interpretation", "hasty")),
        ({"interpretation": "top_rate=3"}, {}, ("interpretation", "2")),
        ({"limits": "idle_s"}, {}, ("limits", "NAME=VALUE")),
        ({"log_level": "loud"}, {}, ("log_level", "command line")),
        ({"drain_s": "-1"}, {}, ("drain_s", "command line")),
        ({"limits": "sessions=0"}, {}, ("limits.sessions", "at least 1")),
        ({"limits": "idle_s=-1"}, {}, ("limits.idle_s", "at least 0")),
        ({"limits": "idle_s=nan"}, {}, ("limits.idle_s", "nan", "a number")),
        ({"limits": "stall_s=inf"}, {}, ("limits.stall_s", "at most 604800")),
        ({}, {"DRAGOMAN_DRAIN_S": "nan"}, ("drain_s", "DRAGOMAN_DRAIN_S")),
        ({"limits": "image_bytes=-5"}, {}, ("limits.image_bytes", "at least 0")),
        ({"profile": "frendly"}, {}, ("frendly", "did you mean 'friendly'?")),
        ({"profile": "cloud,strict"}, {}, ("'cloud' and 'strict' exclude each other",)),
    ],
)
def test_the_error_of_a_bad_value_names_its_origin(flags, environment, words) -> None:
    with pytest.raises(ConfigError) as caught:
        load(flags, environment)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("limits.idel_s", "limits.idle_s"),
        ("idle_s", "limits.idle_s"),
        ("prot", "port"),
        ("limit", "limits"),
        ("synthesis.hold_tial", "synthesis.hold_tail"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(tmp_path: Path, name: str, near: str) -> None:
    group, _, inner = name.rpartition(".")
    path = write(tmp_path / "d.toml", f"[{group}]\n{inner} = 1\n" if group else f"{inner} = 1\n")
    words = f"There is no setting '{name}' .*; did you mean '{near}'"
    with pytest.raises(ConfigError, match=words):
        load({}, {}, path)
    if group:
        with pytest.raises(ConfigError, match=words):
            load({group: f"{inner}=1"}, {})


@pytest.mark.parametrize(
    ("stray", "near"),
    [
        ("DRAGOMAN_LIMIT", "DRAGOMAN_LIMITS"),
        ("DRAGOMAN_LIMITS__IDEL_S", "DRAGOMAN_LIMITS__IDLE_S"),
        ("DRAGOMAN_API_KEY", "DRAGOMAN_API_KEYS"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest(stray: str, near: str) -> None:
    with pytest.raises(ConfigError, match=f"{stray}; did you mean {near}") as caught:
        load({}, {stray: "sk-secret"})
    assert "secret" not in str(caught.value)


def test_variables_of_other_programs_and_of_our_other_commands_are_left_alone() -> None:
    environment = dict.fromkeys(OTHER_VARIABLES, "") | {"PATH": "/bin", "MY_DRAGOMAN_PORT": "1"}
    assert load({}, environment).config == Config()


def test_every_variable_that_the_program_reads_is_known() -> None:
    """Otherwise a server refuses to start for a variable of ours."""
    known = {variable(name) for name in (*Config.__struct_fields__, *SINGLE_SETTINGS)}
    known |= OTHER_VARIABLES.keys()
    places = [path for top in ("src", "bench", "scripts") for path in (ROOT / top).rglob("*.py")]
    places += [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/*.*")]
    named = {
        name for path in places for name in re.findall(r"DRAGOMAN_[A-Z_]*[A-Z]\b", path.read_text())
    }
    assert named - known == set()


def as_text(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}={part}" for name, part in value.items())
    return ",".join(value) if isinstance(value, tuple) else str(value)


@pytest.mark.parametrize("name", sorted(SINGLE_SETTINGS.keys() - {"api_keys"}))
def test_every_setting_has_a_variable_that_takes_its_default(name: str) -> None:
    default = {setting.name: setting.value for setting in load({}, {}).shown()}[name]
    effective = load({}, {variable(name): as_text(default)})
    assert effective.config == Config()
    assert effective.origins[name] == f"environment {variable(name)}"


def test_each_setting_of_a_group_has_a_variable_of_its_own() -> None:
    environment = {"DRAGOMAN_LIMITS": "idle_s=5,age_s=6", "DRAGOMAN_LIMITS__IDLE_S": "7"}
    settings = load({}, environment)
    assert (settings.config.limits.idle_s, settings.config.limits.age_s) == (7, 6)
    assert settings.origins["limits.idle_s"] == "environment DRAGOMAN_LIMITS__IDLE_S"


@pytest.mark.parametrize("text", ["prot = 1", "port = ", "[limits]\nidle_s = 'x'", "limits = 3"])
def test_a_bad_file_is_a_config_error(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "d.toml", text)
    with pytest.raises(ConfigError, match=str(path)):
        load({}, {}, path)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "-1", "1e30"])
def test_numbers_of_a_file_keep_their_bounds(tmp_path: Path, value: str) -> None:
    path = write(tmp_path / "d.toml", f"[limits]\nage_s = {value}\n")
    with pytest.raises(ConfigError, match=r"limits\.age_s"):
        load({}, {}, path)


def test_a_missing_file_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load({}, {}, tmp_path / "none.toml")


def test_keys_never_show() -> None:
    settings = load({}, {"DRAGOMAN_API_KEYS": "sk-secret-1,sk-secret-2"})
    config = settings.config
    assert config.api_keys == ("sk-secret-1", "sk-secret-2")
    for shown in (repr(config), str(config), str(config.shown()), repr(settings)):
        assert "secret" not in shown
        assert "2 set" in shown


def test_a_file_of_keys_is_relative_to_the_file_of_settings(tmp_path: Path) -> None:
    file = write(tmp_path / "d.toml", 'api_keys_file = "keys"\nstate_dir = "/var/x"\n')
    config = load({}, {}, file).config
    assert (config.api_keys_file, config.state_dir) == (str(tmp_path / "keys"), "/var/x")
    assert config.asks_for_keys
    assert load({"api_keys_file": "keys"}, {}).config.api_keys_file == "keys"


def test_a_variable_for_keys_that_holds_none_is_an_error() -> None:
    for text in ("", " , "):
        with pytest.raises(ConfigError, match="no key in it"):
            load({}, {"DRAGOMAN_API_KEYS": text})


def test_an_error_about_keys_does_not_show_them() -> None:
    with pytest.raises(ConfigError) as caught:
        load({}, {"DRAGOMAN_API_KEYS": "sk-secret", "DRAGOMAN_PORT": "x"})
    assert "secret" not in str(caught.value)


def test_engines_may_be_a_table_of_the_file(tmp_path: Path) -> None:
    text = '[engines]\npreset = "scripted"\ntts = ["flite@concurrency=4", "espeak"]\n'
    found = load({}, {}, write(tmp_path / "d.toml", text)).config
    assert found.engines == "scripted,tts=flite@concurrency=4,espeak"
    with pytest.raises(ConfigError, match="nose"):
        load({}, {}, write(tmp_path / "e.toml", '[engines]\nnose = "x"\n'))


def test_a_single_key_where_a_list_belongs_is_not_shown(tmp_path: Path) -> None:
    path = write(tmp_path / "d.toml", 'api_keys = "sk-secret"\n')
    with pytest.raises(ConfigError, match="a list is expected") as caught:
        load({}, {}, path)
    assert "secret" not in str(caught.value)


def test_the_file_that_was_read_is_told_and_none_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "dragoman.toml", "port = 1\n")
    monkeypatch.chdir(tmp_path)
    assert load({}, {}).file is None
    assert load({}, {}, path).file == path
