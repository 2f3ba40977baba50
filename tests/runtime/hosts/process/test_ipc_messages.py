"""Frames are found in a byte stream that is cut anywhere; anything else is refused."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.engines.base import Reading, Translation, Utterance, Window
from dragoman.runtime.hosts.framing import LONGEST_FRAME, encode
from dragoman.runtime.hosts.process.ipc_messages import (
    AbortStream,
    AudioPiece,
    BeginSegment,
    CallBatch,
    CallResults,
    CancelSegment,
    EngineReport,
    EngineReports,
    GrantCredit,
    IpcMessage,
    MessageReader,
    SegmentFinished,
    WorkerReady,
    WorkerUnavailable,
)
from dragoman.runtime.hosts.requests import (
    DetectedFrames,
    DetectionAudio,
    OpenStream,
    Outcome,
    RecognitionAudio,
    StartDetection,
    StartInterpretation,
    StartRecognition,
    StepStream,
    VoiceVector,
)
from dragoman.speech import (
    Audio,
    EndTurn,
    Hints,
    Hypothesis,
    Image,
    Interpret,
    SpeechStarted,
    Voiced,
    Word,
)

numbers = st.integers(0, 2**40)
texts = st.text(max_size=30)
hints = st.builds(Hints, st.dictionaries(texts, texts, max_size=2), texts)
windows = st.builds(Window, st.binary(max_size=50), st.none() | texts, hints, texts, numbers)
translations = st.builds(
    Translation, texts, texts, texts, st.lists(st.tuples(texts, texts), max_size=2).map(tuple)
)
hypotheses = st.builds(
    Hypothesis, st.lists(st.builds(Word, texts), max_size=3).map(tuple), st.floats(0, 1)
)
inputs = st.one_of(
    st.builds(Audio, st.binary(max_size=9)),
    st.builds(Image, st.binary(max_size=9), numbers),
    st.builds(EndTurn),
    st.builds(Interpret, texts, hints=hints),
)
starts = st.one_of(
    st.builds(StartDetection),
    st.builds(StartRecognition, st.none() | texts, hints),
    st.builds(StartInterpretation, st.builds(Interpret, texts)),
)
items = st.one_of(
    inputs,
    st.builds(RecognitionAudio, st.binary(max_size=9)),
    st.builds(DetectionAudio, st.tuples(st.builds(Audio, st.binary(max_size=9))), numbers),
)
facts = st.one_of(
    st.builds(SpeechStarted, numbers, numbers), st.builds(Voiced, st.binary(max_size=9), numbers)
)
outcomes = st.one_of(
    st.builds(Outcome, hypotheses),
    st.builds(Outcome, texts),
    st.builds(Outcome, st.builds(Reading, st.binary(max_size=9), st.none())),
    st.builds(Outcome, st.builds(VoiceVector, st.binary(max_size=9))),
    st.builds(
        Outcome, st.builds(DetectedFrames, st.binary(max_size=9), st.tuples(st.floats(0, 1)))
    ),
    st.builds(Outcome, st.lists(facts, max_size=3).map(tuple)),
    st.builds(Outcome, failure=texts),
)
frames: st.SearchStrategy[IpcMessage] = st.one_of(
    st.builds(BeginSegment, numbers, st.builds(Utterance, texts, texts, texts), numbers, numbers),
    st.builds(GrantCredit, numbers, numbers),
    st.builds(CancelSegment, numbers),
    st.builds(CallBatch, numbers, st.lists(windows, max_size=2).map(tuple)),
    st.builds(CallBatch, numbers, st.lists(translations, max_size=2).map(tuple)),
    st.builds(CallBatch, numbers, st.tuples(st.builds(OpenStream, numbers, starts))),
    st.builds(CallBatch, numbers, st.tuples(st.builds(StepStream, numbers, st.none() | items))),
    st.builds(AbortStream, numbers),
    st.builds(WorkerReady),
    st.builds(WorkerUnavailable, texts),
    st.builds(
        EngineReports, st.lists(st.builds(EngineReport, texts, texts), max_size=3).map(tuple)
    ),
    st.builds(AudioPiece, numbers, st.binary(max_size=200)),
    st.builds(SegmentFinished, numbers, st.none() | texts, st.none() | texts),
    st.builds(CallResults, numbers, st.lists(outcomes, max_size=3).map(tuple)),
)


@given(sent=st.lists(frames, max_size=6), cuts=st.lists(st.integers(0, 2000), max_size=10))
def test_what_is_sent_arrives_in_order_however_it_is_cut(
    sent: list[IpcMessage], cuts: list[int]
) -> None:
    stream = b"".join(encode(frame) for frame in sent)
    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    reader = MessageReader()
    got = [frame for a, b in itertools.pairwise(edges) for frame in reader.feed(stream[a:b])]
    assert got == sent


def test_a_frame_comes_as_soon_as_its_last_byte_is_there() -> None:
    data = encode(AudioPiece(1, b"ab"))
    reader = MessageReader()
    assert reader.feed(data[:-1]) == []
    assert reader.feed(data[-1:]) == [AudioPiece(1, b"ab")]


@pytest.mark.parametrize(
    "data",
    [
        (LONGEST_FRAME + 1).to_bytes(4, "big"),
        b"\0\0\0\0",
        b"\0\0\0\x02\xc1\xc1",
        b"\0\0\0\x06\x91\xa4Nope",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_frame_is_refused_at_once(data: bytes) -> None:
    with pytest.raises(ValueError):
        MessageReader().feed(data)


def test_too_long_a_frame_is_not_sent() -> None:
    with pytest.raises(ValueError):
        encode(AudioPiece(1, bytes(LONGEST_FRAME + 1)))
