"""Where in a request the key or token is.

Scope: finding it; nothing is checked. The first place that has one counts:

1. ``Authorization: Bearer KEY``, the scheme in any case because older SDKs write it small;
2. for browsers, which cannot set headers: the WebSocket subprotocols ``dragoman, api-key.KEY``. The
   server answers with the first, because a browser hangs up unless one of its offers is chosen, and
   the second must not come back;
3. ``?api_key=KEY``, which some browser clients send. It is the last choice: proxies log queries.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import unquote

SUBPROTOCOL = "dragoman"
_KEY_SUBPROTOCOL = "api-key."
_IN_QUERY = re.compile(rb"(?:^|[?&])api_key=([^&#?]*)")


def credential(
    headers: Mapping[str, str], query: bytes = b"", subprotocols: Sequence[str] = ()
) -> str:
    """The key or token as it was sent; empty where there is none."""
    authorization = headers.get("authorization")
    if authorization is not None:
        scheme, _, given = authorization.strip().partition(" ")
        return given.strip() if scheme.lower() == "bearer" else ""
    for offered in subprotocols:
        if offered.startswith(_KEY_SUBPROTOCOL):
            return offered.removeprefix(_KEY_SUBPROTOCOL)
    found = _IN_QUERY.findall(query)
    return unquote(found[-1].decode("ascii", "replace")) if found else ""


def chosen_subprotocol(offered: Sequence[str]) -> str | None:
    """What the server answers to the offered subprotocols."""
    return SUBPROTOCOL if SUBPROTOCOL in offered else None
