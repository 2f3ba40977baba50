"""Who a session works for.

Scope: a value. Admission makes it from the key of the handshake; the session carries it, and its
consumption (``Used``) is counted under it. It never holds the key itself.
"""

from __future__ import annotations

import msgspec


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """``key_id`` names the key in logs and usage; "" where no key was asked for."""

    key_id: str = ""


ANONYMOUS = Principal()
