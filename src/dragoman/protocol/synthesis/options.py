"""How this server behaves in synthesis where the protocol leaves it open.

Scope: values an operator sets.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec


class SynthesisOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How this server behaves in synthesis where the protocol leaves it open.

    ``flush_s``: speak what is there after so long without new text (0: only at a commit or
    finish, as the cloud does). ``hold_tail``: in server_commit keep the last complete sentence
    until more text, a commit or a finish comes, as the cloud does. ``response_chars``: at a
    sentence border behind so many characters further text opens another response (0: one response
    until a commit or finish has been spoken). ``usage``: the usage of a response is its own, or
    counts from the beginning of the session (as one client expects of the cloud).
    ``cancel_finishes``: answer ``response.cancel`` with ``session.finished``, too (one report of
    the cloud). ``lower_case_language``: ``session.updated`` shows the language in lower case, as
    recorded, not as the client spelled it.
    """

    flush_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 0.0
    hold_tail: bool = False
    response_chars: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    usage: Literal["response", "session"] = "response"
    cancel_finishes: bool = False
    lower_case_language: bool = False
