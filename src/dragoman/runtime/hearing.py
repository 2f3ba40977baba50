"""From audio to committed words: the two shapes of recogniser behind one face.

Law of this file: it is the door. One ``Hearing`` per turn, or for turns that follow each other
without a pause; it owns their audio and their ``Agreement``, and decides *when* to decode; *what*
is certain is the policy's to say, *when a turn ends* listening's.
"""

from __future__ import annotations

from dragoman.runtime.cadence import Cadence, Lag, Load
from dragoman.runtime.hearing_base import Hearing
from dragoman.runtime.stream_hearing import StreamHearing
from dragoman.runtime.window_hearing import WindowHearing, quietest

__all__ = ["Cadence", "Hearing", "Lag", "Load", "StreamHearing", "WindowHearing", "quietest"]
