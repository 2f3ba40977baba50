"""``make autobahn``: the Autobahn test suite against this server's WebSocket protocol.

Scope: get the suite, run it, summarise its report. The suite is the protocol's reference and
runs on Python 2.7 only. A ``wstest`` on the PATH is taken as it is. Otherwise, on Debian, Python
2.7 comes from the last release that has it, unpacked under ``build/autobahn`` and not installed;
the suite and what it needs are wheels of their time from PyPI. Nothing of it is shipped.

Exit code 1: a case failed. ``NON-STRICT`` and ``INFORMATIONAL`` are the suite's words for behaviour
that RFC 6455 leaves open.
"""

from __future__ import annotations

import collections
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "build" / "autobahn"
RELEASE = "bullseye"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
PACKAGES = (
    "python2.7-minimal", "libpython2.7-minimal", "libpython2.7-stdlib", "libssl1.1", "libffi7",
)  # fmt: skip
WHEELS = (
    "argparse==1.4.0", "attrs==21.4.0", "Automat==20.2.0", "cffi==1.14.6", "constantly==15.1.0",
    "cryptography==2.9.2", "enum34==1.1.10", "hyperlink==21.0.0", "idna==2.10",
    "Jinja2==2.11.3", "MarkupSafe==1.1.1", "incremental==21.3.0", "ipaddress==1.0.23",
    "linecache2==1.0.0", "pycparser==2.21", "PyHamcrest==1.9.0", "pyOpenSSL==19.1.0",
    "setuptools==44.1.1", "six==1.16.0", "traceback2==1.4.0", "Twisted==20.3.0", "txaio==2.7.1",
    "typing==3.10.0.0", "unittest2==1.1.0", "zope.interface==5.4.0",
)  # fmt: skip
SOURCES = ("autobahn==0.10.9", "autobahntestsuite==25.10.1")
"""No wheels: pure Python, copied out of their archives."""
PROGRAM = (
    "import sys, txaio; txaio.use_twisted(); sys.argv[0] = 'wstest'; "
    "from autobahntestsuite.wstest import run; run()"
)
GOOD = {"OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED"}
TITLES = {
    1: "framing", 2: "pings and pongs", 3: "reserved bits", 4: "opcodes", 5: "fragmentation",
    6: "UTF-8", 7: "closes", 9: "large messages", 10: "sending in pieces",
}  # fmt: skip


def wstest() -> tuple[list[str], dict[str, str]]:
    """The command of the suite and its environment; gets what is missing."""
    installed = shutil.which("wstest")
    if installed:
        return [installed], dict(os.environ)
    if not (HOME / "ready").exists():
        shutil.rmtree(HOME, ignore_errors=True)
        HOME.mkdir(parents=True)
        get_python()
        get_suite()
        (HOME / "ready").touch()
    usr = HOME / "python" / "usr"
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": str(next((usr / "lib").glob("*-linux-gnu"))),
        "PYTHONHOME": str(usr),
        "PYTHONPATH": str(HOME / "site"),
    }
    return [str(usr / "bin" / "python2.7"), "-c", PROGRAM], environment


def get_python() -> None:
    """Unpack Debian's last Python 2.7, from the mirror that this machine uses anyway."""
    mirrors = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(ORIGIN) $(REPO_URI)", "Created-By: Packages"],
        capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    found = [line.split()[1] for line in mirrors if line.startswith("Debian ")]
    mirror = next((url for url in found if "security" not in url), None)
    if mirror is None:
        sys.exit("Put the Autobahn suite's wstest on the PATH: this system has no Debian mirror.")
    apt = HOME / "apt"
    for folder in ("lists/partial", "cache/archives/partial"):
        (apt / folder).mkdir(parents=True)
    (apt / "sources").write_text(f"deb [signed-by={KEYRING}] {mirror} {RELEASE} main\n")
    options = {
        "Dir::Etc::sourcelist": apt / "sources",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": apt / "lists",
        "Dir::Cache": apt / "cache",
        "APT::Sandbox::User": "root",
    }
    command = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in options.items())]
    subprocess.run([*command, "update"], check=True)
    subprocess.run([*command, "download", *PACKAGES], cwd=apt, check=True)
    for package in apt.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, HOME / "python"], check=True)


def get_suite() -> None:
    """Wheels for Python 2.7, and the suite itself, side by side in one folder."""
    wheels, site = HOME / "wheels", HOME / "site"
    download = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(wheels)]
    platforms = ("manylinux1_x86_64", "manylinux2010_x86_64", "any")
    target = ["--only-binary=:all:", "--python-version=27", "--implementation=cp", "--abi=cp27mu"]
    target += [f"--platform={platform}" for platform in platforms]
    subprocess.run([*download, *target, *WHEELS], check=True)
    subprocess.run([*download, "--no-binary=:all:", *SOURCES], check=True)
    for wheel in wheels.glob("*.whl"):
        zipfile.ZipFile(wheel).extractall(site)  # noqa: S202  # zipfile keeps inside the folder
    (site / "zope" / "__init__.py").touch()
    for archive in wheels.glob("*.tar.gz"):
        with tarfile.open(archive) as opened:
            opened.extractall(HOME / "sources", filter="data")
    for source in (HOME / "sources").iterdir():
        for part in source.glob("autobahn*"):
            if part.is_dir():
                shutil.copytree(part, site / part.name)


def run(out: Path) -> dict[str, dict[str, str]]:
    """Run all cases; what the suite says about each."""
    command, environment = wstest()
    with subprocess.Popen(
        [sys.executable, ROOT / "scripts" / "autobahn_echo.py"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        spec = {
            "outdir": str(out),
            "servers": [{"agent": "dragoman", "url": server.stdout.readline().strip()}],
            "cases": ["*"],
            "exclude-cases": ["12.*", "13.*"],  # compression is never negotiated
            "exclude-agent-cases": {},
        }
        (HOME / "spec.json").write_text(json.dumps(spec))
        try:
            arguments = ["-m", "fuzzingclient", "-s", str(HOME / "spec.json")]
            with (HOME / "wstest.log").open("w") as log:
                subprocess.run(
                    [*command, *arguments],
                    env=environment,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    check=True,
                )
        finally:
            server.terminate()
    index: dict[str, dict[str, dict[str, str]]] = json.loads((out / "index.json").read_text())
    return index["dragoman"]


def main() -> None:
    """Print a line for each class of cases and for each case that failed."""
    HOME.mkdir(parents=True, exist_ok=True)
    results = run(HOME / "report")
    classes: dict[int, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    failed = []
    for case, result in results.items():
        classes[int(case.partition(".")[0])][result["behavior"]] += 1
        if result["behavior"] not in GOOD or result["behaviorClose"] not in GOOD:
            failed.append(case)
    for number, counts in sorted(classes.items()):
        told = ", ".join(f"{count} {behavior}" for behavior, count in sorted(counts.items()))
        print(f"{number:2} {TITLES.get(number, ''):18} {told}")
    print(f"{len(results)} cases, failed: {', '.join(sorted(failed)) or 'none'}")
    sys.exit(1 if failed or not results else 0)


if __name__ == "__main__":
    main()
