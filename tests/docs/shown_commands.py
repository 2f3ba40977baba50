"""What pages show to be typed: the command lines in their ``console`` blocks."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
JOINTS = {"&&", "||", "|", ";", "&"}


def command_lines(page: str) -> list[str]:
    """Lines behind ``$``; one that ends with a backslash goes on in the next."""
    blocks = CONSOLE.findall(page)
    return [
        line.removeprefix("$ ")
        for block in blocks
        for line in block.replace("\\\n", " ").splitlines()
        if line.startswith("$ ")
    ]


def dragoman_commands(page: str) -> Iterator[list[str]]:
    """The words behind ``dragoman``, of every command line in a page that calls it."""
    for line in command_lines(page):
        yield from calls_in(line)


def calls_in(line: str) -> Iterator[list[str]]:
    """The words behind ``dragoman``, of each call in one command line."""
    words = shlex.split(line, comments=True)
    for position, word in enumerate(words):
        if word.rpartition("/")[2] == "dragoman" and _begins_command(words[:position]):
            rest = words[position + 1 :]
            ends = [at for at, other in enumerate(rest) if other in JOINTS]
            yield rest[: ends[0]] if ends else rest


def _begins_command(before: list[str]) -> bool:
    """Whether a command stands behind these words: at the start, behind the setting of a variable,
    behind another command.
    """
    return not before or "=" in before[-1] or before[-1] in JOINTS
