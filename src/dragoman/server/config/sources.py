"""Where settings come from: flags, the environment, one TOML file, profiles, defaults.

Scope: the order of precedence, the names, and the origin of every value. A value comes from the
command line, else from the environment (``DRAGOMAN_<FIELD>``; of a group also one by one,
``DRAGOMAN_LIMITS__IDLE_S``), else from the file, else from a profile, else from the default. A file
is read only if it is named: what a server does must not depend on the folder it starts in.
Names that are no settings are refused with the nearest one, in all three sources.

Errors: ``ConfigError`` with a plain sentence, which names the setting and where the bad value came
from, and never holds a key.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from dragoman.server.config import values
from dragoman.server.config.profiles import settings_of
from dragoman.server.config.settings import (
    GROUPS,
    PATHS,
    SINGLE_SETTINGS,
    Config,
    ConfigError,
)

ENV_PREFIX = "DRAGOMAN_"
CONFIG_ENV = "DRAGOMAN_CONFIG"
KEYS_ENV = "DRAGOMAN_API_KEYS"
OTHER_VARIABLES = {
    CONFIG_ENV: "names the file of settings",
    "DRAGOMAN_URL": "the server's address, for the clients among the commands",
    "DRAGOMAN_MODELS": "the folder of models, see dragoman models",
    "DRAGOMAN_ENVIRONMENTS": "the folder of environments, see dragoman engines install",
    "DRAGOMAN_MODEL_MIRROR": "where dragoman models pull gets them from",
    **{
        f"DRAGOMAN_{stage}_{part}": f"the {told} of the model server for {work}"
        for stage, work in (("ASR", "recognition"), ("MT", "translation"), ("TTS", "speech"))
        for part, told in (("URL", "address"), ("MODEL", "model"), ("KEY", "key"))
    },
    "DRAGOMAN_RECORD_HYPOTHESES": "a folder for hypothesis logs, read by the recorder",
    "DRAGOMAN_EXAMPLES": "how thorough the property tests are",
}
"""Variables with our prefix that are no settings; any other is refused."""

_DEFAULT, _PROFILE = "default", "profile "
"""Origins of what the operator did not give."""


class Setting(msgspec.Struct, frozen=True):
    """One effective setting that anybody may see, and its origin."""

    name: str
    value: Any
    origin: str

    @property
    def is_chosen(self) -> bool:
        """Whether the operator gave it, rather than a profile or the program."""
        return self.origin != _DEFAULT and not self.origin.startswith(_PROFILE)


class EffectiveConfig(msgspec.Struct, frozen=True):
    """The effective configuration and where each setting came from (``limits.idle_s`` included).
    ``file`` is the TOML file that was read.
    """

    config: Config
    origins: dict[str, str]
    file: Path | None = None

    def shown(self) -> list[Setting]:
        """Every single setting; keys are only counted."""
        plain = self.config.shown()
        for group in GROUPS:
            plain |= {f"{group}.{name}": value for name, value in plain.pop(group).items()}
        return [Setting(name, value, self.origins[name]) for name, value in plain.items()]


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return ENV_PREFIX + name.replace(".", "__").upper()


def load(
    flags: Mapping[str, str | float | None],
    environment: Mapping[str, str],
    path: Path | None = None,
) -> EffectiveConfig:
    """The effective settings. ``flags`` are those given on the command line (None: not given).

    ``path`` is the TOML file, else the one that DRAGOMAN_CONFIG names. Raises ``ConfigError``.
    """
    given = _Given()
    if path is None and environment.get(CONFIG_ENV):
        path = Path(environment[CONFIG_ENV])
    if path is not None:
        _read_file(given, path)
    _read_environment(given, environment)
    for name, flag in flags.items():
        if isinstance(flag, str):
            given.set_text(name, flag, "command line")
        elif flag is not None:
            given.set(name, flag, "command line")
    given.add_profiles()
    return EffectiveConfig(given.config(), given.all_origins(), path)


class _Given:
    """The values that were given, by full name, each with its origin; what is set later wins."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._origins: dict[str, str] = {}

    def set(self, name: str, value: Any, origin: str) -> None:
        """A value with the type it has."""
        if name not in GROUPS:
            self._one(name, value, origin, values.checked)
        elif isinstance(value, Mapping):
            # One by one: a flag for one of a group keeps the file's others.
            for inner, part in value.items():
                self._one(f"{name}.{inner}", part, origin, values.checked)
            self._origins[name] = origin
        else:
            raise ConfigError(f"{name} = {value!r}: a table is expected ({origin}).")

    def set_text(self, name: str, text: str, origin: str) -> None:
        """A value that is written as text, of one setting or of some of a group."""
        if name not in GROUPS:
            self._one(name, text, origin, values.from_text)
            return
        try:
            pairs = values.pairs(text)
        except ValueError as error:
            raise ConfigError(f"{name}: {error} ({origin}).") from None
        for inner, part in pairs.items():
            self._one(f"{name}.{inner}", part, origin, values.from_text)
        self._origins[name] = origin

    def _one(self, name: str, value: Any, origin: str, read: Callable[[Any, Any], Any]) -> None:
        if name not in SINGLE_SETTINGS:
            raise ConfigError(f"There is no setting {name!r} ({origin}); {_hint(name)}")
        try:
            self._values[name] = read(value, SINGLE_SETTINGS[name])
        except ValueError as error:
            shown = "" if name == "api_keys" else f" = {value!r}"
            raise ConfigError(f"{name}{shown}: {error} ({origin}).") from None
        self._origins[name] = origin

    def add_profiles(self) -> None:
        """What the chosen profiles set, where nothing else did."""
        try:
            bundled = settings_of(self._values.get("profile", Config().profile))
        except ValueError as error:
            raise ConfigError(f"profile: {error} ({self._origins['profile']}).") from None
        for name, (value, profile) in bundled.items():
            if name not in self._values:
                self._one(name, value, f"{_PROFILE}{profile}", values.checked)
            elif name == "engines" and _names_roles(self._values[name]):
                self._values[name] = f"{value},{self._values[name]}"

    def config(self) -> Config:
        """All of them as one value, with the defaults for the others."""
        fields: dict[str, Any] = {}
        grouped: dict[str, dict[str, Any]] = {group: {} for group in GROUPS}
        for name, value in self._values.items():
            group, _, inner = name.partition(".")
            if inner:
                grouped[group][inner] = value
            else:
                fields[name] = value
        fields |= {group: shape(**grouped[group]) for group, shape in GROUPS.items()}
        return Config(**fields)

    def all_origins(self) -> dict[str, str]:
        """Where every setting came from; a group's own origin is the last source that named it."""
        return {
            name: self._origins.get(name, _DEFAULT)
            for name in (*Config.__struct_fields__, *SINGLE_SETTINGS)
        }


def _names_roles(engines: str) -> bool:
    """Whether the value of ``engines`` begins with ``role=`` and not with a preset."""
    return "=" in engines.partition(",")[0].partition("?")[0]


def _hint(name: str) -> str:
    group, _, inner = name.rpartition(".")
    if group in GROUPS:
        fields = GROUPS[group].__struct_fields__
        near = nearest(inner, fields)
        return f"did you mean '{group}.{near}'?" if near else f"{group} has: {', '.join(fields)}."
    near = nearest(name, [*Config.__struct_fields__, *SINGLE_SETTINGS])
    return (
        f"did you mean {near!r}?" if near else f"there are: {', '.join(Config.__struct_fields__)}."
    )


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that looks most like this one, empty if none does."""
    return next(iter(get_close_matches(name, list(known), 1)), "")


def _read_file(given: _Given, path: Path) -> None:
    try:
        table = tomllib.loads(path.expanduser().read_text("utf-8"))
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from None
    except ValueError as error:  # no UTF-8, no TOML, or a number without end
        raise _unreadable(path, str(error)) from None
    origin = f"file {path}"
    if isinstance(table.get("engines"), dict):
        from dragoman.engines import registry  # noqa: PLC0415 - numpy, which few commands need

        try:
            table["engines"] = registry.choice_text(table["engines"])
        except registry.RegistryError as error:
            raise ConfigError(f"{error} ({origin})") from None
    for name, value in table.items():
        is_path = name in PATHS and value and isinstance(value, str)
        there = str(path.expanduser().parent / Path(value).expanduser()) if is_path else value
        given.set(name, there, origin)


def _unreadable(path: Path, reason: str) -> ConfigError:
    return ConfigError(f"The configuration file {path} cannot be read: {reason}.")


def _read_environment(given: _Given, environment: Mapping[str, str]) -> None:
    settings = {variable(name): name for name in (*GROUPS, *SINGLE_SETTINGS)}
    ours = {name for name in environment if name.startswith(ENV_PREFIX)}
    for stray in sorted(ours - settings.keys() - OTHER_VARIABLES.keys()):
        near = nearest(stray, [*settings, *OTHER_VARIABLES])
        hint = f"; did you mean {near}?" if near else "."
        raise ConfigError(f"There is no setting for the variable {stray}{hint}")
    for name_of_variable, name in settings.items():
        if name_of_variable in ours:
            text = environment[name_of_variable]
            given.set_text(name, text, f"environment {name_of_variable}")
    if environment.get(KEYS_ENV, "some").strip(" ,") == "":
        raise ConfigError(
            f"{KEYS_ENV} is set, but there is no key in it. Without it, no key is needed."
        )
