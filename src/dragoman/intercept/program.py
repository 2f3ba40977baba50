"""Runs the program of ``dragoman intercept -- PROGRAM``: environment, signals, exit code.

Scope: only the program's environment is changed, and settings that the user made there for other
purposes stay.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from dragoman.intercept.names import Hosts, without_redirected

NOT_EXECUTABLE, NOT_FOUND, KILLED = 126, 127, 128
"""Exit codes as shells use them; ``KILLED`` plus the signal's number."""


_REPLACING = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class CannotRun(Exception):
    """The program does not start; ``code`` is the exit code a shell would give."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


class Trust(msgspec.Struct, frozen=True):
    """Certificate files for the different settings of programs.

    ``sdk`` is all that the official SDK will trust, ``authority`` is for settings that add to a
    list, ``bundle`` (the list ``system`` plus the authority) for those that replace it. ``bundle``
    and ``system`` are None if no list of this system was found.
    """

    sdk: Path
    authority: Path
    bundle: Path | None
    system: str | None


def two_variables(proxy: str, trust: Trust) -> dict[str, str]:
    """What the official Python SDK and other programs on ``websocket-client`` need."""
    return {"https_proxy": proxy, "WEBSOCKET_CLIENT_CA_BUNDLE": str(trust.sdk)}


def environment(
    environ: Mapping[str, str], hosts: Hosts, proxy: str, trust: Trust
) -> dict[str, str]:
    """``environ`` with the proxy and the trusted authority added.

    A certificate list that the user set is kept, unless the bundle contains it.
    """
    exempt = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    no_proxy = ",".join(
        filter(None, ["localhost,127.0.0.1,::1", without_redirected(exempt, hosts)])
    )
    merged = {
        **environ,
        **two_variables(proxy, trust),
        "HTTPS_PROXY": proxy,
        "wss_proxy": proxy,  # read by aiohttp
        "no_proxy": no_proxy,
        "NO_PROXY": no_proxy,
    }
    wanted = {"NODE_EXTRA_CA_CERTS": trust.authority}
    if trust.bundle is not None:
        wanted |= dict.fromkeys(_REPLACING, trust.bundle)
    for name, path in wanted.items():
        if environ.get(name) in {None, "", trust.system, str(trust.bundle)}:
            merged[name] = str(path)
    return merged


async def run_program(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run the program, forward signals to it, and return its exit code.

    Raises:
        CannotRun: there is no such program, or it cannot be executed.

    """
    loop = asyncio.get_running_loop()
    process: asyncio.subprocess.Process | None = None
    early: list[signal.Signals] = []  # came before the program was started

    def forward(number: signal.Signals) -> None:
        if process is None:
            early.append(number)
        elif process.returncode is None and not (
            number == signal.SIGINT and _terminal_interrupts()
        ):
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


def _terminal_interrupts() -> bool:
    """Whether Ctrl-C reaches the program without us: the terminal sends it to the whole group."""
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
