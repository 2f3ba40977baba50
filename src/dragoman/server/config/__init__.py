"""The settings of the server, and where they come from; what the rest of the program may use."""

from dragoman.server.config.as_file import as_toml
from dragoman.server.config.settings import (
    GROUPS,
    SINGLE_SETTINGS,
    TYPES,
    Config,
    ConfigError,
    ServerLimits,
)
from dragoman.server.config.sources import ENV_PREFIX, EffectiveConfig, Setting, load

__all__ = [
    "ENV_PREFIX",
    "GROUPS",
    "SINGLE_SETTINGS",
    "TYPES",
    "Config",
    "ConfigError",
    "EffectiveConfig",
    "ServerLimits",
    "Setting",
    "as_toml",
    "load",
]
