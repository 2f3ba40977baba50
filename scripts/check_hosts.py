"""Fail when a tracked file pins a package index, or a lock entry has no hash.

Where packages come from is the reader's own setting, so no lock file, script or page names an
index host; and what is installed is decided by the hashes, whatever host it came from.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INDEX = re.compile(
    r"--(?:extra-)?index-url|--find-links[= ]https?:|--trusted-host|files\.pythonhosted"
    r"|pypi\.(?:org|python)|/simple/?\s*$",
    re.IGNORECASE,
)
ENTRY = re.compile(
    r"^[A-Za-z0-9][\w.-]*==[^\n]*\n(?P<hashes>(?: {4}--hash=[^\n]*\n?)*)", re.MULTILINE
)
SKIPPED = {"scripts/check_hosts.py", "tests/scripts/test_scripts.py"}


def tracked() -> list[Path]:
    """The text files under version control."""
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return [ROOT / name for name in listing.split("\0") if name and name not in SKIPPED]


def index_lines() -> list[str]:
    """Every tracked line that names an index."""
    found = []
    for path in tracked():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        name = path.relative_to(ROOT)
        found += [f"{name}:{n}: names a package index" for n, line in enumerate(lines, 1)
                  if INDEX.search(line)]  # fmt: skip
    return found


def unhashed() -> list[str]:
    """Every lock entry without a hash."""
    files = [ROOT / "requirements.lock", *sorted((ROOT / "requirements").glob("*.lock"))]
    return [
        f"{file.name}: no hash for {entry.group().split()[0]}"
        for file in files
        for entry in ENTRY.finditer(file.read_text(encoding="utf-8"))
        if not entry["hashes"]
    ]


def main() -> None:
    """Exit 1 with one line for every find."""
    bad = index_lines() + unhashed()
    sys.exit("\n".join(bad) if bad else print("hosts and hashes: ok"))


if __name__ == "__main__":
    main()
