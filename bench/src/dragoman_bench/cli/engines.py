"""``dragoman bench engines``: what adapters cost, and what batches gain, without a server.

Scope: flags in, a table out; what is measured and how is in ``dragoman_bench.engines`` and
docs/benchmarks.md.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from dragoman_bench.cli.measure import present


class EnginePart(StrEnum):
    """What can be measured."""

    all = "all"
    overhead = "overhead"
    endpoints = "endpoints"
    batching = "batching"


class Device(StrEnum):
    """Where Whisper computes."""

    cpu = "cpu"
    cuda = "cuda"


class ModelSize(StrEnum):
    """Shapes of Whisper."""

    tiny = "tiny"
    base = "base"
    small = "small"
    medium = "medium"
    large_v3_turbo = "large-v3-turbo"
    large_v3 = "large-v3"


def bench_engines(
    part: Annotated[EnginePart, typer.Argument(help="What to measure.")] = EnginePart.all,
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer rounds.")] = False,
    device: Annotated[Device, typer.Option(help="For batching.")] = Device.cpu,
    size: Annotated[ModelSize, typer.Option(help="For batching.")] = ModelSize.small,
    out: Annotated[Path, typer.Option(help="Folder for the raw figures, JSON.")] = Path(
        "bench-results"
    ),
) -> None:
    """Measure engines alone: adapters beside the bare libraries, and batches."""
    from dragoman_bench import suite  # noqa: PLC0415  # see cli/main.py

    parts = suite.ENGINES if part is EnginePart.all else (part.value,)
    present(
        lambda progress: suite.run_engines(
            parts, quick=quick, device=device.value, size=size.value, progress=progress
        ),
        out,
        "engines-{began}.json",
    )
