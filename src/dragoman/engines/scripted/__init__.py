"""Scripted engines; the names that tests of other packages import."""

from dragoman.engines.scripted.engines import ScriptedAsr, ScriptedMt, ScriptedSpeaker, ScriptedTts
from dragoman.engines.scripted.interpreter import ScriptedInterpreter
from dragoman.engines.scripted.script_file import ScriptedFailure, read_script

__all__ = [
    "ScriptedAsr",
    "ScriptedFailure",
    "ScriptedInterpreter",
    "ScriptedMt",
    "ScriptedSpeaker",
    "ScriptedTts",
    "read_script",
]
