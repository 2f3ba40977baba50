"""Speech on its way to the loop: complete, first sound at once, then in fewer pieces; shaped as the
task asks where the engine cannot, and with edges that do not click.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.audio.encode import RATES_HZ
from dragoman.engines.base import Control, EngineUnavailable, Info, Utterance
from dragoman.engines.flite.engine import Flite
from dragoman.runtime.hosts.synthesize_segment import synthesize_segment
from tests.audio.clicks import clicks
from tests.audio.sounds import Samples, level_db, pcm_of, samples_of, tone, vowel

RATE_HZ = 16_000
MS = RATE_HZ * 2 // 1000


class Pieces:
    """A synthesizer that yields given pieces and counts how many were taken."""

    info = Info(name="pieces", role="tts", licence="-", quality="scripted", rate_hz=RATE_HZ)

    def __init__(self, sizes_ms: list[int]) -> None:
        self._sizes_ms = sizes_ms
        self.made = 0
        self.closed = False

    def load(self) -> None: ...

    def close(self) -> None: ...

    def synthesize(self, utterance: Utterance) -> Iterator[bytes]:
        try:
            for size_ms in self._sizes_ms:
                self.made += 1
                yield bytes([self.made % 256, 0]) * (size_ms * MS // 2)
        finally:
            self.closed = True


def lengths(sizes_ms: list[int]) -> list[int]:
    engine = Pieces(sizes_ms)
    return [len(p) // MS for p in synthesize_segment(engine, Utterance("x", "", "en"), RATE_HZ)]


def test_the_first_piece_goes_at_once_and_later_ones_grow() -> None:
    assert lengths([60] * 60) == [60, 60, 120, 240, 480, 960, 960, 720]


def test_long_pieces_are_cut() -> None:
    assert lengths([2500]) == [960, 960, 580]


def test_the_first_piece_is_not_waited_for_by_the_second() -> None:
    engine = Pieces([60] * 9)
    pieces = synthesize_segment(engine, Utterance("x", "", "en"), RATE_HZ)
    next(pieces)
    assert engine.made == 1
    pieces.close()
    assert engine.closed


@given(st.lists(st.integers(1, 400), max_size=30))
def test_nothing_is_lost_and_playback_has_no_gaps(sizes_ms: list[int]) -> None:
    engine = Pieces(sizes_ms)
    pieces = list(synthesize_segment(engine, Utterance("x", "", "en"), RATE_HZ))
    whole = b"".join(bytes([n % 256, 0]) * (size * MS // 2) for n, size in enumerate(sizes_ms, 1))
    assert b"".join(pieces) == whole
    assert all(pieces)
    given = 0
    for piece in pieces[:-1]:
        # What is put together is at most what was given out before, and the piece that fills it.
        assert len(piece) <= max(given, 0) + max(sizes_ms) * MS
        given += len(piece)


# ---------------------------------------------------------------- what the engine does not do
class Voice:
    """A synthesizer of one vowel, which keeps the utterances it was given."""

    def __init__(self, controls: tuple[Control, ...] = (), sound: bytes = b"") -> None:
        self.info = Info(
            name="voice", role="tts", licence="-", quality="scripted", rate_hz=RATE_HZ,
            controls=controls,
        )  # fmt: skip
        self.sound = sound or vowel(RATE_HZ, 130, 0.6)
        self.asked: Utterance | None = None

    def load(self) -> None: ...

    def close(self) -> None: ...

    def synthesize(self, utterance: Utterance) -> Iterator[bytes]:
        self.asked = utterance
        for at in range(0, len(self.sound), 1_000):
            yield self.sound[at : at + 1_000]


WISH = Utterance("a", "", "en", rate=1.5, pitch=1.3, volume=25, instructions="slowly")


def spoken(engine: Voice, wish: Utterance, rate_hz: int = RATE_HZ) -> Samples:
    return samples_of(b"".join(synthesize_segment(engine, wish, rate_hz)))


def test_an_engine_with_all_controls_gets_all_values() -> None:
    engine = Voice(("rate", "pitch", "volume", "instructions"))
    heard = spoken(engine, WISH)
    assert engine.asked == WISH
    assert (heard[100:9_000] == samples_of(engine.sound)[100:9_000]).all()


def test_an_engine_without_controls_gets_neutral_values_and_its_audio_is_changed() -> None:
    engine = Voice()
    plain = spoken(engine, Utterance("a", "", "en"))
    heard = spoken(engine, WISH)
    assert engine.asked == Utterance("a", "", "en")
    assert heard.size == pytest.approx(plain.size / 1.5, abs=2 + RATE_HZ // 200)
    assert level_db(heard) == pytest.approx(level_db(plain) - 6, abs=1.5)
    power = np.abs(np.fft.rfft(heard[2_000:5_000] * np.hanning(3_000), 1 << 16)) ** 2
    match = np.fft.irfft(power)[RATE_HZ // 400 : RATE_HZ // 60]
    assert RATE_HZ / (RATE_HZ // 400 + int(np.argmax(match))) == pytest.approx(169, rel=0.03)


@pytest.mark.parametrize("control", ["rate", "pitch", "volume"])
def test_what_the_engine_does_itself_is_not_done_twice(control: Control) -> None:
    engine = Voice((control,))
    spoken(engine, WISH)
    assert engine.asked == Utterance("a", "", "en", **{control: getattr(WISH, control)})


def test_volume_clips_and_never_overflows() -> None:
    engine = Voice(sound=pcm_of(0.9 * samples_of(tone(RATE_HZ, 200, 0.2)) / 0.3))
    heard = spoken(engine, Utterance("a", "", "en", volume=100))
    assert np.abs(np.diff(heard)).max() < 0.3


def test_without_volume_there_is_silence_of_the_same_length() -> None:
    engine = Voice()
    heard = spoken(engine, Utterance("a", "", "en", volume=0))
    assert heard.size == pytest.approx(len(engine.sound) // 2, abs=RATE_HZ // 200)
    assert not heard.any()


# ---------------------------------------------------------------- edges and joins
@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("wish", [Utterance("a", "", "en"), Utterance("a", "", "en", pitch=1.2)])
def test_segments_that_begin_and_end_in_full_sound_join_without_a_click(
    rate_hz: int, wish: Utterance
) -> None:
    sound = samples_of(tone(RATE_HZ, 313, 0.5))[13:-7]  # at its loudest at both ends
    assert np.abs(sound[[0, -1]]).min() > 0.1
    engine = Voice(sound=pcm_of(sound))
    heard = np.concatenate([spoken(engine, wish, rate_hz) for _ in range(3)])
    pause = np.zeros(rate_hz // 10)
    assert not clicks(np.concatenate([pause, heard, pause]), rate_hz)


def test_the_click_detector_detects_clicks() -> None:
    sound = samples_of(tone(RATE_HZ, 313, 0.5))[13:-7]
    pause = np.zeros(RATE_HZ // 10)
    assert len(clicks(np.concatenate([pause, sound, sound, pause]), RATE_HZ)) >= 3


@pytest.fixture(scope="module")
def flite() -> Iterator[Flite]:
    engine = Flite()
    try:
        engine.load()
    except EngineUnavailable as reason:
        pytest.skip(str(reason))
    yield engine
    engine.close()


SEGMENTS = ("Hello there, my friend.", "I am", "going to the market", "again; are you?")


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_segments_of_real_speech_join_without_a_click(flite: Flite, rate_hz: int) -> None:
    wishes = [Utterance(text, "Cherry", "en") for text in SEGMENTS]
    parts = [samples_of(b"".join(synthesize_segment(flite, wish, rate_hz))) for wish in wishes]
    joins_s = np.cumsum([part.size for part in parts])[:-1] / rate_hz
    for part, join_s in zip(parts, joins_s, strict=False):
        assert np.abs(part[[0, -1]]).max() < 0.002
        near = [at for at in clicks(np.concatenate(parts), rate_hz) if abs(at - join_s) < 0.02]
        assert not near


def test_a_piece_missing_from_real_speech_is_heard_as_a_click(flite: Flite) -> None:
    speech = samples_of(
        b"".join(synthesize_segment(flite, Utterance(SEGMENTS[0], "Cherry", "en"), RATE_HZ))
    )
    loud = [at for at in range(2_000, speech.size - 2_000, 800) if abs(speech[at]) > 0.08]
    heard = 0
    for at in loud:
        broken = speech.copy()
        broken[at : at + RATE_HZ // 50] = 0
        heard += bool([t for t in clicks(broken, RATE_HZ) if abs(t - at / RATE_HZ) < 0.03])
    assert heard > 0.5 * len(loud)
