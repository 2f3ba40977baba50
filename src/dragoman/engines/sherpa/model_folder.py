"""A folder with a model for sherpa-onnx: which kind it is, and which file is what.

Scope: names of files and metadata; the library is not called. The releases of sherpa-onnx have a
few names each, so a table tells a kind by the files that it needs and by ``model_type`` in the
metadata of the first one. Each ONNX file is looked at before the library gets it, since the library
ends the process over a file that lacks something.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from dragoman.engines.base import EngineUnavailable
from dragoman.engines.shared.model_catalogue import MODELS
from dragoman.engines.shared.model_store import find_model
from dragoman.engines.sherpa.onnx_file import read_metadata

Patterns = Mapping[str, tuple[str, ...]]


class Kind(msgspec.Struct, frozen=True):
    """One kind of model. ``files`` gives for each argument of the library the names that a file of
    it may have, ``optional`` likewise for what may be missing; a name that ends in a slash is a
    folder. ``types``: how ``model_type`` may begin in the metadata of the first file (none: any).
    ``options`` are further arguments.
    """

    name: str
    call: str
    files: Patterns
    types: tuple[str, ...] = ()
    optional: Patterns = {}
    options: Mapping[str, object] = {}


class FoundModel(msgspec.Struct, frozen=True):
    """A model: its kind, its files by argument, and the metadata of the first one."""

    kind: Kind
    folder: Path
    files: Mapping[str, str]
    metadata: Mapping[str, str]


def folder_of(model: str) -> Path:
    """The folder of this name, or of a model in the catalogue. Raises ``EngineUnavailable``."""
    folder = find_model(model) if model in MODELS else Path(model).expanduser()
    if not folder.is_dir():
        raise EngineUnavailable(
            f"{model!r} is neither a folder nor a model of the catalogue. The option model names "
            "the folder of an unpacked model of sherpa-onnx."
        )
    return folder


def find(folder: Path, kinds: Sequence[Kind], kind: str, *, full: bool = False) -> FoundModel:
    """The model in a folder. ``kind`` decides where it is given, ``full`` prefers files that are
    not quantized. Raises ``EngineUnavailable``.
    """
    wanted = [one for one in kinds if not kind or one.name == kind]
    if not wanted:
        known = ", ".join(one.name for one in kinds)
        raise EngineUnavailable(f"The option kind is one of {known}, not {kind!r}.")
    for one in wanted:
        found = _found(folder, one, full=full)
        if found is not None:
            return found
    raise EngineUnavailable(_missing(folder, wanted))


def _found(folder: Path, kind: Kind, *, full: bool) -> FoundModel | None:
    files: dict[str, Path] = {}
    for argument, names in kind.files.items():
        path = _file(folder, names, full=full)
        if path is None:
            return None
        files[argument] = path
    for argument, names in kind.optional.items():
        path = _file(folder, names, full=full)
        if path is not None:
            files[argument] = path
    looked_at = [path for path in files.values() if path.suffix in {".onnx", ".ort"}]
    metadata = [read_metadata(path) for path in looked_at]
    first = metadata[0] if metadata else {}
    tokens = files.get("tokens")
    if tokens is not None:
        sizes = [int(one["vocab_size"]) for one in metadata if one.get("vocab_size", "").isdigit()]
        _check_tokens(tokens, max(sizes, default=1))
    if kind.types and not first.get("model_type", "").startswith(kind.types):
        return None
    return FoundModel(kind, folder, {name: str(path) for name, path in files.items()}, first)


def _check_tokens(path: Path, least: int) -> None:
    """A list that is too short fails in the middle of a turn; a line without a number ends the
    process. Raises ``EngineUnavailable``.
    """
    lines = [line.split() for line in path.read_bytes().splitlines() if line.strip()]
    if len(lines) < least or not all(line[-1].isdigit() for line in lines):
        raise EngineUnavailable(
            f"{path} is not the list of this model: {len(lines)} lines, of at least {least} with a "
            "token and its number. Get the file again."
        )


def _file(folder: Path, names: Sequence[str], *, full: bool) -> Path | None:
    """The best file with one of these names: the earlier name, then the better precision."""
    for name in names:
        if name.endswith("/"):
            found = [path for path in sorted(folder.glob(name[:-1])) if path.is_dir()]
        else:
            found = [path for path in sorted(folder.glob(name)) if path.is_file()]
        if found:
            return min(found, key=lambda path: (".int8." in path.name) == full)
    return None


def _missing(folder: Path, wanted: Sequence[Kind]) -> str:
    """What a folder would need for the kind that it is nearest to."""
    nearest = max(wanted, key=lambda kind: _share(folder, kind))
    missing = [
        " or ".join(names)
        for names in nearest.files.values()
        if _file(folder, names, full=False) is None
    ]
    if missing:
        lacks = f"for the kind {nearest.name} it lacks {', '.join(missing)}"
    else:
        first = next(iter(nearest.files))
        lacks = (
            f"the metadata of its {first} do not name one of the model types "
            f"{', '.join(sorted({type_ for kind in wanted for type_ in kind.types}))}: sherpa-onnx "
            "needs files that were exported for it"
        )
    kinds = ", ".join(kind.name for kind in wanted)
    return f"{folder} holds no model of the kinds {kinds}; {lacks}."


def _share(folder: Path, kind: Kind) -> float:
    here = sum(_file(folder, names, full=False) is not None for names in kind.files.values())
    return here / len(kind.files)
