"""Installed packages that carry model files, made by tests: real metadata, found as any other."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from dragoman.engines.shared.model_catalogue import Model, ModelFile


def install(site: Path, package: str, files: Mapping[str, bytes]) -> None:
    """A package with these files in a folder that is on ``sys.path``."""
    info = site / f"{package.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    for name, content in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_bytes(content)


def row(name: str, content: bytes, *parts: str, url: str = "") -> ModelFile:
    """The catalogue's row of a file with this content."""
    return ModelFile(name, hashlib.sha256(content).hexdigest(), len(content), parts, url)


def model(name: str, *files: ModelFile, **more: object) -> Model:
    """A row of the catalogue with these files."""
    about = {"role": "mt", "engine": "firefox", "licence": "MPL-2.0", "source": "a test", **more}
    return Model(name=name, files=files, **about)
