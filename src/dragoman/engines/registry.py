"""Engines by name: entry points, spec strings, presets, and the ``--engines`` value.

Scope: it finds and makes engines; it never loads or runs one. An engine is whatever a
distribution registers under the entry point group ``dragoman.engines``; ours are registered the
same way. Looking one up imports that one only. An engine that only an environment has, or that is
wanted from one, is described by the environment (``remote_engine``).

* A *spec* is ``name?option=value&option=value@key=value,key=value``. The options are the keyword
  arguments of the engine's constructor, converted by their annotations. What stands behind the
  ``@`` says where and how the engine runs (``Placement``); the engine never sees it.
  In a value, ``${NAME}`` stands for an environment variable (empty if it is not set),
  ``${NAME:-text}`` for one with a default, ``${NAME:+text}`` for a text if the variable is set.
* A *choice* says which specs fill which role. It is written as a preset, as a list of
  ``role=spec``, or as a preset with some roles replaced::

      embedded
      embedded,asr=my-asr?threads=2,tts=espeak
      vad=silero,asr=moonshine,mt=apertium,tts=flite,espeak

  A role may hold several engines, the first that covers a language is used, the others stand by
  (``runtime.routing``): an item without
  ``role=`` belongs to the role before it. An ``interpreter`` replaces the cascade. The roles in
  ``OPTIONAL`` may be left without an engine, and without one that runs here.
"""

from __future__ import annotations

import inspect
import os
import re
import typing
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated
from urllib.parse import parse_qsl

import msgspec

from dragoman.engines.base import ENTRY_POINT_GROUP, Engine, EngineUnavailable, Role
from dragoman.engines.environments import all_environments, environment_with, folder_of

ROLES: tuple[Role, ...] = ("vad", "asr", "mt", "tts", "interpreter", "ocr", "speaker")
OPTIONAL: tuple[Role, ...] = ("ocr", "speaker")
"""Roles that improve an interpretation, which works without them, too."""
CASCADE: tuple[Role, ...] = ("vad", "asr", "mt", *OPTIONAL)


class RegistryError(ValueError):
    """A wrong name, option or choice; the message is a sentence for whoever wrote it."""


class EngineChoice(msgspec.Struct, frozen=True):
    """Which engines fill which role, as spec strings, first choice first."""

    vad: tuple[str, ...] = ()
    asr: tuple[str, ...] = ()
    mt: tuple[str, ...] = ()
    tts: tuple[str, ...] = ()
    interpreter: tuple[str, ...] = ()
    ocr: tuple[str, ...] = ()
    speaker: tuple[str, ...] = ()

    def specs(self, role: Role) -> tuple[str, ...]:
        """The specs of one role."""
        found: tuple[str, ...] = getattr(self, role)
        return found

    def all(self) -> list[tuple[Role, str]]:
        """Every role with each of its specs."""
        return [(role, spec) for role in ROLES for spec in self.specs(role)]


_EMBEDDED = EngineChoice(
    vad=("silero",),
    asr=("moonshine", "whisper"),
    mt=("firefox", "apertium", "whisper-translate"),
    tts=("hibari", "flite", "openjtalk", "espeak"),
    speaker=("wespeaker",),
    ocr=("rapidocr",),
)


def _before_embedded(**first: tuple[str, ...]) -> EngineChoice:
    """These engines, and the embedded ones for what they do not cover or while they fail."""
    roles = {role: (*first.get(role, ()), *_EMBEDDED.specs(role)) for role in ROLES}
    return EngineChoice(**{role: tuple(dict.fromkeys(specs)) for role, specs in roles.items()})


def _endpoint(engine: str, stage: str, url: str = "", model: str = "") -> str:
    """An engine that asks a server: address, model and key from variables of this stage."""
    prefix = f"DRAGOMAN_{stage}"
    return (
        f"{engine}?url=${{{prefix}_URL:-{url}}}&model=${{{prefix}_MODEL:-{model}}}"
        f"&key_env=${{{prefix}_KEY:+{prefix}_KEY}}@concurrency=8"
    )


PRESETS: Mapping[str, EngineChoice] = {
    "embedded": _EMBEDDED,
    "cpu": _before_embedded(
        asr=("moonshine", "whisper?model=small"),
        mt=("firefox", "apertium", "whisper-translate?model=small"),
        tts=("hibari", "kokoro"),
    ),
    "gpu": _before_embedded(
        asr=(
            _endpoint("openai-transcriptions", "ASR"),
            "whisper?model=large-v3-turbo&device=cuda",
        ),
        mt=(_endpoint("openai-chat", "MT", "http://127.0.0.1:8002/v1", "tencent/Hy-MT2-7B"),),
        tts=(
            _endpoint(
                "openai-speech",
                "TTS",
                "http://127.0.0.1:8003/v1",
                "Qwen/Qwen3-TTS-12Hz-1.7B-CustomVoice",
            ),
        ),
    ),
    "endpoints": _before_embedded(
        asr=(_endpoint("openai-transcriptions", "ASR"),),
        mt=(_endpoint("openai-chat", "MT"),),
        tts=(_endpoint("openai-speech", "TTS"),),
    ),
    "scripted": EngineChoice(
        vad=("energy",), asr=("scripted-asr",), mt=("scripted-mt",), tts=("scripted-tts",)
    ),
}
"""``embedded``: what comes with Dragoman. ``cpu``: that and models to be pulled, in process.
``gpu``: Whisper large-v3-turbo on CUDA, and model servers for translation and speech, by default on
this machine. ``endpoints``: model servers, wherever ``DRAGOMAN_ASR_URL`` and its like point.
"""


class Placement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where and how the operator wants an engine to run; what is None is as the engine says.

    ``concurrency``: calls at the same time (threads, or worker processes). ``batch``: requests in
    one call. ``max_wait_ms``: how long an incomplete batch may wait for more requests while the
    engine is busy with others. ``first_sound_s``: what stands for ``Caps.first_sound_s``.
    ``host``: a place that ``runtime.hosts.make_host`` knows. ``call_s``: how long a call may take,
    waiting included, before another engine is asked. ``for`` (here ``only``): the languages, or
    pairs, that the engine is used for, separated by semicolons. ``unload_s``: after so many seconds
    without a call the engine is closed, until the next one. ``env``: the environment
    (``engines.environments``) whose engine it is.
    """

    concurrency: Annotated[int, msgspec.Meta(ge=1, le=1024)] | None = None
    batch: Annotated[int, msgspec.Meta(ge=1, le=1024)] | None = None
    max_wait_ms: Annotated[float, msgspec.Meta(ge=0, le=1000)] = 0.0
    first_sound_s: Annotated[float, msgspec.Meta(gt=0, le=600)] | None = None
    host: str | None = None
    call_s: Annotated[float, msgspec.Meta(gt=0, le=600)] | None = None
    unload_s: Annotated[float, msgspec.Meta(gt=0)] | None = None
    only: str = msgspec.field(default="", name="for")
    env: str | None = None


class Spec(msgspec.Struct, frozen=True):
    """A parsed spec string: an engine's name, its options, still as text, and its placement."""

    name: str
    options: tuple[tuple[str, str], ...] = ()
    placement: Placement = Placement()


_VARIABLE = re.compile(r"\$\{(\w+)(?::([-+])([^}]*))?\}")
_PLACED = re.compile(r"@(\w+=[^@,?]*(?:,\w+=[^@,?]*)*)$")


def parse_spec(text: str) -> Spec:
    """``name?key=value&key2=value2@key=value,key2=value2`` in its parts. Raises
    ``RegistryError``.
    """
    placed = _PLACED.search(text.strip())
    name, _, query = (text.strip()[: placed.start()] if placed else text.strip()).partition("?")
    if not name:
        raise RegistryError(f"{text!r} names no engine.")
    placement = _placement(placed[1]) if placed else Placement()
    if not query:
        return Spec(name, placement=placement)
    try:
        # "+" is no space here: values may be paths.
        pairs = parse_qsl(query.replace("+", "%2B"), keep_blank_values=True, strict_parsing=True)
    except ValueError as error:
        raise RegistryError(f"{query!r} is not of the form key=value&key2=value2.") from error
    return Spec(name, tuple(pairs), placement)


def _placement(text: str) -> Placement:
    values = dict(part.split("=", 1) for part in text.split(","))
    try:
        return msgspec.convert(values, Placement, strict=False)
    except msgspec.ValidationError as error:
        known = ", ".join(Placement.__struct_encode_fields__)
        raise RegistryError(
            f"'@{text}' does not say how an engine runs: {error}. Behind the @ may stand: {known}."
        ) from error


def parse_choice(text: str) -> EngineChoice:
    """The value of ``--engines``. Raises ``RegistryError``."""
    roles: dict[Role, list[str]] = {role: [] for role in ROLES}
    current: Role | None = None
    for number, item in enumerate(part.strip() for part in text.split(",")):
        role, _, spec = item.partition("=")
        if number == 0 and item in PRESETS:
            roles = {role: list(PRESETS[item].specs(role)) for role in ROLES}
        elif role in ROLES:
            current = ROLES[ROLES.index(role)]
            roles[current] = [spec] if spec else []
        elif role in Placement.__struct_encode_fields__ and current is not None and roles[current]:
            roles[current][-1] += f",{item}"  # the comma stood inside of a placement
        elif current is not None and item:
            roles[current].append(item)
        else:
            raise RegistryError(
                f"{item!r} is neither a preset ({', '.join(PRESETS)}) at the front nor "
                f"role=engine with one of the roles {', '.join(ROLES)}."
            )
    if roles["interpreter"]:
        roles.update({role: [] for role in CASCADE})
    choice = EngineChoice(**{role: tuple(specs) for role, specs in roles.items()})
    for _, spec in choice.all():
        parse_spec(spec)
    return choice


def choice_text(table: Mapping[str, object]) -> str:
    """The value of ``--engines`` for a table of a configuration file: ``preset``, and for each
    role a spec or a list of specs. Raises ``RegistryError``.
    """
    found: dict[str, str] = {}
    for key, value in table.items():
        specs: list[object] = value if isinstance(value, list) else [value]
        if key not in {"preset", *ROLES} or not all(isinstance(spec, str) for spec in specs):
            raise RegistryError(
                f"engines.{key} is neither a preset nor a spec or a list of specs for one of the "
                f"roles {', '.join(ROLES)}."
            )
        found[key] = ",".join(map(str, specs))
    preset = [found.pop("preset")] if "preset" in found else []
    return ",".join([*preset, *(f"{role}={specs}" for role, specs in found.items())])


def unset_variables(choice: EngineChoice) -> dict[str, str]:
    """The environment variables that specs name without a default and that are not set, each with
    the engine that wants it.
    """
    return {
        name: parse_spec(spec).name
        for _, spec in choice.all()
        for name, sign, default in _VARIABLE.findall(spec)
        if sign != "+" and not (default or os.environ.get(name))
    }


def _expanded(variable: re.Match[str]) -> str:
    name, sign, text = variable.groups(default="")
    value = os.environ.get(name, "")
    if sign == "+":
        return text if value else ""
    return value or text


def names() -> list[str]:
    """The names of all registered engines, of every installed distribution; imports none."""
    return sorted({point.name for point in entry_points(group=ENTRY_POINT_GROUP)})


def factory(name: str) -> Callable[..., Engine]:
    """The class (or function) that makes the engine of this name. Raises ``RegistryError``."""
    points = tuple(entry_points(group=ENTRY_POINT_GROUP, name=name))
    if not points:
        known = ", ".join(
            sorted({*names(), *(n for one in all_environments() for n in one.engines)})
        )
        raise RegistryError(f"There is no engine {name!r}. There are: {known}.")
    if len({point.value for point in points}) > 1:
        owners = ", ".join(sorted(_owner(point) for point in points))
        raise RegistryError(f"Several distributions register the engine {name!r}: {owners}.")
    try:
        made: Callable[..., Engine] = points[0].load()
    except (ImportError, AttributeError) as error:
        raise RegistryError(
            f"The engine {name!r} of {_owner(points[0])} cannot be imported: {error}."
        ) from error
    return made


def make(spec: str, role: Role | None = None) -> Engine:
    """A new engine from a spec string; cheap, nothing is loaded. One of an environment is a
    ``RemoteEngine``.

    With ``role``, the engine has to be of that role. Raises ``RegistryError``.
    """
    parsed, environment = parse_spec(spec), environment_of(spec)
    if environment is None:
        engine = make_here(spec)
    else:
        from dragoman.engines.remote_engine import remote_engine  # noqa: PLC0415  # not in workers

        plain = _PLACED.sub("", spec.strip())
        try:
            engine = remote_engine(environment, parsed.name, plain, role)
        except (EngineUnavailable, ValueError) as error:
            raise RegistryError(str(error)) from error
    if role is not None and engine.info.role != role:
        raise RegistryError(
            f"{parsed.name!r} is an engine for {engine.info.role!r}, it cannot be used as {role!r}."
        )
    return engine


def environment_of(spec: str) -> str | None:
    """The name of the environment in which an engine lives: the one that its placement names, else
    the one that has it if this installation has not. Raises ``RegistryError``.
    """
    parsed = parse_spec(spec)
    try:
        if parsed.placement.env is not None:
            folder_of(parsed.placement.env)
            return parsed.placement.env
        is_registered = bool(entry_points(group=ENTRY_POINT_GROUP, name=parsed.name))
        return environment_with(parsed.name, is_registered=is_registered)
    except ValueError as error:
        raise RegistryError(str(error)) from error


def make_here(spec: str) -> Engine:
    """A new engine of this installation, whatever environments there are. Raises
    ``RegistryError``.
    """
    parsed = parse_spec(spec)
    maker = factory(parsed.name)
    arguments = _arguments(parsed, maker)
    try:
        return maker(**arguments)
    except (TypeError, ValueError) as error:
        raise RegistryError(f"The engine {parsed.name!r} refuses its options: {error}.") from error


def options(maker: Callable[..., Engine]) -> dict[str, tuple[type, object]]:
    """The options of an engine: name to type and default (``inspect.Parameter.empty``: none)."""
    if inspect.isclass(maker) and maker.__init__ is object.__init__:
        return {}
    target = maker.__init__ if inspect.isclass(maker) else maker
    types = typing.get_type_hints(target)
    return {
        name: (types.get(name, str), parameter.default)
        for name, parameter in inspect.signature(maker).parameters.items()
        if parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    }


def _arguments(spec: Spec, maker: Callable[..., Engine]) -> dict[str, object]:
    known = options(maker)
    arguments: dict[str, object] = {}
    for name, written in spec.options:
        text = _VARIABLE.sub(_expanded, written)
        if name not in known:
            listed = ", ".join(known) or "none at all"
            raise RegistryError(f"{spec.name!r} has no option {name!r}. Its options: {listed}.")
        kind = known[name][0]
        value = text.split(";") if typing.get_origin(kind) in {tuple, list} else text
        try:
            arguments[name] = msgspec.convert(value, kind, strict=False)
        except msgspec.ValidationError as error:
            raise RegistryError(
                f"The option {name!r} of {spec.name!r} cannot be {text!r}: {error}."
            ) from error
    return arguments


def _owner(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value
