"""How this server behaves in recognition where the protocol leaves it open.

Scope: values an operator sets.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class RecognitionOptions(msgspec.Struct, frozen=True, kw_only=True):
    """``snapshots``: ``split`` shows committed words in ``text`` and the rest in ``stash``, as
    documented; ``whole`` shows all of it in ``stash`` until the turn ends, for clients that display
    only that.
    """

    snapshots: Literal["split", "whole"] = "split"
