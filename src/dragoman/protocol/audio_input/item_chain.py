"""What the turns of a session share: the chain of items, and how far media time has come.

Scope: state, no events.
"""

from __future__ import annotations

from msgspec import UNSET, UnsetType


class ItemChain:
    """``last_item``: the item that the next one points back at. ``last_end_ms``: media time of the
    last end of speech, which no later turn may begin before. ``language``: the one recognised last.
    """

    def __init__(self, conversation_id: str = "") -> None:
        self.conversation_id = conversation_id
        self.last_item: str | UnsetType = UNSET
        self.last_end_ms = 0
        self.language = ""
