"""Which keys are valid now: those of the settings, and those of a file that may change.

Scope: looking keys up, and noticing a changed file. A file that cannot be read or used keeps the
keys that were valid, and the log says so once: half a file that an editor wrote must neither lock
everybody out nor let anybody in. A managed file without keys is a valid one: all were revoked.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from dragoman.server.access.key_file import plain_keys, read
from dragoman.server.access.keys import Key, digest
from dragoman.server.config import ConfigError

LOG = logging.getLogger("dragoman.server")

CHECK_EVERY_S = 1.0


class KeyRing:
    """The valid keys of one server."""

    def __init__(self, secrets: Sequence[str], path: Path | None) -> None:
        """``secrets`` are keys of the settings. Raises ``ConfigError`` for a file without keys."""
        self._given = plain_keys(secrets)
        self._path = path
        self.warning = ""
        """A sentence for the operator about the file, or empty."""
        self._seen: tuple[int, ...] = ()
        self._checked_at = 0.0
        self._by_digest: dict[str, Key] = {}
        self._by_name: dict[str, Key] = {}
        self._use(self._given)
        if path is not None:
            self._seen = _fingerprint(path)
            self._use(self._read(path))
            if not len(self):
                raise ConfigError(
                    f"The file of API keys {path} has no keys yet: dragoman keys add --file {path}"
                )

    def __len__(self) -> int:
        return len(self._by_name)

    @property
    def is_open(self) -> bool:
        """Whether no key is asked for. A server that was told of keys never becomes open."""
        return not self._given and self._path is None

    def find(self, secret: str) -> Key | None:
        """The valid key with this text."""
        return self._by_digest.get(digest(secret))

    def named(self, name: str) -> Key | None:
        """The valid key of this name."""
        return self._by_name.get(name)

    def refresh(self, now: float) -> bool:
        """Read the file again if it changed, at most once a second; whether keys may differ.

        ``now`` is on a monotonic clock, in seconds.
        """
        if self._path is None or now - self._checked_at < CHECK_EVERY_S:
            return False
        self._checked_at = now
        seen = _fingerprint(self._path)
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            self._use(self._read(self._path))
        except ConfigError as error:
            # Without a traceback: the file is the operator's.
            LOG.error("the API keys stay as they were: %s", error)  # noqa: TRY400
            return False
        LOG.info("API keys read again: %(keys)d are valid", {"keys": len(self)})
        if self.warning:
            LOG.warning("%s", self.warning)
        return True

    def _read(self, path: Path) -> Sequence[Key]:
        file = read(path, first=len(self._given) + 1)
        self.warning = file.warning
        return (*self._given, *file.keys)

    def _use(self, keys: Sequence[Key]) -> None:
        self._by_digest = {key.sha256: key for key in keys}
        self._by_name = {key.name: key for key in keys}


def _fingerprint(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_mtime_ns, found.st_ino, found.st_size, found.st_mode)
