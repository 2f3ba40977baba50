"""From the pieces an engine makes to the deltas a client gets.

Law of this file: bytes in, bytes out; no event, no base64. Every delta is a multiple of 6
bytes: 2 for a sample and 3 for base64 without padding, because some clients join the base64
*strings* and decode later. The last delta of a response is filled up with zero samples.

Nothing waits for a nominal size: what came is handed on at once, so that the first sound is
early and no sound hangs in here while an engine thinks. Only crumbs (under 20 ms) are kept
back to go with the next piece, and a long piece is cut at the nominal 300 ms of the cloud.
"""

from __future__ import annotations

NOMINAL_MS = 300
CRUMB_MS = 20
DELTA_BYTES = 48_000
"""No delta is larger; at every documented rate it also stays below one second."""

_UNIT = 6


class AudioPacker:
    """Cuts the PCM (s16le mono) of one response into deltas. ``rate_hz`` is the output rate."""

    def __init__(self, rate_hz: int) -> None:
        self._most = max(_UNIT, _whole_units(min(rate_hz * 2 * NOMINAL_MS // 1000, DELTA_BYTES)))
        self._least = max(_UNIT, _whole_units(rate_hz * 2 * CRUMB_MS // 1000))
        self._rest = b""

    def feed(self, pcm: bytes) -> list[bytes]:
        """The deltas that ``pcm`` completes; it may end in half a sample."""
        data = self._rest + pcm
        whole = _whole_units(len(data))
        if whole < self._least:
            self._rest = data
            return []
        self._rest = data[whole:]
        return [data[at : min(at + self._most, whole)] for at in range(0, whole, self._most)]

    def flush(self) -> list[bytes]:
        """The last delta, filled with zero samples; nothing if nothing is left.

        The packer is fresh afterwards.
        """
        rest, self._rest = self._rest, b""
        if not rest:
            return []
        return [rest + bytes(-len(rest) % _UNIT)]


def _whole_units(size: int) -> int:
    return size - size % _UNIT
