"""Where Firefox Translations models are: in the user's folder, and in the model store.

Scope: names of files. A model is the files ``model.*.bin``, ``vocab.*.spm`` (or ``srcvocab.*`` and
``trgvocab.*``) and mostly ``lex.*.bin``, as Mozilla publishes them; each may be compressed
(``.gz``). The pair of languages is in their names (``model.enes.intgemm.alphas.bin``) or in that of
their folder (``enes``, ``en-es``).

Those that are known by hash are rows of ``engines.shared.model_catalogue``: en <-> pt comes in a
package, others are pulled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from dragoman.engines.shared.model_store import here

Pair = tuple[str, str]

_CODE = re.compile(
    r"(?:^|\.)(?:(?P<en>en)(?P<to>[a-z]{2,3})|(?P<of>[a-z]{2,3})en|"
    r"(?P<source>[a-z]{2,3})[-_](?P<target>[a-z]{2,3}))(?=[._-]|$)"
)
"""Without a hyphen one of the two is English, as in all models of Mozilla."""
_MOST_FOLDERS = 500


class ModelFiles(msgspec.Struct, frozen=True):
    """The files of one direction; ``lex`` is the shortlist of words, which makes it faster.
    ``name`` is that of the catalogue, empty for a model of the user's own.
    """

    model: Path
    source_vocab: Path
    target_vocab: Path
    lex: Path | None = None
    name: str = ""


def known_models() -> dict[Pair, ModelFiles]:
    """The models of the catalogue that are here, unread; of two for a pair the later row, which is
    the larger one.
    """
    found: dict[Pair, ModelFiles] = {}
    for model, place in here("firefox"):
        files = {_kind(name): path for name, (path, *_) in place.files.items()}
        found |= dict.fromkeys(model.pairs, _files_of(files, model.name))
    return found


def models_in(root: Path) -> dict[Pair, ModelFiles]:
    """The complete models in a folder and the folders in it."""
    grouped: dict[Pair, dict[str, Path]] = {}
    for folder in [root, *_subfolders(root)]:
        for path in sorted(folder.glob("*")):
            kind, pair = _kind(path.name), pair_of(path.name) or pair_of(folder.name)
            if kind and pair is not None:
                grouped.setdefault(pair, {}).setdefault(kind, path)
    found = {}
    for pair, files in grouped.items():
        if "model" in files and ("vocab" in files or {"srcvocab", "trgvocab"} <= files.keys()):
            found[pair] = _files_of(files)
    return found


def _files_of(files: Mapping[str, Path], name: str = "") -> ModelFiles:
    source, target = (files.get(kind) or files["vocab"] for kind in ("srcvocab", "trgvocab"))
    return ModelFiles(files["model"], source, target, files.get("lex"), name)


def pair_of(name: str) -> Pair | None:
    """The languages in the name of a file or folder: ``enes``, ``en-es``, ``model.enes.bin``."""
    match = _CODE.search(name.lower())
    if match is None:
        return None
    source = match["en"] or match["of"] or match["source"]
    target = match["to"] or match["target"] or "en"
    return (source, target) if source != target else None


def _kind(name: str) -> str:
    """Which file of a model it is; empty for another."""
    plain = name.removesuffix(".gz")
    kind = plain.partition(".")[0]
    ending = ".spm" if kind.endswith("vocab") else ".bin"
    is_known = kind in {"model", "lex", "vocab", "srcvocab", "trgvocab"}
    return kind if is_known and plain.endswith(ending) else ""


def _subfolders(root: Path) -> Iterator[Path]:
    """The folders in ``root`` and in those: ``enes``, ``tiny/enes``."""
    for pattern in ("*", "*/*"):
        found = [path for path in sorted(root.glob(pattern)) if path.is_dir()]
        yield from found[:_MOST_FOLDERS]
