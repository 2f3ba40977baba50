"""Fail on files over 400 lines and functions over 60; point at those over 300 and 40.

Nobody splits a thing that reads better whole: such a thing is listed in ``WHOLE`` with a reason.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE_AIM, FILE_MAX = 300, 400
FUNCTION_AIM, FUNCTION_MAX = 40, 60

WHOLE: dict[str, str] = {}
"""``path`` or ``path::function`` -> why it stays whole."""


def sizes(path: Path) -> Iterator[tuple[str, int, int, int]]:
    """The file and every function in it: name, lines, aim, maximum."""
    name = str(path.relative_to(ROOT))
    text = path.read_text(encoding="utf-8")
    yield name, len(text.splitlines()), FILE_AIM, FILE_MAX
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            yield f"{name}::{node.name}", lines, FUNCTION_AIM, FUNCTION_MAX


def main() -> None:
    """Walk src and scripts; exit 1 when something is too big and not listed."""
    seen: set[str] = set()
    failed = False
    for folder in ("src", "bench/src", "scripts"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for name, lines, aim, limit in sizes(path):
                seen.add(name)
                if lines > limit and name not in WHOLE:
                    failed = True
                    print(f"too big: {name} has {lines} lines (at most {limit})")
                elif lines > aim:
                    print(f"above the aim of {aim}: {name} has {lines} lines")
    for name in sorted(set(WHOLE) - seen):
        failed = True
        print(f"listed as whole but gone: {name}")
    sys.exit(1 if failed else print("sizes: ok"))


if __name__ == "__main__":
    main()
