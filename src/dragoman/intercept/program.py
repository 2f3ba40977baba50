"""The program that ``dragoman intercept -- PROGRAM`` runs: its variables, its signals, its end.

Law of this file: the program is not changed, only its environment; what the user has set there
for other purposes stays. Its exit code is ours.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from dragoman.intercept.names import Hosts, without

NOT_EXECUTABLE, NOT_FOUND, KILLED = 126, 127, 128
"""Exit codes as shells use them; the last one plus the signal's number."""


_REPLACING = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class CannotRun(Exception):
    """The program does not start; ``code`` is the exit code a shell would give."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


class Trust(msgspec.Struct, frozen=True):
    """Files of certificates, for the settings that programs have.

    ``sdk`` is what the official SDK trusts and nothing else, ``authority`` for settings that add to
    a list, ``bundle`` for those that replace it: what ``system`` holds, and the authority. These
    two are None where no list of this system was found.
    """

    sdk: Path
    authority: Path
    bundle: Path | None
    system: str | None


def two_variables(proxy: str, trust: Trust) -> dict[str, str]:
    """What the official Python SDK needs, and any program on its WebSocket library."""
    return {"https_proxy": proxy, "WEBSOCKET_CLIENT_CA_BUNDLE": str(trust.sdk)}


def environment(
    environ: Mapping[str, str], hosts: Hosts, proxy: str, trust: Trust
) -> dict[str, str]:
    """The environment of the program: ``environ`` with the proxy, and the authority trusted.

    A list of the user's own is not replaced, unless the bundle has the same and more.
    """
    spared = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    no_proxy = ",".join(filter(None, ["localhost,127.0.0.1,::1", without(spared, hosts)]))
    made = {
        **environ,
        **two_variables(proxy, trust),
        "HTTPS_PROXY": proxy,
        "wss_proxy": proxy,  # what aiohttp looks for
        "no_proxy": no_proxy,
        "NO_PROXY": no_proxy,
    }
    wanted = {"NODE_EXTRA_CA_CERTS": trust.authority}
    if trust.bundle is not None:
        wanted |= dict.fromkeys(_REPLACING, trust.bundle)
    for name, path in wanted.items():
        if environ.get(name) in {None, "", trust.system, str(trust.bundle)}:
            made[name] = str(path)
    return made


async def run_program(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run it to its end, pass signals on, and return its exit code.

    Raises:
        CannotRun: there is no such program, or it cannot be executed.

    """
    loop = asyncio.get_running_loop()
    process: asyncio.subprocess.Process | None = None
    early: list[signal.Signals] = []  # came before there was a program to pass them to

    def forward(number: signal.Signals) -> None:
        if process is None:
            early.append(number)
        elif process.returncode is None and not (number == signal.SIGINT and _terminal_sends()):
            process.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, forward, number)
    try:
        process = await asyncio.create_subprocess_exec(*command, env=dict(environ))
    except FileNotFoundError:
        raise CannotRun(f"{command[0]}: there is no such program", NOT_FOUND) from None
    except OSError as error:
        raise CannotRun(f"{command[0]}: {error.strerror}", NOT_EXECUTABLE) from None
    for number in early:
        forward(number)
    code = await process.wait()
    return code if code >= 0 else KILLED - code


def _terminal_sends() -> bool:
    """Whether a terminal's Ctrl-C goes to this program and, on its own, to the one it runs."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
