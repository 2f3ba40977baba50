"""The checks of ``dragoman doctor``: each checks one thing and says how to fix it.

Scope: a check never raises and changes nothing. ``bad`` means that the server would not work with
the chosen engines, ``note`` that it would with fewer features. ``mend`` says how to fix what is not
``ok``.
"""

from __future__ import annotations

import os
import platform
import re
import resource
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import metadata
from typing import Literal

import msgspec

from dragoman.cli.setup import EXTRAS
from dragoman.engines.base import EngineUnavailable
from dragoman.engines.environments import all_environments
from dragoman.engines.registry import EngineChoice, unset_variables
from dragoman.engines.shared import model_store
from dragoman.engines.shared.model_catalogue import MODELS
from dragoman.engines.shared.model_files import pip_install
from dragoman.runtime.engine_set import EngineSet
from dragoman.runtime.hosts.host import EngineFailed
from dragoman.server.access.access_control import key_ring
from dragoman.server.access.hosts import check_exposure, is_loopback
from dragoman.server.config import Config, ConfigError
from dragoman.server.sockets.listener import listen, resolve
from dragoman.server.tls import certificate_of

_EXPIRY_NEAR = timedelta(days=14)
OLDEST, NEWEST = (3, 11), (3, 13)
_REQUIREMENT = re.compile(r"^(?P<name>[\w.-]+)(?P<spec>[^;]*)(?:;(?P<marker>.*))?$")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([\w-]+)['"]""")
_EXTRAS = ("embedded", "whisper", "endpoints", "ja-voice", "piper", "sherpa", "translators")
"""Extras whose packages are looked at if their engines are chosen."""
_BOUND = re.compile(r"(>=|==)\s*([\w.]+)")


class Check(msgspec.Struct, frozen=True):
    """One line of the report."""

    name: str
    state: Literal["ok", "note", "bad"]
    detail: str = ""
    mend: str = ""


def python() -> Check:
    """The interpreter."""
    found = f"{platform.python_version()} at {sys.executable}"
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return Check("python", "ok", found)
    return Check("python", "bad", found, "Use Python 3.11, 3.12 or 3.13 (make setup makes .venv).")


def packages(engines: set[str]) -> Iterator[Check]:
    """The versions of the required packages, and of those that these engines need.

    A missing package of an engine is only a note; the engine's own check says if it is needed.
    """
    extras = {extra for extra in _EXTRAS if engines & set(EXTRAS[extra].engines)}
    for text in metadata.requires("dragoman") or []:
        match = _REQUIREMENT.match(text)
        extra = _EXTRA.search((match["marker"] or "") if match else "")
        if match is None or match["name"] == "dragoman" or (extra and extra[1] not in extras):
            continue
        yield _package(match["name"], match["spec"].strip(), "note" if extra else "bad")


def _package(name: str, spec: str, state: Literal["note", "bad"]) -> Check:
    mend = pip_install(name + spec)
    try:
        found = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Check(f"package {name}", state, "not installed", mend)
    for operator, wanted in _BOUND.findall(spec):
        fits = found == wanted if operator == "==" else _order(found) >= _order(wanted)
        if not fits:
            return Check(
                f"package {name}", state, f"{found}, but {operator}{wanted} is needed", mend
            )
    return Check(f"package {name}", "ok", found)


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:4])


def model_files(engines: set[str]) -> Iterator[Check]:
    """The models of these engines that are here, or that come in packages."""
    for model in MODELS.values():
        places = list(model_store.places(model))
        if model.engine not in engines or not (places or model.requirements):
            continue
        name = f"model {model.name}"
        try:
            folder = model_store.find_model(model.name)
        except EngineUnavailable as refusal:
            missing = "missing or changed" if places else "not installed"
            yield Check(name, "bad" if places else "note", missing, str(refusal))
        else:
            yield Check(name, "ok", f"{model.size / 1e6:.1f} MB, hashes are right, in {folder}")


def variables(choice: EngineChoice) -> Iterator[Check]:
    """The addresses and models of model servers that the engines want from the environment."""
    for name, engine in unset_variables(choice).items():
        mend = f"Set {name}, for instance to http://127.0.0.1:8001/v1; {engine} is left out."
        if not name.endswith("_URL"):
            mend = f"Set {name} if the server has several models."
        yield Check(f"variable {name}", "note", "not set", mend)


def environments(used: set[str]) -> Iterator[Check]:
    """The environments of engines, those that are ``used`` and others. One that is used and missing
    is told by its engine.
    """
    for one in all_environments():
        name = f"environment {one.name}"
        try:
            one.check()
        except EngineUnavailable as refusal:
            yield Check(name, "note", "cannot be used", str(refusal))
        else:
            use = "used" if one.name in used else "not used"
            engines = ", ".join(one.engines)
            yield Check(name, "ok", f"{use}; {engines}; Python {one.python_version}")


async def loaded(engine_set: EngineSet, directions: list[tuple[str, str]]) -> list[Check]:
    """Load the engines as the server does, and close them."""
    try:
        await engine_set.load(lambda _line: None)
        failure = ""
    except (EngineUnavailable, EngineFailed) as refusal:
        failure = str(refusal)
    checks = []
    for engine in engine_set.status():
        name = f"engine {engine.name} ({engine.role})"
        if engine.state in ("ready", "idle"):
            checks.append(Check(name, "ok", engine.quality))
        else:
            state: Literal["note", "bad"] = (
                "bad" if failure and engine.detail in failure else "note"
            )
            checks.append(Check(name, state, engine.state, engine.detail or failure))
    if failure and all(check.state != "bad" for check in checks):
        checks.append(Check("engines", "bad", "do not load", failure))
    if not failure:
        checks += [_direction(engine_set, source, target) for source, target in directions]
    checks.append(_memory(engine_set))
    await engine_set.close()
    return checks


def _memory(engine_set: EngineSet) -> Check:
    need = engine_set.memory
    there = f" of {need.there_mb}" if need.there_mb else ""
    gpu = f", and {need.gpu_mb} MB of the GPU's" if need.gpu_mb else ""
    detail = f"the engines want about {need.wanted_mb} MB{there}{gpu}"
    return Check("memory", "note" if need.warning else "ok", detail, need.warning)


def _direction(engine_set: EngineSet, source: str, target: str) -> Check:
    name = f"direction {source}-{target}"
    coverage = engine_set.coverage
    if coverage.can_hear(source) and coverage.can_translate(source, target):
        return Check(name, "ok", "recognised, translated" + _spoken(coverage.can_speak(target)))
    reached = ", ".join(coverage.targets(None)) or "none"
    mend = f"Choose other engines or another --warm; the targets covered are: {reached}."
    return Check(name, "note", "not covered by the chosen engines", mend)


def _spoken(is_covered: bool) -> str:
    return " and spoken" if is_covered else ", but not spoken in its own voice"


def address(config: Config) -> Iterator[Check]:
    """The port, and which machines can reach it."""
    where = f"{config.host}:{config.port}"
    try:
        listen(config.host, config.port).close()
    except ConfigError as error:
        yield Check("port", "bad", where, str(error))
        return
    yield Check(
        "port", "ok", f"{where} is free" if config.port else "the system chooses a free one"
    )
    numeric = str(resolve(config.host, config.port)[1][0])
    try:
        check_exposure(config, numeric)
    except ConfigError as error:
        yield Check("access", "bad", "open to the network", str(error))
        return
    who = "this machine only" if is_loopback(numeric) else "other machines too"
    yield Check("access", "ok", f"{who}, {'with' if config.asks_for_keys else 'without'} a key")


def keys(config: Config) -> Iterator[Check]:
    """The keys, and who else can read or write their file."""
    if not config.asks_for_keys:
        return
    try:
        ring = key_ring(config)
    except ConfigError as error:
        yield Check("keys", "bad", "cannot be used", str(error))
        return
    yield Check("keys", "note" if ring.warning else "ok", f"{len(ring)} valid", ring.warning)


def certificate(config: Config) -> Iterator[Check]:
    """Whether the TLS certificate can be used, and until when."""
    try:
        found = certificate_of(config)
        if found is None:
            return
        ends = found.ends_at()
    except ConfigError as error:
        yield Check("certificate", "bad", "cannot be used", str(error))
        return
    mend = "Renew it; a running server notices within seconds."
    is_near = ends - datetime.now(UTC) < _EXPIRY_NEAR
    yield Check("certificate", "note" if is_near else "ok", f"until {ends:%Y-%m-%d}", mend)


def machine(config: Config) -> Iterator[Check]:
    """The limit of open files, and the number of processors."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = config.limits.sessions + 256
    if hard == resource.RLIM_INFINITY or hard >= needed:
        yield Check("open files", "ok", f"at most {hard}")
    else:
        mend = f"Allow {needed} (ulimit -Hn, LimitNOFILE=), or set --limit sessions={hard - 256}."
        yield Check("open files", "note", f"at most {hard}", mend)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if (cores or 1) >= 2:
        yield Check("processors", "ok", str(cores))
    else:
        mend = "Live interpretation needs two: engines and the event loop share this one."
        yield Check("processors", "note", str(cores), mend)


def redirection() -> Check:
    """Whether ``dragoman intercept`` can run, and where its certificate authority is."""
    try:
        metadata.version("cryptography")
    except metadata.PackageNotFoundError:
        mend = f"Only for dragoman intercept: {pip_install('dragoman[intercept]')}"
        return Check("intercept", "note", "the package cryptography is missing", mend)
    from dragoman.intercept.folder import authority_expiry, default_folder  # noqa: PLC0415  # an extra

    folder = default_folder(os.environ)
    expiry = authority_expiry(folder)
    if expiry is None:
        return Check("intercept", "ok", "makes its certificate authority on first use")
    return Check("intercept", "ok", f"certificate authority in {folder}, until {expiry:%Y-%m-%d}")
