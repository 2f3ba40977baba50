"""Error messages that say what to do next.

Scope: text only. Messages never contain a key.
"""

from __future__ import annotations

from dragoman.client.connection import is_loopback
from dragoman.client.errors import CannotConnect


def explain(failure: Exception, url: str) -> str:
    """One or two sentences about a failure, for the terminal."""
    if isinstance(failure, CannotConnect):
        if failure.reason == "nothing listens there" and is_loopback(url):
            return (
                f"no server is running at {failure.address}. "
                "Start one in another terminal with: dragoman serve"
            )
        return str(failure)
    if isinstance(failure, BrokenPipeError):
        return "the program that reads the output has ended"
    if isinstance(failure, OSError):
        name = f"{failure.filename}: " if failure.filename else ""
        return f"{name}{failure.strerror or 'input or output failed'}"
    return str(failure)
