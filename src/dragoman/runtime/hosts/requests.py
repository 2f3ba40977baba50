"""What a host is asked and what it answers.

Scope: msgspec values only, so that every request and answer can go to another process or
machine as it is. Audio is bytes: float32, mono, 16 kHz, unless a field says otherwise.

A *call* is stateless: one ``Request``, one ``Answer``. A *stream* is state in the engine: it is
opened by a ``StartRequest``, takes one kind of ``StreamItem`` and gives one kind of
``StreamAnswer``:

    start request          items               answer of feed        answer of finish
    StartDetection         DetectionAudio      DetectedFrames        DetectedFrames (none)
    StartRecognition       RecognitionAudio    Hypothesis or None    Hypothesis
    StartInterpretation    speech.Input        facts (tuple)         facts (tuple)
"""

from __future__ import annotations

import msgspec

from dragoman.engines.base import Picture, Reading, Translation, Window
from dragoman.speech import Audio, Hints, Hypothesis, Input, Interpret, Result


# ---------------------------------------------------------------- stateless calls
class EncodeVoice(msgspec.Struct, frozen=True, tag=True):
    """Call: the voice in these samples as a vector (``engines.base.SpeakerEncoder``)."""

    samples: bytes


class VoiceVector(msgspec.Struct, frozen=True, tag=True):
    """Answer to ``EncodeVoice``: the engine's unit vector, float32."""

    values: bytes


class WarmDirection(msgspec.Struct, frozen=True, tag=True):
    """Call: make a direction of a translator ready (``Translator.warm``); answered by None."""

    source: str
    target: str


Request = Window | Translation | Picture | EncodeVoice | WarmDirection


# ---------------------------------------------------------------- streams
class StartDetection(msgspec.Struct, frozen=True, tag=True):
    """A session's input: decoded, resampled, cut into the detector's frames and judged."""


class StartRecognition(msgspec.Struct, frozen=True, tag=True):
    """One utterance in a stateful recogniser (``Recognizer.start``)."""

    language: str | None = None
    hints: Hints = Hints()


class StartInterpretation(msgspec.Struct, frozen=True, tag=True):
    """One session in an end-to-end interpreter (``Interpreter.start``)."""

    task: Interpret


class DetectionAudio(msgspec.Struct, frozen=True, tag=True):
    """What the client sent, at ``rate_hz`` (PCM s16le or Opus packets). With ``drop_rest`` the
    samples that did not fill a frame so far are dropped first.
    """

    audio: tuple[Audio, ...]
    rate_hz: int
    drop_rest: bool = False


class DetectedFrames(msgspec.Struct, frozen=True, tag=True):
    """The frames that are complete now, one after the other in ``samples``, with a probability of
    speech for each; ``rest`` is what does not fill a frame yet.
    """

    samples: bytes = b""
    probabilities: tuple[float, ...] = ()
    rest: bytes = b""


class RecognitionAudio(msgspec.Struct, frozen=True, tag=True):
    """The next audio of an utterance."""

    samples: bytes


StartRequest = StartDetection | StartRecognition | StartInterpretation
StreamItem = DetectionAudio | RecognitionAudio | Input


class OpenStream(msgspec.Struct, frozen=True, tag=True):
    """For hosts whose streams are elsewhere: open a stream, to be known by this number."""

    stream: int
    request: StartRequest


class StepStream(msgspec.Struct, frozen=True, tag=True):
    """Feed an item to a stream, or finish it with None."""

    stream: int
    item: StreamItem | None = None


AnyRequest = Request | OpenStream | StepStream
StreamAnswer = DetectedFrames | Hypothesis | tuple[Result, ...] | None
Answer = Hypothesis | str | Reading | VoiceVector | None


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of a call or of a step of a stream: an answer, or a message for the log."""

    answer: Answer | DetectedFrames | tuple[Result, ...] = None
    failure: str | None = None
