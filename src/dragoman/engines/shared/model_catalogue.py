"""The models that are known by name: their files, hashes, licences, and the packages with them.

Scope: the types of ``models.json``, which lies beside this file, and ``MODELS``, which is read from
it. Models are data: a model more is a row more. Every file has a SHA-256, which we computed from
the package that carries it or found in public lists of hashes; there is no row without one, because
a wrong model file may load without an error and give worse results. Where files are is the business
of ``model_store``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from dragoman.engines.base import Role


class ModelFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file under its official name; ``size`` in bytes.

    ``parts``: where installed packages have it, each ``distribution:path``; several are joined in
    this order. ``url``: where ``dragoman models pull`` gets it.
    """

    name: str
    sha256: str
    size: int
    parts: tuple[str, ...] = ()
    url: str = ""


class Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model, and what somebody has to know before using it.

    ``engine`` uses it. ``languages`` (recognisers, voices) and ``pairs`` (translators) are BCP-47
    primary tags, ``"*"`` for any. ``requirements`` are pins of the packages that carry all files;
    without them the files have a ``url``. ``non_commercial`` weights are pulled only with a flag.
    """

    name: str
    role: Role
    engine: str
    licence: str
    source: str
    files: tuple[ModelFile, ...]
    languages: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    requirements: tuple[str, ...] = ()
    non_commercial: bool = False
    about: str = ""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def can_be_pulled(self) -> bool:
        """Whether every file has an address."""
        return all(file.url for file in self.files)


def _read() -> dict[str, Model]:
    rows = Path(__file__).with_name("models.json").read_bytes()
    return {model.name: model for model in msgspec.json.decode(rows, type=list[Model])}


MODELS: Mapping[str, Model] = _read()
"""By name. Tests give rows of their own with ``monkeypatch.setitem``."""
