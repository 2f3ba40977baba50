"""Cuts the audio that a job makes into the deltas a client gets.

Scope: bytes in, bytes out; no event, no base64. Some clients join the base64 *strings* of a
response and decode later, so no delta but the last may need padding:

    pcm          multiples of 6 bytes (2 for a sample, 3 for base64); the last one is filled up
                 with zero samples
    wav          multiples of 6; the last one is what is left, whole samples all the same
    mp3, opus    multiples of 3; the last one is what is left

Nothing waits for a nominal size: what came is passed on at once, so that the first audio is early
and none waits here while an engine computes. Only pieces under 20 ms are kept for the next delta,
and a long piece is cut: for synthesis at 960 ms, because every delta costs the event loop some
50 µs whatever its size (the cloud's have some 320 ms); for interpretation at 300 ms. An encoder's
bytes come in pieces of at most 300 ms already.
"""

from __future__ import annotations

from dragoman.speech import Format

NOMINAL_MS = 300
LONGEST_MS = 960
MIN_DELTA_MS = 20
DELTA_BYTES = 48_000
"""No delta is larger; at every documented rate it also stays below one second."""

_SAMPLED_UNIT, _ENCODED_UNIT = 6, 3


class AudioPacker:
    """Cuts the audio of one response into deltas. ``rate_hz`` is the output rate."""

    def __init__(self, rate_hz: int, form: Format = "pcm", longest_ms: int = NOMINAL_MS) -> None:
        self._fills_up = form == "pcm"
        self._rest = b""
        if form in ("pcm", "wav"):
            nominal = min(rate_hz * 2 * longest_ms // 1000, DELTA_BYTES)
            least = rate_hz * 2 * MIN_DELTA_MS // 1000
            self._unit = _SAMPLED_UNIT
        else:
            nominal, least, self._unit = DELTA_BYTES, 0, _ENCODED_UNIT
        self._most = max(self._unit, self._whole(nominal))
        self._least = max(self._unit, self._whole(least))

    def feed(self, data: bytes) -> list[bytes]:
        """The deltas that ``data`` completes; it may end in half a sample."""
        data = self._rest + data
        whole = self._whole(len(data))
        if whole < self._least:
            self._rest = data
            return []
        self._rest = data[whole:]
        return [data[at : min(at + self._most, whole)] for at in range(0, whole, self._most)]

    def flush(self) -> list[bytes]:
        """The last delta; nothing if nothing is left. The packer is fresh afterwards."""
        rest, self._rest = self._rest, b""
        if not rest:
            return []
        return [rest + bytes(-len(rest) % self._unit) if self._fills_up else rest]

    def _whole(self, size: int) -> int:
        return size - size % self._unit
