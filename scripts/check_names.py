"""Fail when two classes of a package share a name, or when a file imports a test file.

A class name says which thing is meant without its module: two of a kind confuse readers and
error messages. Code that several tests share belongs into a plain module, because importing a
test file runs its tests' set-up and hides where the code is used. Private classes may repeat.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("src/dragoman", "bench/src/dragoman_bench")
TESTS = ("tests", "bench/tests")

SHARED: dict[str, str] = {}
"""Class name -> why more than one class has it."""


def public_classes(path: Path) -> Iterator[str]:
    """The classes at the top of a file that others may use."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name


def repeated(folder: Path) -> list[str]:
    """One line for each class name that is used more than once below this folder."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(folder.rglob("*.py")):
        for name in public_classes(path):
            places[name].append(str(path.relative_to(folder)))
    return [
        f"class name used twice: {name} in {', '.join(paths)}"
        for name, paths in sorted(places.items())
        if len(paths) > 1 and name not in SHARED
    ]


def imports(path: Path) -> set[str]:
    """The dotted paths a file imports, of modules and of names in them."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def imported_tests(folder: Path) -> list[str]:
    """One line for each test file that is imported below this folder."""
    return [
        f"imports a test file: {path.relative_to(ROOT)} {module}"
        for path in sorted(folder.rglob("*.py"))
        for module in sorted(imports(path))
        if module.split(".")[-1].startswith("test_")
        and (ROOT / module.replace(".", "/")).with_suffix(".py").is_file()
    ]


def main() -> None:
    """Check packages and tests; exit 1 with a line for each fault."""
    faults = [line for package in PACKAGES for line in repeated(ROOT / package)]
    faults += [line for folder in TESTS for line in imported_tests(ROOT / folder)]
    print("\n".join(faults) if faults else "names: ok")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
