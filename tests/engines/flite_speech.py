"""English speech made by flite that is the same bit for bit, for tests that recognise it.

flite draws noise from the random numbers of the C library, so that a text sounds a little
different depending on what the process has spoken before. A recogniser can fail on that.
"""

from __future__ import annotations

import ctypes
import functools

import pytest

from dragoman.engines.base import EngineUnavailable, Utterance
from dragoman.engines.flite.engine import RATE_HZ, Flite


@functools.cache
def _flite() -> Flite:
    engine = Flite()
    engine.load()
    assert RATE_HZ == 16_000
    return engine


def flite_pcm(text: str, voice: str = "Cherry") -> bytes:
    """The text as s16le at 16 kHz; skips the test where flite is not installed."""
    try:
        engine = _flite()
    except EngineUnavailable as reason:
        pytest.skip(str(reason))
    ctypes.CDLL(None).srand(1)
    return b"".join(engine.synthesize(Utterance(text=text, voice=voice, language="en")))
