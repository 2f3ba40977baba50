"""Engines from spec strings, inside a worker process.

Scope: nothing but the look-up. A worker cannot be handed an object, so it makes its
engine from the string the server was configured with. ``package.module:Class`` names a class
directly (called without arguments); everything else is the registry's business.
"""

from __future__ import annotations

import importlib
import re
from typing import cast

from dragoman.engines.base import Engine, EngineUnavailable

_DIRECT = re.compile(r"[A-Za-z_][\w.]*:[A-Z]\w*")


def engine_from_spec(spec: str) -> Engine:
    """A fresh engine, not loaded. Raises ``EngineUnavailable`` when there is no such thing."""
    if not _DIRECT.fullmatch(spec):
        from dragoman.engines.registry import RegistryError, make  # noqa: PLC0415 - entry points

        try:
            return make(spec)
        except RegistryError as error:
            raise EngineUnavailable(str(error)) from error
    module_name, _, class_name = spec.partition(":")
    try:
        made = getattr(importlib.import_module(module_name), class_name)()
    except (ImportError, AttributeError) as error:
        raise EngineUnavailable(f"no engine {spec}: {error}") from error
    return cast("Engine", made)
