"""What engines of other distributions import keeps its names."""

from __future__ import annotations

import pytest

from dragoman import speech
from dragoman.engines import base

SPEECH = """HEARING_RATE_HZ Audio Clear Conduct Coverage EndTurn Endpointing Fact Format Heard Hints
Hypothesis Image Input Interpret PaceName PolicyName Result Said Say Speak SpeechStarted
SpeechStopped Status Task Translated TurnDone Voiced Word joined_text"""
BASE = """ENTRY_POINT_GROUP Caps Detection Detector Engine EngineUnavailable Info Interpretation
Interpreter Line OnDemand Picture Reading Recognition Recognizer Role Samples SpeakerEncoder
Synthesizer TextReader Translation Translator Unspeakable Utterance Window WindowTranscriber"""


@pytest.mark.parametrize(("module", "names"), [(speech, SPEECH), (base, BASE)])
def test_no_name_gets_lost(module: object, names: str) -> None:
    assert [name for name in names.split() if not hasattr(module, name)] == []
