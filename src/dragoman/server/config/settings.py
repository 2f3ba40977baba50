"""The settings of the server: one frozen value whose fields are the settings.

Scope: names, types, bounds, defaults and the sentence that the command line shows. A new setting
is a field here (or in one of the groups) and its row in ``docs/serving.md``: flag, variable, key of
the file, check and origin follow from the field. Where values come from: ``sources.py``. Options
of engines are not here: an engine parses its own from the engine specification.

Keys are secrets: they come from a file or the environment, never from the command line (which
every user of the machine can read), and ``repr`` and ``shown`` only ever tell how many there are.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_type_hints

import msgspec
from msgspec import Meta

from dragoman.protocol.core.session import Limits, Seconds
from dragoman.protocol.recognition.options import RecognitionOptions
from dragoman.protocol.synthesis.options import SynthesisOptions
from dragoman.speech import InterpretationOptions

Direction = Annotated[str, Meta(pattern="^[a-z]{2,3}-[a-z]{2,3}$", examples=["en-es"])]


class ConfigError(Exception):
    """A setting cannot be used; the message is a sentence for the operator."""


class ServerLimits(Limits, frozen=True, kw_only=True):
    """The limits of one session, and how many sessions the server takes at once.

    ``speakers`` bounds those who speak at the same time (0: only what the engines carry does).
    ``stall_s`` is how long a client may refuse to read before it is cut off, ``frame_bytes`` what a
    message from a client may have, ``memory_bytes`` what input of all clients together may take.
    """

    sessions: Annotated[int, Meta(ge=1, le=1_000_000)] = 2000
    speakers: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    stall_s: Seconds = 30.0
    frame_bytes: Annotated[int, Meta(ge=1024, le=1 << 30)] = 2 * 1024 * 1024
    memory_bytes: Annotated[int, Meta(ge=1024 * 1024, le=1 << 40)] = 256 * 1024 * 1024


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What ``dragoman serve`` needs to know. ``docs/serving.md`` explains every field.

    A description is the help of the flag; a setting without one has no flag of its own.
    """

    profile: Annotated[
        tuple[str, ...], Meta(description="Bundles of settings: cloud, strict, cpu, gpu, …")
    ] = ("friendly",)
    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535, description="Port; 0 takes a free one.")] = 8000
    workers: Annotated[
        int, Meta(ge=1, le=64, description="Processes that serve clients; the engines are shared.")
    ] = 1
    engines: Annotated[str, Meta(description="Which engines: a preset, or a list.")] = "embedded"
    api_keys: tuple[str, ...] = ()
    api_keys_file: Annotated[str, Meta(description="File of API keys, see dragoman keys.")] = ""
    state_dir: Annotated[
        str, Meta(description="Folder for the usage of keys; that of the key file if not given.")
    ] = ""
    allowed_origins: Annotated[
        tuple[str, ...], Meta(description="Web pages that may connect: ORIGIN,…")
    ] = ()
    allowed_hosts: Annotated[
        tuple[str, ...], Meta(description="Names this server may be called by: NAME,…")
    ] = ()
    tls_cert: Annotated[str, Meta(description="Certificate and its chain, PEM: wss://.")] = ""
    tls_key: Annotated[str, Meta(description="Key of the certificate, PEM.")] = ""
    allow_open: Annotated[bool, Meta(description="Serve other machines without any key.")] = False
    metrics_open: Annotated[
        bool, Meta(description="Show other machines the metrics without a key.")
    ] = False
    strict: Annotated[
        bool, Meta(description="Behave as harshly as the cloud is documented to.")
    ] = False
    aliases: Annotated[
        dict[str, str], Meta(description="More model names: MINE=qwen3-tts-…,…")
    ] = {}
    warm: Annotated[
        tuple[Direction, ...], Meta(description="Directions to get ready at the start.")
    ] = ("en-es",)
    limits: Annotated[ServerLimits, Meta(description="Limits: idle_s=300,sessions=2000,…")] = (
        ServerLimits()
    )
    synthesis: Annotated[
        SynthesisOptions, Meta(description="Open choices: flush_s=1,hold_tail=true,…")
    ] = SynthesisOptions()
    interpretation: Annotated[
        InterpretationOptions,
        Meta(description="Earliness and calm: policy=units,top_rate=1.2,…"),
    ] = InterpretationOptions()
    recognition: Annotated[
        RecognitionOptions, Meta(description="How snapshots are split: snapshots=whole")
    ] = RecognitionOptions()
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(description="debug, info, warning or error."),
    ] = "info"
    log_format: Annotated[
        Literal["console", "json"], Meta(description="Lines for people or programs: console, json.")
    ] = "console"
    drain_s: Annotated[Seconds, Meta(description="Seconds that sessions get at shutdown.")] = 10.0

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


# ---------------------------------------------------------------- what follows from the fields
TYPES: dict[str, Any] = {
    name: kind
    for name, kind in get_type_hints(Config, include_extras=True).items()
    if name in Config.__struct_fields__
}
"""The annotated type of each field of ``Config``."""

GROUPS: dict[str, type[msgspec.Struct]] = {
    name: type(default)
    for name in Config.__struct_fields__
    if isinstance(default := getattr(Config(), name), msgspec.Struct)
}
"""Settings that hold settings; each of theirs has an origin of its own (``limits.idle_s``)."""

PATHS = ("api_keys_file", "state_dir", "tls_cert", "tls_key")
"""Settings that name files; in a file of settings they are relative to it, so both can move."""

SINGLE_SETTINGS: dict[str, Any] = {
    name: kind for name, kind in TYPES.items() if name not in GROUPS
} | {
    f"{group}.{name}": get_type_hints(shape, include_extras=True)[name]
    for group, shape in GROUPS.items()
    for name in shape.__struct_fields__
}
"""Every setting that is one value, by its full name, with its annotated type."""
