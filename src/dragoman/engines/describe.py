"""Says what an engine is, from within the environment that has it: one JSON document.

Scope: run as ``python -m dragoman.engines.describe SPEC`` by ``remote_engine``; it makes the engine
and does not load it.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import msgspec

from dragoman.engines import registry
from dragoman.engines.base import EngineUnavailable, OnDemand
from dragoman.engines.remote_engine import Description

METHODS = (
    "start", "transcribe", "translate", "translate_batch", "warm", "synthesize", "encode", "read",
    "check",
)  # fmt: skip
"""By these a host knows what it may ask of an engine."""


def describe(spec: str) -> Description:
    """Make the engine in this process and look at it."""
    try:
        registry.factory(registry.parse_spec(spec).name)
    except registry.RegistryError as error:
        return Description(missing=str(error))
    try:
        engine: Any = registry.make_here(spec)
    except registry.RegistryError as error:
        return Description(refused=str(error))
    unavailable = ""
    if isinstance(engine, OnDemand):
        try:
            engine.check()
        except EngineUnavailable as refusal:
            unavailable = str(refusal)
    return Description(
        engine.info,
        tuple(name for name in METHODS if hasattr(engine, name)),
        getattr(engine, "frame_samples", 0),
        unavailable=unavailable,
    )


def main() -> None:
    """Print the description; whatever the engine's package prints goes to standard error."""
    answers = os.dup(1)
    os.dup2(2, 1)
    with os.fdopen(answers, "wb") as out:
        out.write(msgspec.json.encode(describe(sys.argv[1])))


if __name__ == "__main__":
    main()
