"""Brings the files of a model into the store: from their addresses, a mirror, or a folder.

Scope: one model at a time, each file under another name until its hash is right. What was got of a
file stays when a transfer breaks, and the next one goes on there (HTTP ``Range``, with ``If-Range``
where the server names a version). A transfer that breaks is tried again while it makes progress.
A mirror, and a folder, have the layout of the store: ``NAME/FILE``.

Errors: ``PullFailed`` with a sentence that says what to do.
"""

from __future__ import annotations

import errno
import http.client
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

from dragoman import __version__
from dragoman.engines.shared.model_catalogue import Model, ModelFile
from dragoman.engines.shared.model_store import (
    is_right,
    locked,
    remember,
    sha256_of,
    store_of,
)

STALL_S = 30.0
"""A server that sends nothing for so long counts as broken."""
ATTEMPTS = 4
"""Transfers in a row that bring nothing."""
PAUSE_S = 1.0
"""Before the second of them; twice as long before each further one."""
_CHUNK = 1 << 18
_ROOM = 16 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

Progress = Callable[[int], None]
"""Is told the bytes of the model that are there, whenever there are more (or fewer) of them."""


class PullFailed(Exception):
    """The model is not in the store; the message is a sentence for the operator."""


def pull(
    model: Model,
    progress: Progress,
    *,
    mirror: str = "",
    folder: Path | None = None,
) -> Path:
    """The model's folder in the store, with all files. Raises ``PullFailed``.

    ``mirror`` is the address of a copy of a store, ``folder`` one on this machine.
    """
    try:
        with locked(model) as store:
            done = 0
            for file in model.files:
                if not is_right(store / file.name, file):
                    if folder is not None:
                        _copy(model, file, folder, store)
                    else:
                        _check_room(store, file)
                        transfer = _Transfer(file, _address(model, file, mirror), store)
                        transfer.run(progress, done)
                done += file.size
                progress(done)
    except OSError as error:
        why = "there is no room" if error.errno in _FULL else error.strerror
        raise PullFailed(
            f"{store_of(model)} cannot be written: {why}. Make room there, or name another folder "
            "with the environment variable DRAGOMAN_MODELS; what came is kept."
        ) from error
    return store


def _address(model: Model, file: ModelFile, mirror: str) -> str:
    address = f"{mirror.rstrip('/')}/{model.name}/{quote(file.name)}" if mirror else file.url
    if urlsplit(address).scheme not in {"http", "https"}:
        raise PullFailed(
            f"{address or file.name!r} is no address; a mirror is http(s)://…, and a folder is "
            "given with --from."
        )
    return address


def _check_room(store: Path, file: ModelFile) -> None:
    got = _part(store, file)
    needed = file.size - (got.stat().st_size if got.exists() else 0) + _ROOM
    free = shutil.disk_usage(store).free
    if free < needed:
        raise PullFailed(
            f"{file.name} needs {needed >> 20} MB in {store}, where {free >> 20} MB are free. Make "
            "room there, or name another folder with the environment variable DRAGOMAN_MODELS."
        )


def _part(store: Path, file: ModelFile) -> Path:
    return store / f".{file.name}.part"


def _copy(model: Model, file: ModelFile, folder: Path, store: Path) -> None:
    """A file from a folder of the operator's."""
    for source in (folder / model.name / file.name, folder / file.name):
        if source.is_file():
            part = _part(store, file)
            shutil.copyfile(source, part)
            _finish(file, part, store, str(source))
            return
    raise PullFailed(f"{file.name} is neither in {folder} nor in {folder / model.name}.")


def _finish(file: ModelFile, part: Path, store: Path, source: str) -> None:
    """Give a complete file its name, if it is the right one."""
    sha256 = sha256_of(part)
    if sha256 != file.sha256:
        part.unlink()
        raise PullFailed(
            f"{source} is another file than the one that is known (SHA-256 {sha256[:12]}…, "
            f"expected {file.sha256[:12]}…). It was deleted. Try again, or another --mirror."
        )
    part.replace(store / file.name)
    remember(store / file.name, file)


class _Broken(Exception):
    """A transfer ended early; another one may go on."""


class _Transfer:
    """One file from one address; ``version`` is what the server called it (``ETag``)."""

    def __init__(self, file: ModelFile, address: str, store: Path) -> None:
        self._file, self._address, self._store = file, address, store
        self._part = _part(store, file)
        self._version = store / f".{file.name}.version"

    def run(self, progress: Progress, before: int) -> None:
        """Get the file, in as many transfers as it takes; ``before`` are the bytes of the files
        before it. Raises ``PullFailed``.
        """
        failed = 0
        while self._size() < self._file.size:
            had = self._size()
            try:
                for size in self._receive():
                    progress(before + size)
                continue
            except _Broken as broken:
                failed = failed + 1 if self._size() <= had else 0
                if failed == ATTEMPTS:
                    raise PullFailed(
                        f"{self._address}: {broken}, {ATTEMPTS} times. What came is kept: the "
                        "same command goes on from there. If that host is out of reach here: "
                        "--mirror, or --from with a folder."
                    ) from None
            time.sleep(PAUSE_S * 2**failed / 2)
        self._version.unlink(missing_ok=True)
        _finish(self._file, self._part, self._store, self._address)

    def _size(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    def _receive(self) -> Iterator[int]:
        """One request; yields how many bytes there are."""
        with self._response() as response:
            goes_on = response.status == http.client.PARTIAL_CONTENT
            self._note(response)
            with self._part.open("ab" if goes_on else "wb") as part:
                for chunk in _chunks(response):
                    part.write(chunk)
                    yield part.tell()
                    if part.tell() > self._file.size:
                        break
        size = self._size()
        if size < self._file.size:
            raise _Broken(f"the transfer ended after {size} of {self._file.size} bytes")
        if size > self._file.size:
            self._part.unlink()
            raise PullFailed(
                f"{self._address} is longer than the file that is known ({self._file.size} bytes)."
            )

    def _response(self) -> http.client.HTTPResponse:
        headers = {"User-Agent": f"dragoman/{__version__}", "Accept-Encoding": "identity"}
        if size := self._size():
            headers["Range"] = f"bytes={size}-"
            if self._version.exists():
                headers["If-Range"] = self._version.read_text()
        request = urllib.request.Request(self._address, headers=headers)  # noqa: S310 - http(s) only
        try:
            answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=STALL_S)  # noqa: S310
        except urllib.error.HTTPError as refused:
            with refused:
                raise self._refused(refused.code) from None
        except (OSError, http.client.HTTPException) as error:
            raise _Broken(f"no answer ({getattr(error, 'reason', error)})") from None
        start = answer.headers.get("Content-Range", "").partition("-")[0].rpartition(" ")[2]
        if answer.status == http.client.PARTIAL_CONTENT and start != str(size):
            answer.close()
            self._part.unlink(missing_ok=True)
            raise _Broken("the server sent another part of the file than it was asked for")
        return answer

    def _refused(self, code: int) -> Exception:
        if code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            self._part.unlink(missing_ok=True)
            return _Broken("the server has less of the file than was got before")
        if code == http.client.TOO_MANY_REQUESTS or code >= 500:
            return _Broken(f"the server answers {code}")
        return PullFailed(f"{self._address}: the server answers {code}. Try another --mirror.")

    def _note(self, response: http.client.HTTPResponse) -> None:
        """Remember the version; a weak one says nothing about bytes (RFC 9110, 8.8.1)."""
        version = response.headers.get("ETag", "")
        if version and not version.startswith("W/"):
            self._version.write_text(version)
        else:
            self._version.unlink(missing_ok=True)


def _chunks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """What comes, as it comes; a length that is not reached is noticed by the caller."""
    while True:
        try:
            chunk = response.read1(_CHUNK)
        except (OSError, http.client.HTTPException) as error:
            raise _Broken(f"the transfer broke ({type(error).__name__})") from None
        if not chunk:
            return
        yield chunk
