"""The page of models and NOTICE name every model that is known, with its licence."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from dragoman.engines import registry
from dragoman.engines.shared.model_catalogue import MODELS, Model

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "models.md").read_text("utf-8")
NOTICE = (ROOT / "NOTICE").read_text("utf-8")


def of_notice(model: Model) -> str:
    """What NOTICE says of a model: under its name, or under one that ends with ``*``."""
    blocks = re.split(r"\n(?=\S)", NOTICE)
    names = [model.name, f"{model.name.partition('-')[0]}-*"]
    found = [
        block for name in names for block in blocks if block.startswith((name + " ", name + ","))
    ]
    return found[0] if found else ""


@pytest.mark.parametrize("name", MODELS)
def test_every_model_is_in_notice_with_its_licence(name: str) -> None:
    model = MODELS[name]
    licence = model.licence.replace("-2.0", " 2.0").replace("-1.0", " 1.0")
    assert licence in of_notice(model), name


@pytest.mark.parametrize("name", MODELS)
def test_every_model_is_on_the_page(name: str) -> None:
    general = re.sub(
        r"firefox-(en-)?(\w\w)(-en)?$", lambda m: f"firefox-{m[1] or ''}XX{m[3] or ''}", name
    )
    assert f"`{name}`" in PAGE or f"`{general}`" in PAGE


def test_every_engine_under_the_gpl_is_in_notice() -> None:
    programs = NOTICE.partition("under the GPL, which run in processes")[2].lower()
    ours = [registry.factory(name) for name in registry.names()]
    gpl = [
        maker().info.name
        for maker in ours
        if maker.__module__.startswith("dragoman.")
        and inspect.Parameter.empty
        not in {default for _, default in registry.options(maker).values()}
        and "GPL" in maker().info.licence
    ]
    assert {"apertium", "espeak", "piper"} <= set(gpl)
    for name in gpl:
        assert f"\n{name}" in programs
