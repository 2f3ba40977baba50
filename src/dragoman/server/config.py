"""The settings of the server: one frozen value, few fields, each with its origin.

Scope: settings are read here and nowhere else. A value comes from the command line,
else from the environment (``DRAGOMAN_<FIELD>``), else from a TOML file, else from the default;
``EffectiveConfig.origins`` remembers which, for ``dragoman doctor``. Options of engines are not
here: an engine parses its own from the engine specification.

Keys are secrets: they come from a file or the environment, never from the command line (which
every user of the machine can read), and ``repr`` and ``shown`` only ever tell how many there are.

Errors: ``ConfigError`` with a plain sentence for the operator, which names the setting and where
the bad value came from.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from dragoman.protocol.core.session import Limits
from dragoman.protocol.recognition.options import RecognitionOptions
from dragoman.protocol.synthesis.options import SynthesisOptions
from dragoman.speech import InterpretationOptions

ENV_PREFIX = "DRAGOMAN_"
CONFIG_ENV = "DRAGOMAN_CONFIG"

Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]
Direction = Annotated[str, msgspec.Meta(pattern="^[a-z]{2,3}-[a-z]{2,3}$")]
LogLevel = Annotated[str, msgspec.Meta(pattern="^(debug|info|warning|error)$")]


class ConfigError(Exception):
    """A setting cannot be used; the message is for the operator."""


class ServerLimits(Limits, frozen=True, kw_only=True):
    """The limits of one session, and how many sessions the server takes at once.

    ``stall_s`` is how long a client may refuse to read before it is cut off.
    """

    sessions: Annotated[int, msgspec.Meta(ge=1)] = 2000
    stall_s: float = 30.0


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What ``dragoman serve`` needs to know. ``docs/serving.md`` explains every field."""

    host: str = "127.0.0.1"
    port: Port = 8000
    engines: str = "embedded"
    api_keys: tuple[str, ...] = ()
    api_keys_file: str = ""
    state_dir: str = ""
    allowed_origins: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    allow_open: bool = False
    metrics_open: bool = False
    strict: bool = False
    aliases: dict[str, str] = {}
    warm: tuple[Direction, ...] = ("en-es",)
    limits: ServerLimits = ServerLimits()
    synthesis: SynthesisOptions = SynthesisOptions()
    interpretation: InterpretationOptions = InterpretationOptions()
    recognition: RecognitionOptions = RecognitionOptions()
    log_level: LogLevel = "info"
    drain_s: Seconds = 10.0

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self.shown().items())
        return f"Config({inside})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return list(self.shown().items())

    def shown(self) -> dict[str, Any]:
        """The settings as plain values that may be shown to anybody: keys are only counted."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        plain["api_keys"] = f"{len(self.api_keys)} set" if self.api_keys else "none"
        return plain

    @property
    def asks_for_keys(self) -> bool:
        """Whether clients need a key."""
        return bool(self.api_keys or self.api_keys_file)

    @property
    def directions(self) -> list[tuple[str, str]]:
        """``warm`` as pairs of (source, target)."""
        return [(source, target) for source, _, target in (w.partition("-") for w in self.warm)]


class EffectiveConfig(msgspec.Struct, frozen=True):
    """The effective configuration and where each field came from (``limits.idle_s`` included)."""

    config: Config
    origins: dict[str, str]


# ---------------------------------------------------------------- text to plain values
def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _pairs(text: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for part in _list(text):
        name, equals, value = part.partition("=")
        if not equals:
            raise ValueError(f"{part!r} should look like NAME=VALUE")
        pairs[name.strip()] = value.strip()
    return pairs


def _boolean(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off", ""):
        return False
    raise ValueError(f"{text!r} is neither true nor false")


def _options(text: str) -> dict[str, float | bool | str]:
    """``name=3,other=true``: the values of a group are numbers, booleans or names."""
    return {name: _plain_value(value) for name, value in _pairs(text).items()}


def _plain_value(text: str) -> float | bool | str:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return float(text)
    except ValueError:
        return text


_PATHS = ("api_keys_file", "state_dir")

GROUPS: dict[str, type[msgspec.Struct]] = {
    "limits": ServerLimits,
    "synthesis": SynthesisOptions,
    "interpretation": InterpretationOptions,
    "recognition": RecognitionOptions,
}
"""Settings that hold settings; each of theirs has an origin of its own (``limits.idle_s``)."""

_FROM_TEXT: dict[str, Callable[[str], Any]] = {
    "port": int,
    "api_keys": _list,
    "allowed_origins": _list,
    "allowed_hosts": _list,
    "allow_open": _boolean,
    "metrics_open": _boolean,
    "strict": _boolean,
    "aliases": _pairs,
    "warm": _list,
    "limits": _options,
    "synthesis": _options,
    "interpretation": _options,
    "recognition": _options,
    "log_level": str.lower,
    "drain_s": float,
}


def _plain(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


# ---------------------------------------------------------------- the three sources
class _Sources:
    """Values by field, each with its origin; what is set later wins."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.origins: dict[str, str] = {}

    def set(self, name: str, value: Any, origin: str) -> None:
        if name not in Config.__struct_fields__:
            raise ConfigError(f"There is no setting {name!r} ({origin}).")
        if name in GROUPS and isinstance(value, Mapping):
            # Merged one by one: a flag for one of them keeps the file's others.
            merged = dict(self.values.get(name, {}))
            for key, part in value.items():
                merged[key] = int(part) if isinstance(part, float) and part % 1 == 0 else part
                self.origins[f"{name}.{key}"] = origin
            value = merged
        self.values[name] = value
        self.origins[name] = origin

    def set_text(self, name: str, text: str, origin: str) -> None:
        try:
            value = _FROM_TEXT.get(name, str)(text)
        except ValueError as error:
            # Never the text of a key: only fields without secrets can fail to parse.
            raise ConfigError(f"{name}: {error} ({origin}).") from None
        self.set(name, value, origin)


def _read_file(sources: _Sources, path: Path) -> None:
    try:
        table = tomllib.loads(path.expanduser().read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = f"The configuration file {path} cannot be read: {_plain(error)}."
        raise ConfigError(message) from None
    origin = f"file {path}"
    if isinstance(table.get("engines"), dict):
        from dragoman.engines import registry  # noqa: PLC0415 - numpy, which few commands need

        try:
            table["engines"] = registry.choice_text(table["engines"])
        except registry.RegistryError as error:
            raise ConfigError(f"{error} ({origin})") from None
    for name, value in table.items():
        if name in _PATHS:
            # Relative to the configuration file, so that both can move together.
            value = str(path.expanduser().parent / Path(str(value)).expanduser())  # noqa: PLW2901
        sources.set(name, value, origin)


def _read_environment(sources: _Sources, environment: Mapping[str, str]) -> None:
    for name in Config.__struct_fields__:
        text = environment.get(ENV_PREFIX + name.upper())
        if name == "api_keys" and text is not None and not _list(text):
            raise ConfigError(
                "DRAGOMAN_API_KEYS is set, but there is no key in it. Without the variable, no "
                "key is needed."
            )
        if text is not None:
            sources.set_text(name, text, f"environment {ENV_PREFIX}{name.upper()}")


def load(
    flags: Mapping[str, str | float | None],
    environment: Mapping[str, str],
    path: Path | None = None,
) -> EffectiveConfig:
    """The effective settings. ``flags`` are those given on the command line (None: not given).

    ``path`` is the TOML file, else the one that DRAGOMAN_CONFIG names. Raises ``ConfigError``.
    """
    sources = _Sources()
    if path is None and environment.get(CONFIG_ENV):
        path = Path(environment[CONFIG_ENV])
    if path is not None:
        _read_file(sources, path)
    _read_environment(sources, environment)
    for name, flag in flags.items():
        if isinstance(flag, str):
            sources.set_text(name, flag, "command line")
        elif flag is not None:
            sources.set(name, flag, "command line")
    return EffectiveConfig(_checked(sources), _with_defaults(sources.origins))


def _checked(sources: _Sources) -> Config:
    for group, shape in GROUPS.items():
        known, values = shape.__struct_fields__, sources.values.get(group, {})
        unknown = sorted(set(values) - set(known)) if isinstance(values, Mapping) else []
        if unknown:
            names = ", ".join(known)
            raise ConfigError(f"There is no {group}.{unknown[0]}; {group} has: {names}.")
    try:
        return msgspec.convert(sources.values, Config)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at ")
        field = where.strip("`$.").partition(".")[0].partition("[")[0]
        origin = sources.origins.get(field, "unknown")
        raise ConfigError(f"{field or 'configuration'}: {message} ({origin}).") from None


def _with_defaults(origins: Mapping[str, str]) -> dict[str, str]:
    inner = [f"{group}.{n}" for group, shape in GROUPS.items() for n in shape.__struct_fields__]
    names = [*Config.__struct_fields__, *inner]
    return {name: origins.get(name, "default") for name in names}
