"""The laws of an engine, as functions: every engine keeps them, ours and yours.

How to use it for an engine of your own: make a ``Case`` and call every function of ``laws(role)``
with it (``test_contract.py`` does so with pytest). This file needs dragoman and numpy only. A law
that is broken raises ``AssertionError``.

``Case.make`` gives a new, not loaded engine. ``speech`` is audio that the engine knows (float32,
16 kHz), ``language`` the language of it and of ``text``, ``target`` a language it translates to.
``exact`` is false for synthesizers whose output differs from run to run.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, get_args

import numpy as np

from dragoman.engines.base import (
    Detector,
    Info,
    Interpreter,
    Quality,
    Recognizer,
    Role,
    Samples,
    SpeakerEncoder,
    Synthesizer,
    Translation,
    Translator,
    Unspeakable,
    Utterance,
    Window,
    WindowTranscriber,
)
from dragoman.speech import (
    Audio,
    Clear,
    EndTurn,
    Heard,
    Hints,
    Hypothesis,
    Interpret,
    SpeechStarted,
    SpeechStopped,
    Translated,
    TurnDone,
    Voiced,
    joined_text,
)

RATE = 16_000
PROTOCOLS: dict[Role, tuple[type, ...]] = {
    "vad": (Detector,),
    "asr": (Recognizer, WindowTranscriber),
    "mt": (Translator,),
    "tts": (Synthesizer,),
    "interpreter": (Interpreter,),
    "speaker": (SpeakerEncoder,),
}


class Case:
    """One engine under test, with material it can work on."""

    def __init__(
        self,
        make: Callable[[], Any],
        *,
        speech: Callable[[], Samples] | None = None,
        language: str = "en",
        target: str = "es",
        text: str = "Good morning, everyone, and welcome to the meeting.",
        exact: bool = True,
    ) -> None:
        self.make, self._speech = make, speech
        self.language, self.target, self.text, self.exact = language, target, text, exact

    @functools.cached_property
    def engine(self) -> Any:
        """A loaded engine, shared by the laws."""
        engine = self.make()
        engine.load()
        return engine

    @functools.cached_property
    def speech(self) -> Samples:
        """Audio that the engine knows."""
        return sounds() if self._speech is None else self._speech()

    def close(self) -> None:
        """Close the shared engine."""
        if "engine" in vars(self):
            self.engine.close()


def sounds(seconds: float = 4.0) -> Samples:
    """Beeps with a pause in the middle: speech enough for scripted engines."""
    time = np.arange(int(seconds * RATE)) / RATE
    wave = 0.2 * np.sin(2 * np.pi * 440 * time)
    wave[(time > seconds * 0.4) & (time < seconds * 0.6)] = 0
    return wave.astype(np.float32)


def laws(role: Role) -> list[Callable[[Case], None]]:
    """Every law for a role, general ones first."""
    return [*GENERAL, *BY_ROLE[role]]


# ---------------------------------------------------------------- all engines
def info_is_complete_before_load(case: Case) -> None:
    engine = case.make()
    info = engine.info
    assert isinstance(info, Info)
    assert info.name
    assert info.licence
    assert info.about
    assert info.role in get_args(Role)
    assert info.quality in get_args(Quality)
    assert info.runs_in in {"loop", "thread", "process"}
    assert info.rate_hz > 0
    assert info.max_batch >= 1
    assert 0 <= info.confidence_gate < 1
    assert all(tag == tag.lower() for tag in info.languages)
    assert isinstance(engine, PROTOCOLS[info.role])
    assert info.languages, "an engine says which languages it knows"
    if info.role in {"mt", "interpreter"}:
        assert info.pairs
        assert all(len(pair) == 2 for pair in info.pairs)
    if info.role == "tts":
        assert info.voices


def load_and_close_may_be_repeated(case: Case) -> None:
    engine = case.make()
    engine.close()
    engine.load()
    engine.load()
    engine.close()
    engine.close()
    engine.load()
    engine.close()


# ---------------------------------------------------------------- voice activity
def _probabilities(engine: Any, samples: Samples) -> list[float]:
    stream, size = engine.start(), engine.frame_samples
    return [stream.feed(samples[at : at + size]) for at in range(0, samples.size - size + 1, size)]


def detector_yields_probabilities(case: Case) -> None:
    found = _probabilities(case.engine, case.speech)
    assert all(type(p) is float and 0 <= p <= 1 for p in found)
    assert max(found) > 0.5, "speech is speech"
    assert max(_probabilities(case.engine, np.zeros(RATE, np.float32))) < 0.5, "silence is not"


def detector_streams_share_nothing(case: Case) -> None:
    engine, size = case.engine, case.engine.frame_samples
    alone = _probabilities(engine, case.speech)
    ours, other = engine.start(), engine.start()
    noise = np.random.default_rng(1).normal(0, 0.2, size).astype(np.float32)
    for at, expected in enumerate(alone):
        other.feed(noise)
        assert ours.feed(case.speech[at * size : (at + 1) * size]) == expected


def detector_works_in_threads(case: Case) -> None:
    expected = _probabilities(case.engine, case.speech)
    with ThreadPoolExecutor(4) as threads:
        runs = threads.map(lambda _: _probabilities(case.engine, case.speech), range(4))
        assert all(run == expected for run in runs)


def detector_refuses_other_frame_lengths(case: Case) -> None:
    try:
        case.engine.start().feed(np.zeros(case.engine.frame_samples + 1, np.float32))
    except ValueError:
        return
    raise AssertionError("a frame of another length is a ValueError")


# ---------------------------------------------------------------- recognition
def _window(case: Case, samples: Samples, prefix: str = "") -> Window:
    return Window(samples.tobytes(), case.language, prefix=prefix)


def _recognized(case: Case, samples: Samples, chunk: int) -> tuple[Hypothesis, list[Hypothesis]]:
    """The final hypothesis and all before it, the audio given in chunks."""
    engine = case.engine
    if isinstance(engine, WindowTranscriber):
        return engine.transcribe([_window(case, samples)])[0], []
    stream, partial = engine.start(case.language, Hints()), []
    for at in range(0, samples.size, chunk):
        hypothesis = stream.feed(samples[at : at + chunk])
        if hypothesis is not None:
            partial.append(hypothesis)
    return stream.finish(), partial


def _well_formed(hypothesis: Hypothesis) -> None:
    assert isinstance(hypothesis, Hypothesis)
    assert 0 <= hypothesis.confidence <= 1
    assert 0 <= hypothesis.stable <= len(hypothesis.words)
    for word in hypothesis.words:
        assert word.text
        assert not any(char.isspace() for char in word.text)
        assert word.confidence is None or 0 <= word.confidence <= 1
        if word.start_ms is not None and word.end_ms is not None:
            assert 0 <= word.start_ms <= word.end_ms


def recognition_of_speech_is_well_formed(case: Case) -> None:
    final, partial = _recognized(case, case.speech, RATE // 5)
    assert final.words, "it hears something in speech"
    assert final.confidence >= case.engine.info.confidence_gate
    for hypothesis in [*partial, final]:
        _well_formed(hypothesis)


def recognition_does_not_depend_on_chunks(case: Case) -> None:
    finals = [_recognized(case, case.speech, chunk)[0] for chunk in (RATE, RATE // 10, 777)]
    assert finals[0] == finals[1] == finals[2]


def recognition_survives_silence_and_nothing(case: Case) -> None:
    gate = case.engine.info.confidence_gate
    for samples in (np.zeros(0, np.float32), np.zeros(1, np.float32), np.zeros(RATE, np.float32)):
        final, _ = _recognized(case, samples, RATE // 10)
        _well_formed(final)
        assert not final.words or final.confidence < gate, "silence gives no words"


def recognition_streams_share_nothing(case: Case) -> None:
    alone, _ = _recognized(case, case.speech, RATE)
    engine = case.engine
    if isinstance(engine, WindowTranscriber):
        engine.transcribe([_window(case, case.speech[RATE:])])
        assert engine.transcribe([_window(case, case.speech)])[0] == alone
        return
    ours, other = engine.start(case.language, Hints()), engine.start(case.language, Hints())
    for at in range(0, case.speech.size, RATE):
        other.feed(case.speech[: RATE // 3])
        ours.feed(case.speech[at : at + RATE])
    assert ours.finish() == alone


def recognition_works_in_threads(case: Case) -> None:
    expected, _ = _recognized(case, case.speech, RATE)
    with ThreadPoolExecutor(4) as threads:
        runs = threads.map(lambda _: _recognized(case, case.speech, RATE)[0], range(4))
        assert all(run == expected for run in runs)


def recognition_keeps_stable_words(case: Case) -> None:
    """What an engine calls stable stands at the start of every later hypothesis."""
    if isinstance(case.engine, WindowTranscriber):
        ends = range(RATE, case.speech.size + 1, RATE // 2)
        found = [case.engine.transcribe([_window(case, case.speech[:end])])[0] for end in ends]
    else:
        final, partial = _recognized(case, case.speech, RATE // 5)
        found = [*partial, final]
    for earlier, later in pairwise(found):
        kept = [word.text for word in earlier.words[: earlier.stable]]
        assert [word.text for word in later.words[: earlier.stable]] == kept


def windows_keep_their_order_and_prefix(case: Case) -> None:
    engine = case.engine
    if not isinstance(engine, WindowTranscriber):
        return
    whole, half = case.speech, case.speech[: case.speech.size // 2]
    first, second = (engine.transcribe([_window(case, part)])[0] for part in (whole, half))
    if engine.info.max_batch >= 2:
        both = engine.transcribe([_window(case, whole), _window(case, half)])
        assert both == [first, second]
    assert engine.transcribe([]) == []
    prefix = joined_text(second.words[:-1])
    forced = engine.transcribe([_window(case, whole, prefix)])[0]
    _well_formed(forced)
    assert len(forced.words) >= len(second.words) - 1, "words cover the whole window"


# ---------------------------------------------------------------- translation
def _translate(case: Case, text: str) -> str:
    speech = case.speech.tobytes() if case.engine.info.takes_speech else b""
    request = Translation(text, case.language, case.target, speech=speech)
    return str(case.engine.translate(request))


def translation_is_text_of_the_same_shape(case: Case) -> None:
    case.engine.warm(case.language, case.target)
    found = _translate(case, case.text)
    assert found, "text has a translation"
    assert found != case.text, "which is another text"
    assert found == found.strip(), "without space around it"
    assert found.endswith(".") == case.text.endswith("."), "a full stop stays"
    assert not _translate(case, case.text.rstrip(".")).endswith("."), "no full stop is added"
    assert [_translate(case, blank) for blank in ("", "  ")] == ["", ""], "blank text stays empty"


def translation_survives_any_text(case: Case) -> None:
    for text in (
        "\x00\x1b[31m",
        "[x] {y} ^z$ / \\ @ <b>",
        "😀 你好\nLine",
        "a" * 3000,
        "...",
        "\\",
    ):
        assert isinstance(_translate(case, text), str)
    assert _translate(case, case.text), "and works afterwards"


def translation_works_in_threads(case: Case) -> None:
    texts = [f"{case.text} {number}" for number in range(8)]
    expected = [_translate(case, text) for text in texts]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda text: _translate(case, text), texts)) == expected


# ---------------------------------------------------------------- synthesis
def _utterance(case: Case, text: str, **changes: Any) -> Utterance:
    return Utterance(text, case.engine.info.voices[0], case.language, **changes)


def _spoken(case: Case, text: str, **changes: Any) -> bytes:
    return b"".join(case.engine.synthesize(_utterance(case, text, **changes)))


def speech_is_pcm_in_pieces(case: Case) -> None:
    found = list(case.engine.synthesize(_utterance(case, case.text)))
    assert all(type(piece) is bytes and len(piece) % 2 == 0 for piece in found)
    pcm = np.frombuffer(b"".join(found), "<i2")
    seconds = pcm.size / case.engine.info.rate_hz
    assert 0.5 < seconds < 20, "about as long as people would speak"
    assert np.abs(pcm.astype(int)).max() > 1000, "audible"


def speech_of_nothing_is_nothing(case: Case) -> None:
    for text in ("", "   ", "...", "\n"):
        assert _spoken(case, text) == b""


def speech_may_be_aborted(case: Case) -> None:
    iterator = iter(case.engine.synthesize(_utterance(case, case.text * 5)))
    next(iterator)
    iterator.close()  # type: ignore[attr-defined]  # engines return generators
    assert _spoken(case, case.text), "and the engine speaks on"


def speech_follows_rate_and_volume(case: Case) -> None:
    """As far as the engine says so; the runtime does for it what it does not do."""
    normal, controls = _spoken(case, case.text), case.engine.info.controls
    if "rate" in controls:
        assert len(_spoken(case, case.text, rate=2.0)) < 0.8 * len(normal)
    if "volume" in controls:
        loud = np.frombuffer(normal, "<i2").astype(float).std()
        assert np.frombuffer(_spoken(case, case.text, volume=20), "<i2").astype(float).std() < loud
    if case.exact:
        assert _spoken(case, case.text) == normal


def speech_works_in_threads(case: Case) -> None:
    expected = len(_spoken(case, case.text))
    with ThreadPoolExecutor(3) as threads:
        for pcm in threads.map(lambda _: _spoken(case, case.text), range(3)):
            assert abs(len(pcm) - expected) < 0.2 * expected


HOSTILE = (
    "\x00<speak>&amp;<break time='9s'/>", "👨\u200d👩\u200d👧\ufe0f", "[[x]] {y} [[", "\x01\x1b[3m",
    "é" * 100, "e" + "\u0301" * 300, "\u202e\u2066x\u2069\ufeff\u200b", "\ue000\uffff\u0378 a",
    "(" * 200, "'\"" * 100, "7" * 99, "𝗼𝗻𝗲 ｆｕｌｌ ①½²", "漢字 안녕 नमस्ते สวัสดี", "\u3164",
)  # fmt: skip
EXPENSIVE = "$9,999,999,999.99 " * 6
"""Half of what a session makes one segment of; nothing costs more for its length."""


def speech_survives_any_text(case: Case) -> None:
    for text in HOSTILE:
        try:
            pcm = _spoken(case, text)
        except Unspeakable:
            continue  # a sentence for the client, not a crash
        assert len(pcm) % 2 == 0
        assert len(pcm) / 2 / case.engine.info.rate_hz < case.engine.info.caps.audio_s
    assert _spoken(case, case.text), "and works afterwards"


def speech_keeps_within_its_caps(case: Case) -> None:
    """With a margin, because other machines are slower than this one."""
    info = case.engine.info
    used = time.process_time()
    size = len(_spoken(case, EXPENSIVE))
    assert 2 * (time.process_time() - used) < info.caps.cpu_s / 3
    assert 2 * size / 2 / info.rate_hz < info.caps.audio_s / 2


# ---------------------------------------------------------------- who speaks
def speakers_are_unit_vectors(case: Case) -> None:
    vectors = [case.engine.encode(case.speech[: int(s * RATE)]) for s in (1.5, 2.0, 4.0)]
    assert len({vector.shape for vector in vectors}) == 1
    for vector in vectors:
        assert vector.ndim == 1
        assert vector.dtype == np.float32
        assert abs(float(np.linalg.norm(vector)) - 1) < 1e-4


def speakers_are_the_same_louder_later_and_again(case: Case) -> None:
    speech = case.speech[: 3 * RATE]
    vector = case.engine.encode(speech)
    assert np.array_equal(case.engine.encode(speech), vector)
    assert float(case.engine.encode(speech * np.float32(0.3)) @ vector) > 0.95
    padded = np.concatenate((np.zeros(RATE // 2, np.float32), speech))
    assert float(case.engine.encode(padded) @ vector) > 0.9


def speakers_of_silence_are_nobody(case: Case) -> None:
    for samples in (0, 10, 400, RATE, 3 * RATE):
        assert not case.engine.encode(np.zeros(samples, np.float32)).any()


def speakers_work_in_threads(case: Case) -> None:
    pieces = [case.speech[at : at + 2 * RATE] for at in range(0, 2 * RATE, RATE // 4)]
    expected = [case.engine.encode(piece) for piece in pieces]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(case.engine.encode, pieces))
    assert all(
        np.allclose(one, other, atol=1e-5) for one, other in zip(found, expected, strict=True)
    )


# ---------------------------------------------------------------- interpretation, end to end
def _pcm(samples: Samples) -> bytes:
    return (samples * 32_767).astype("<i2").tobytes()


def _interpreted(case: Case, pcm: bytes, chunk: int) -> list[Any]:
    session = case.engine.start(Interpret(target=case.target, source=case.language))
    facts: list[Any] = []
    for at in range(0, len(pcm), chunk):
        facts += session.feed(Audio(pcm[at : at + chunk]))
    return [*facts, *session.finish()]


def interpretation_reports_whole_turns(case: Case) -> None:
    facts = _interpreted(case, _pcm(case.speech), 3200)
    turns = [fact.turn for fact in facts if isinstance(fact, SpeechStarted)]
    assert turns == list(range(1, len(turns) + 1))
    assert turns
    for turn in turns:
        own = [fact for fact in facts if fact.turn == turn]
        assert isinstance(own[0], SpeechStarted)
        assert isinstance(own[-1], TurnDone)
        assert sum(isinstance(fact, SpeechStopped) for fact in own) == 1
        for kind in (Heard, Translated):
            texts = [fact.text for fact in own if isinstance(fact, kind)]
            pairs = pairwise(texts)
            assert all(later.startswith(earlier) for earlier, later in pairs)
            assert [fact.final for fact in own if isinstance(fact, kind)][-1]
        assert all(len(f.pcm) % 2 == 0 and f.pcm for f in own if isinstance(f, Voiced))


def interpretation_does_not_depend_on_chunks(case: Case) -> None:
    pcm = _pcm(case.speech)
    facts = [_comparable(case, _interpreted(case, pcm, chunk)) for chunk in (3200, 200_000, 774)]
    assert facts[0] == facts[1] == facts[2]


def _comparable(case: Case, facts: list[Any]) -> list[Any]:
    """The facts that are the same each time: of an engine that answers later, how often it speaks
    of a text before that is final depends on the clock.
    """
    if not case.engine.info.answers_later:
        return facts
    settled = [fact for fact in facts if getattr(fact, "final", True)]
    sound = sum(len(fact.pcm) for fact in settled if isinstance(fact, Voiced))
    return [sound, *(fact for fact in settled if not isinstance(fact, Voiced))]


def interpretation_of_silence_is_nothing(case: Case) -> None:
    assert _interpreted(case, bytes(2 * RATE), 3200) == []
    assert case.engine.start(Interpret(target=case.target)).finish() == []


def interpretation_ends_turns_on_demand(case: Case) -> None:
    session = case.engine.start(Interpret(target=case.target, endpointing=None))
    assert session.feed(EndTurn()) == []
    assert session.feed(Clear()) == []
    before = session.feed(Audio(_pcm(case.speech)))
    assert not any(isinstance(fact, TurnDone) for fact in before)
    assert isinstance(_until_done(case, session, session.feed(EndTurn()))[-1], TurnDone)
    session.feed(Audio(_pcm(case.speech)))
    dropped = session.feed(Clear())
    if not case.engine.info.answers_later:  # else it may not know of the turn yet
        assert isinstance(dropped[-1], TurnDone)
    assert session.finish() == []


def _until_done(case: Case, session: Any, facts: list[Any]) -> list[Any]:
    """All facts of a turn: an engine that answers later is asked until it is done."""
    ends_s = time.monotonic() + 20
    while case.engine.info.answers_later and not any(isinstance(f, TurnDone) for f in facts):
        assert time.monotonic() < ends_s, "no answer"
        time.sleep(0.01)
        facts += session.feed(Audio(b""))
    return facts


GENERAL: list[Callable[[Case], None]] = [
    info_is_complete_before_load,
    load_and_close_may_be_repeated,
]
BY_ROLE: dict[Role, list[Callable[[Case], None]]] = {
    "vad": [
        detector_yields_probabilities,
        detector_streams_share_nothing,
        detector_works_in_threads,
        detector_refuses_other_frame_lengths,
    ],
    "asr": [
        recognition_of_speech_is_well_formed,
        recognition_does_not_depend_on_chunks,
        recognition_survives_silence_and_nothing,
        recognition_streams_share_nothing,
        recognition_works_in_threads,
        recognition_keeps_stable_words,
        windows_keep_their_order_and_prefix,
    ],
    "mt": [
        translation_is_text_of_the_same_shape,
        translation_survives_any_text,
        translation_works_in_threads,
    ],
    "tts": [
        speech_is_pcm_in_pieces,
        speech_of_nothing_is_nothing,
        speech_may_be_aborted,
        speech_follows_rate_and_volume,
        speech_works_in_threads,
        speech_survives_any_text,
        speech_keeps_within_its_caps,
    ],
    "speaker": [
        speakers_are_unit_vectors,
        speakers_are_the_same_louder_later_and_again,
        speakers_of_silence_are_nobody,
        speakers_work_in_threads,
    ],
    "interpreter": [
        interpretation_reports_whole_turns,
        interpretation_does_not_depend_on_chunks,
        interpretation_of_silence_is_nothing,
        interpretation_ends_turns_on_demand,
    ],
}
