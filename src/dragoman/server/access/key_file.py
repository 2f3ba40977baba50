"""The file of API keys: reading, checking who else may write it, writing.

Scope: the file. Two forms, told apart by the first character: JSON, which ``dragoman keys`` writes
and which holds digests and limits but no key; and plain text with one key in a line, where a # at
the beginning of a line or after a space begins a comment.

Who can write the file can let himself in, so a file that others can write is refused; one that
others can read is only worth a warning. Writing replaces the file in one step, keeps its owner and
mode, and a lock keeps two commands from writing at once.

Errors: ``ConfigError`` with a sentence for the operator, without any key.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from dragoman.server.access.keys import BadKey, Key, checked_name, digest
from dragoman.server.config import ConfigError

_COMMENT = re.compile(r"(?:^|\s)#.*")
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_OTHERS_READ = stat.S_IRGRP | stat.S_IROTH


class KeyFile(msgspec.Struct, frozen=True):
    """What is in a key file. ``warning`` is a sentence for the operator, or empty."""

    keys: tuple[Key, ...]
    is_managed: bool
    """Whether ``dragoman keys`` writes it: JSON, without the keys themselves."""
    warning: str = ""


class _Managed(msgspec.Struct, forbid_unknown_fields=True):
    keys: list[Key]


def plain_keys(secrets: Sequence[str], first: int = 1) -> tuple[Key, ...]:
    """Keys of a setting or a plain file. They are named by their place: that tells nothing."""
    return tuple(
        Key(name=f"key{place}", sha256=digest(secret))
        for place, secret in enumerate(secrets, first)
    )


def read(path: Path, first: int = 1) -> KeyFile:
    """The keys in a file; there may be none in a managed one. ``first`` is the number of the first
    key of a plain file. Raises ``ConfigError``.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        hint = " dragoman keys add makes it." if isinstance(error, FileNotFoundError) else ""
        raise ConfigError(f"The file of API keys {path} cannot be read: {reason}.{hint}") from None
    if mode & _OTHERS_WRITE:
        raise ConfigError(
            f"Others can write the file of API keys {path} and so let themselves in: "
            f"chmod go-w {path}"
        )
    is_managed = text.lstrip().startswith("{")
    exposed = stat.S_IROTH if is_managed else _OTHERS_READ
    warning = f"Others can read the file of API keys {path}: chmod 600 {path}"
    keys = _managed(text, path) if is_managed else _plain(text, path, first)
    return KeyFile(keys, is_managed, warning if mode & exposed else "")


def _managed(text: str, path: Path) -> tuple[Key, ...]:
    try:
        keys = msgspec.json.decode(text, type=_Managed).keys
    except msgspec.DecodeError as error:
        raise ConfigError(f"The file of API keys {path} cannot be used: {error}.") from None
    try:
        names = [checked_name(key.name) for key in keys]
    except BadKey as error:
        raise ConfigError(f"The file of API keys {path} cannot be used: {error}") from None
    if len(set(names)) < len(names):
        raise ConfigError(f"The file of API keys {path} has two keys of the same name.")
    return tuple(keys)


def _plain(text: str, path: Path, first: int) -> tuple[Key, ...]:
    secrets = [found for line in text.splitlines() if (found := _COMMENT.sub("", line).strip())]
    if not secrets:
        raise ConfigError(
            f"The file of API keys {path} has no key in it. Without the setting, no key is needed."
        )
    return plain_keys(secrets, first)


def write(path: Path, keys: Sequence[Key]) -> None:
    """Replace the file by these keys. Raises ``ConfigError``."""
    path = path.resolve()  # a link stays a link
    data = msgspec.json.format(msgspec.json.encode(_Managed(list(keys)))) + b"\n"
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                _keep_owner(file.fileno(), path)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(
            f"The file of API keys {path} cannot be written: {error.strerror}."
        ) from None


def _keep_owner(descriptor: int, path: Path) -> None:
    """A service may read the file as a member of its group: that must stay so."""
    with contextlib.suppress(FileNotFoundError, PermissionError):
        old = path.stat()
        os.fchown(descriptor, old.st_uid, old.st_gid)
        os.fchmod(descriptor, stat.S_IMODE(old.st_mode) & ~_OTHERS_WRITE)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """While this holds, no other command changes a key file in the same folder."""
    try:
        folder = os.open(path.resolve().parent, os.O_RDONLY)
    except OSError as error:
        message = f"The folder {path.resolve().parent} cannot be used: {error.strerror}."
        raise ConfigError(message) from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
