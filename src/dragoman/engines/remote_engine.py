"""An engine of an environment as the server sees it: its description, and no code of it.

Scope: it asks the environment once, in a process of its own, and keeps the answer in the
environment for as long as nothing changes there. The work is done by worker processes
(``runtime.hosts.process``), which start with the environment's interpreter.
"""

from __future__ import annotations

import hashlib
import logging
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Never
from uuid import uuid4

import msgspec

from dragoman import __version__
from dragoman.engines import environments
from dragoman.engines.base import EngineUnavailable, Info, Role
from dragoman.engines.environments import Environment, site_of
from dragoman.engines.shared.program_environment import without_server_keys

LOG = logging.getLogger("dragoman.engines")
_LIMIT_S = 60.0
_UNKNOWN = Info(name="", role="vad", licence="unknown", quality="gist", runs_in="process")


class Description(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a server must know of an engine that it cannot import, or why there is nothing to know:
    ``missing`` when the engine cannot be made at all, ``refused`` when its options are wrong,
    ``unavailable`` when it could not be loaded (only of an engine that is loaded on demand).
    """

    info: Info | None = None
    methods: tuple[str, ...] = ()
    frame_samples: int = 0
    missing: str = ""
    refused: str = ""
    unavailable: str = ""


class RemoteEngine:
    """An ``Engine`` whose methods are elsewhere: it has those of the real one, for whoever looks
    for them, but only hosts can call them. ``python`` is the interpreter of its worker processes.
    """

    def __init__(self, environment: str, spec: str, described: Description, refusal: str) -> None:
        info = described.info or _UNKNOWN
        calls = info.concurrency if info.runs_in == "process" else None  # it counted threads
        self.info = msgspec.structs.replace(info, runs_in="process", concurrency=calls)
        self.environment = environment
        self.python = str(environments.folder_of(environment) / "bin" / "python")
        self._spec = spec
        self._refusal = refusal
        for method in described.methods:
            setattr(self, method, self._elsewhere)
        if "check" in described.methods:
            self.check = self._check
        if described.frame_samples:
            self.frame_samples = described.frame_samples

    def load(self) -> None:
        """Raise ``EngineUnavailable`` if the environment cannot be used; loads nothing."""
        if self._refusal:
            raise EngineUnavailable(self._refusal)
        environments.find(self.environment).check()

    def close(self) -> None:
        """Nothing is held here."""

    def _check(self) -> None:
        self.load()
        found = _asked(environments.find(self.environment), self._spec)
        if refusal := found.missing or found.unavailable:
            raise EngineUnavailable(refusal)

    def _elsewhere(self, *_: object) -> Never:
        raise TypeError(f"the engine {self.info.name} runs in worker processes only")


def remote_engine(environment: str, name: str, spec: str, role: Role | None) -> RemoteEngine:
    """The engine ``name`` of this environment, made from ``spec`` (without a placement).

    If the environment is missing or broken, the engine says so when it is loaded; that takes a
    ``role``. Without one it raises ``EngineUnavailable``. Raises ``ValueError`` for wrong options.
    """
    try:
        found = described(environments.find(environment), spec)
    except EngineUnavailable as refusal:
        if role is None:
            raise
        info = msgspec.structs.replace(_UNKNOWN, name=name, role=role)
        return RemoteEngine(environment, spec, Description(info), str(refusal))
    return RemoteEngine(environment, spec, found, "")


def described(environment: Environment, spec: str) -> Description:
    """What the environment says of an engine, asked again only after a change there. Raises
    ``EngineUnavailable``, and ``ValueError`` for wrong options.
    """
    environment.check()
    found = remembered(environment, spec, state=_state(environment))
    if found is None:
        found = _asked(environment, spec)
        if found.info is not None and "${" not in spec:  # variables are no part of the state
            _remember(environment, spec, found)
    if found.missing:
        raise EngineUnavailable(f"{found.missing} Mend it with: {environment.mend}")
    if found.refused:
        raise ValueError(found.refused)
    return found


def remembered(environment: Environment, spec: str, state: str = "") -> Description | None:
    """What the environment said before; with ``state`` only if that was in this state."""
    with suppress(OSError, ValueError, msgspec.MsgspecError):
        then, text = _note(environment, spec).read_bytes().split(b"\n", 1)
        if not state or then.decode() == state:
            return msgspec.json.decode(text, type=Description)
    return None


def _remember(environment: Environment, spec: str, found: Description) -> None:
    note = _note(environment, spec)
    unfinished = note.with_name(f".{uuid4().hex}")
    with suppress(OSError):  # an environment that may only be read is asked at every start
        note.parent.mkdir(exist_ok=True)
        unfinished.write_bytes(_state(environment).encode() + b"\n" + msgspec.json.encode(found))
        unfinished.replace(note)


def _asked(environment: Environment, spec: str) -> Description:
    """Ask now. Raises ``EngineUnavailable``."""
    command = [str(environment.python), "-I", "-m", "dragoman.engines.describe", spec]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=without_server_keys(),
            timeout=_LIMIT_S,
            check=True,
        )
        return msgspec.json.decode(done.stdout, type=Description)
    except (OSError, subprocess.SubprocessError, msgspec.MsgspecError) as error:
        told = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip()
        LOG.warning("the environment %s: %s", environment.name, told or error)
        last = told.rpartition("\n")[2] or type(error).__name__
        raise EngineUnavailable(
            f"The environment {environment.name} does not say what the engine {spec!r} is "
            f"({last}). Mend it with: {environment.mend}"
        ) from error


def _note(environment: Environment, spec: str) -> Path:
    return environment.folder / "descriptions" / hashlib.sha256(spec.encode()).hexdigest()


def _state(environment: Environment) -> str:
    """Something that is different when packages, the interpreter or Dragoman have changed."""
    paths = (environment.python.resolve(), site_of(environment.folder))
    times = (str(path.stat().st_mtime_ns) for path in paths)
    return " ".join((__version__, *map(str, paths), *times))
