"""Fail when a locked package has a licence that is not on the list.

Reads the metadata of what is installed in this environment for every name in the lock files.
GPL programs are used as separate processes only; the few packages that need a reason are in
``EXCEPTIONS`` with it.
"""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

ALLOWED = (
    "0BSD", "Apache", "BSD", "CC0-1.0", "CNRI-Python", "ISC", "MIT", "MIT-0", "MPL", "Mozilla",
    "PSF", "Python Software Foundation", "Unicode", "Zlib",
)  # fmt: skip

EXCEPTIONS = {
    "av": "BSD itself, and its wheels carry FFmpeg (LGPL) with x264 and x265 (GPL), which we never "
    "call; users install it like any dependency, and who ships an image with it heeds that licence",
    "espeakng-loader": "MIT loader around the GPL-3.0 espeak-ng library; only ever loaded in "
    "worker processes of its own, which talk to ours over a socket",
    "lameenc": "LGPL-3.0 binding to LAME for mp3; a shared library of its own, imported unchanged "
    "and replaceable, only when a client asks for mp3",
    "mosestokenizer": "LGPL-2.1 tokenizer of OmniSTEval, which judges long streams for "
    "developers, in a process of its own; never imported and never shipped",
    "piper-tts": "GPL-3.0 synthesizer; an extra, only ever started as a program of its own, which "
    "talks to ours through pipes",
}
"""Packages without a machine-readable licence, or with one outside the list, and why they may."""

NAME = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==", re.MULTILINE)
COPYLEFT = re.compile(r"(?<![A-Z])A?GPL", re.IGNORECASE)


def locked() -> set[str]:
    """Every name in a lock file."""
    files = [ROOT / "requirements.lock", *sorted((ROOT / "requirements").glob("*.lock"))]
    return {name for file in files for name in NAME.findall(file.read_text(encoding="utf-8"))}


def licence_of(name: str) -> str | None:
    """What the installed package says of itself; None when it is not installed here."""
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None
    parts = [about.get("License-Expression") or "", (about.get("License") or "")[:80]]
    parts += [c for c in about.get_all("Classifier") or [] if c.startswith("License ::")]
    return " | ".join(part for part in parts if part)


def is_allowed(licence: str) -> bool:
    """Whether a text names a licence of the list, and none of the GPL family."""
    named = any(re.search(rf"\b{re.escape(good)}", licence) for good in ALLOWED)
    return named and not COPYLEFT.search(licence)


def main() -> None:
    """Exit 1 with one line for every package that is not allowed."""
    bad = []
    names = sorted(locked())
    for name in names:
        licence = licence_of(name)
        if licence is None or name in EXCEPTIONS or is_allowed(licence):
            continue  # not installed: another platform or Python, checked there
        bad.append(f"licence not on the list: {name}: {licence or 'none given'}")
    bad += [
        f"exception for a package that is not locked: {n}" for n in set(EXCEPTIONS) - set(names)
    ]
    sys.exit("\n".join(bad) if bad else print(f"licences: ok ({len(names)} packages)"))


if __name__ == "__main__":
    main()
