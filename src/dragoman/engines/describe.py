"""Says what an engine is, from within the environment that has it: one JSON document.

Scope: run as ``python -m dragoman.engines.describe SPEC`` by ``remote_engine``; it makes the engine
and does not load it.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import msgspec

from dragoman.engines.base import EngineUnavailable, Info, OnDemand

METHODS = (
    "start", "transcribe", "translate", "translate_batch", "warm", "synthesize", "encode", "read",
    "check",
)  # fmt: skip
"""By these a host knows what it may ask of an engine."""


class Description(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a server must know of an engine that it cannot import, or why there is nothing to know:
    ``missing`` when the engine cannot be made at all, ``refused`` when its options are wrong,
    ``unavailable`` when it could not be loaded (only of an engine that is loaded on demand).
    """

    info: Info | None = None
    methods: tuple[str, ...] = ()
    frame_samples: int = 0
    missing: str = ""
    refused: str = ""
    unavailable: str = ""


def describe(spec: str) -> Description:
    """Make the engine in this process and look at it."""
    from dragoman.engines import registry  # noqa: PLC0415  # which imports the reader of this

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
