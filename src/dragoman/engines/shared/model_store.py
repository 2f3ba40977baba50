"""Where the files of a model are: a folder of the operator's, the store, or installed packages.

Scope: finding, checking and joining files; nothing is downloaded here. The store is the folder of
``dragoman models``, with one folder for each model. Packages that carry models are located and
never imported (one of them would open sound devices, another loads a library of its own). If a
model's files are not all in one folder of a package, or come in parts, they are joined into the
store once, by one process at a time, and a file gets its name only when it is complete and right.

A large file that was found right is remembered by its path, size, time and hash, so that worker
processes do not hash it at every start.

Errors: ``EngineUnavailable`` with the command that mends it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec

from dragoman.engines.base import EngineUnavailable
from dragoman.engines.shared.data_folder import data_folder
from dragoman.engines.shared.model_catalogue import MODELS, Model, ModelFile
from dragoman.engines.shared.model_files import pip_install

STORE_ENV = "DRAGOMAN_MODELS"
REMEMBERED_FROM = 16 << 20
"""Smaller files are hashed at every load: that takes less than 15 ms, and writes nothing."""
ROW = ".row.json"
_CHUNK = 1 << 20


class Place(msgspec.Struct, frozen=True):
    """Where files of a model are; nothing is said about their content.

    ``files`` has the parts of each file that is there.
    """

    kind: Literal["folder", "store", "packages"]
    files: Mapping[str, tuple[Path, ...]]

    def folder(self, model: Model) -> Path | None:
        """The one folder in which all files lie under their names, if there is one."""
        folders = {
            part.parent if len(parts) == 1 and part.name == name else None
            for name, parts in self.files.items()
            for part in parts
        }
        return folders.pop() if len(folders) == 1 and self.has_all(model) else None

    def has_all(self, model: Model) -> bool:
        """Whether no file is missing."""
        return len(self.files) == len(model.files)


def store_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """``DRAGOMAN_MODELS``, else ``dragoman/models`` in the user's folder for data."""
    return data_folder(STORE_ENV, "models", environ)


def find_model(name: str, folder: str = "") -> Path:
    """The folder with the model's files under their official names, each checked.

    Looks into ``folder`` (and its subfolder ``name``), then into the store, then into the
    installed packages. A folder of the operator's that has some of the files must have all of
    them, and right. Raises ``EngineUnavailable``.
    """
    model = known(name)
    refusal = EngineUnavailable(f"The model {name} is not here. Mend it with: {mend(model)}")
    for place in places(model, folder):
        try:
            return _checked(model, place)
        except EngineUnavailable as error:
            if place.kind == "folder":
                raise
            refusal = error
    raise refusal


def here(engine: str) -> list[Model]:
    """The models of an engine that are complete somewhere; their content is not looked at."""
    return [
        model
        for model in all_models().values()
        if model.engine == engine and any(place.has_all(model) for place in places(model))
    ]


def known(name: str) -> Model:
    """The row of the catalogue. Raises ``EngineUnavailable``."""
    models = all_models()
    if name not in models:
        raise EngineUnavailable(
            f"There is no model {name!r}. `dragoman models list` shows all that are known."
        )
    return models[name]


def all_models() -> dict[str, Model]:
    """The catalogue, and what was pulled into the store by an index of the operator's: such a model
    has its row beside its files.
    """
    added: dict[str, Model] = {}
    for path in sorted(store_folder().glob(f"*/{ROW}")):
        with suppress(OSError, msgspec.DecodeError):
            model = msgspec.json.decode(path.read_bytes(), type=Model)
            if model.name == path.parent.name:
                added[model.name] = model
    return added | dict(MODELS)


def mend(model: Model) -> str:
    """The commands that bring a model; the packages first, since they need no other host."""
    ways = [pip_install(*model.requirements)] if model.requirements else []
    if model.can_be_pulled:
        ways.append(f"dragoman models pull {model.name}")
    return " (or: ".join(ways) + ")" * (len(ways) - 1)


def places(model: Model, folder: str = "") -> Iterator[Place]:
    """Every place that has files of this model, in the order in which they are used."""
    given = [Path(folder).expanduser(), Path(folder).expanduser() / model.name] if folder else []
    for kind, where in (*(("folder", path) for path in given), ("store", store_of(model))):
        files = {f.name: (where / f.name,) for f in model.files if (where / f.name).is_file()}
        if files:
            yield Place("folder" if kind == "folder" else "store", files)
    packed = {file.name: parts for file in model.files if (parts := _installed(file))}
    if packed:
        yield Place("packages", packed)


def store_of(model: Model) -> Path:
    """The model's folder in the store, whether it is there or not."""
    return store_folder() / model.name


def check_file(path: Path, file: ModelFile, mended: str, *, always: bool = False) -> None:
    """Compare size and hash; ``always``: whatever is remembered. Raises ``EngineUnavailable``."""
    found = path.stat()
    note = _note(path, found, file)
    if found.st_size != file.size:
        raise _wrong(path, f"{found.st_size} bytes, expected {file.size}", mended)
    if not always and note.exists():
        return
    sha256 = sha256_of(path)
    if sha256 != file.sha256:
        note.unlink(missing_ok=True)
        raise _wrong(path, f"SHA-256 {sha256[:12]}…, expected {file.sha256[:12]}…", mended)
    remember(path, file)


def sha256_of(*paths: Path) -> str:
    """Of these files, one behind the other."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as content:
            for chunk in _chunks(content):
                digest.update(chunk)
    return digest.hexdigest()


def is_right(path: Path, file: ModelFile) -> bool:
    """Whether the file is there and the right one."""
    try:
        check_file(path, file, "")
    except (EngineUnavailable, FileNotFoundError):
        return False
    return True


def remember(path: Path, file: ModelFile) -> None:
    """Note that a file was found right; without effect where the store cannot be written."""
    if file.size >= REMEMBERED_FROM:
        note = _note(path, path.stat(), file)
        with suppress(OSError):
            note.parent.mkdir(parents=True, exist_ok=True)
            note.touch()


@contextmanager
def locked(model: Model) -> Iterator[Path]:
    """The model's folder in the store, made if needed, for one writer at a time."""
    folder = store_of(model)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{model.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def _installed(file: ModelFile) -> tuple[Path, ...]:
    """The parts of a file, if the packages with all of them are installed and have them."""
    found = []
    for part in file.parts:
        package, _, path = part.partition(":")
        try:
            located = Path(str(distribution(package).locate_file(path)))
        except PackageNotFoundError:
            return ()
        found.append(located)
    return tuple(found) if all(part.is_file() for part in found) else ()


def _checked(model: Model, place: Place) -> Path:
    """The folder of the right files in this place, joined if they have to be."""
    missing = [file.name for file in model.files if file.name not in place.files]
    if missing:
        raise EngineUnavailable(
            f"The model {model.name} is not complete ({place.kind}): {', '.join(missing)} missing. "
            f"Mend it with: {mend(model)}"
        )
    folder = place.folder(model)
    if folder is None:
        return _joined(model, place)
    for file in model.files:
        check_file(folder / file.name, file, _replace(model, place))
    return folder


def _replace(model: Model, place: Place) -> str:
    """The command that replaces wrong files."""
    if place.kind == "packages":
        return pip_install("--force-reinstall", "--no-deps", *model.requirements)
    return f"dragoman models remove {model.name}" if place.kind == "store" else mend(model)


def _joined(model: Model, place: Place) -> Path:
    try:
        with locked(model) as folder:
            for file in model.files:
                if not is_right(folder / file.name, file):
                    _join(place.files[file.name], folder / file.name, file, _replace(model, place))
    except OSError as error:
        raise EngineUnavailable(
            f"The model {model.name} ({model.size >> 20} MB) cannot be written to "
            f"{store_of(model)}: {error.strerror}. Make room there, or name another folder with "
            f"the environment variable {STORE_ENV}."
        ) from error
    return folder


def _join(parts: tuple[Path, ...], path: Path, file: ModelFile, mended: str) -> None:
    """Write a file from its parts, under another name until it is complete and right."""
    unfinished, digest = path.with_name(f".{path.name}.joined"), hashlib.sha256()
    try:
        with unfinished.open("wb") as joined:
            for part in parts:
                with part.open("rb") as content:
                    for chunk in _chunks(content):
                        digest.update(chunk)
                        joined.write(chunk)
        if digest.hexdigest() != file.sha256:
            raise _wrong(path, f"SHA-256 {digest.hexdigest()[:12]}…", mended)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    remember(path, file)


def _chunks(content: BinaryIO) -> Iterator[bytes]:
    while chunk := content.read(_CHUNK):
        yield chunk


def _note(path: Path, found: os.stat_result, file: ModelFile) -> Path:
    """The empty file that stands for «this was right»; another size or time is another name."""
    told = f"{path.absolute()}\0{found.st_size}\0{found.st_mtime_ns}\0{file.sha256}"
    return store_folder() / ".verified" / hashlib.sha256(told.encode()).hexdigest()


def _wrong(path: Path, how: str, mended: str) -> EngineUnavailable:
    return EngineUnavailable(
        f"The model file {path.name} is not the one this engine knows ({how}). "
        f"Mend it with: {mended}"
    )
