"""The longest sound that one segment of speech may have, wherever its engine runs.

Scope: counting bytes. The limits of time are kept by the process host and its workers, because
only a process can be ended in the middle of a call.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dragoman.engines.base import Caps


class AudioLimitExceeded(Exception):
    """An engine made more sound of one segment than ``Caps.audio_s``."""


def limit_audio(pieces: Iterable[bytes], caps: Caps, rate_hz: int) -> Iterator[bytes]:
    """The pieces of PCM, up to the cap; raises ``AudioLimitExceeded`` for the one beyond it."""
    left = int(caps.audio_s * rate_hz) * 2
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise AudioLimitExceeded(f"one segment of speech went beyond {caps.audio_s:g} s")
        yield piece
