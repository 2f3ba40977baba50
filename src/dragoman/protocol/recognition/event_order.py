"""The legal order of the events of one recognised turn.

Scope: the tables; ``item_writer`` sends nothing past them, and the documentation draws them.
"""

from __future__ import annotations

from collections.abc import Mapping

from dragoman.protocol.core.legal_order import OrderTable

_STARTED = "input_audio_buffer.speech_started"
_STOPPED = "input_audio_buffer.speech_stopped"
_COMMITTED = "input_audio_buffer.committed"
_ITEM = "conversation.item.created"
_TRANSCRIPT = "conversation.item.input_audio_transcription"
_TEXT = f"{_TRANSCRIPT}.text"
_ENDS = (f"{_TRANSCRIPT}.completed", f"{_TRANSCRIPT}.failed")

NEXT: OrderTable = {
    "": (_STARTED, _COMMITTED),
    _STARTED: (_TEXT, _STOPPED),
    _STOPPED: (_COMMITTED,),
    _COMMITTED: (_ITEM,),
    _ITEM: (_TEXT, *_ENDS),
    _TEXT: (_TEXT, _STOPPED, *_ENDS),
    **dict.fromkeys(_ENDS, ()),
}
"""What may follow what. ``speech_*`` only where the server finds the turns; there text comes while
the speaker talks and behind the item, in manual mode only behind the item."""

NEEDS: Mapping[str, tuple[str, ...]] = dict.fromkeys(_ENDS, (_ITEM,))
"""What must have come before."""
