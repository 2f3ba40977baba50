"""The scripted engines, which answer the same input with the same output (see their own module)."""

from dragoman.engines.scripted.engines import (
    ScriptedAsr,
    ScriptedMt,
    ScriptedSpeaker,
    ScriptedTts,
)
from dragoman.engines.scripted.interpreter import ScriptedInterpreter

__all__ = ["ScriptedAsr", "ScriptedInterpreter", "ScriptedMt", "ScriptedSpeaker", "ScriptedTts"]
