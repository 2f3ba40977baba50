"""espeak-ng itself: lengths, levels, voices, languages, hostile text, cancelling.

Its output is not repeatable to the sample, so nothing here compares sound with sound.
"""

import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import pytest

from dragoman.engines.base import EngineUnavailable, Unspeakable, Utterance
from dragoman.engines.espeak import voices as espeak_voices
from dragoman.engines.espeak.engine import RATE_HZ, Espeak
from dragoman.engines.shared.voice_table import FEMALE, NAMES

pytestmark = pytest.mark.engine

TEXT = "The quick brown fox jumps over the lazy dog, and runs away."


@pytest.fixture(scope="module")
def engine() -> Iterator[Espeak]:
    engine = Espeak()
    try:
        engine.load()
    except EngineUnavailable as reason:
        pytest.skip(str(reason))
    yield engine
    engine.close()


def spoken(engine: Espeak, text: str = TEXT, voice: str = "Cherry", language: str = "en", **more):
    pcm = b"".join(engine.synthesize(Utterance(text, voice, language, **more)))
    return np.frombuffer(pcm, "<i2").astype(float)


def pitch_hz(samples: np.ndarray) -> float:
    """Median pitch of the voiced parts, by autocorrelation."""
    found = []
    for start in range(0, len(samples) - 1500, 700):
        part = samples[start : start + 1500]
        if part.std() < 500:
            continue
        spectrum = np.abs(np.fft.rfft(part - part.mean(), 4096)) ** 2
        correlation = np.fft.irfft(spectrum)[:400]
        lag = 55 + int(correlation[55:340].argmax())
        if correlation[lag] > 0.4 * correlation[0]:
            found.append(RATE_HZ / lag)
    return float(np.median(found))


def test_describing_it_opens_no_library() -> None:
    code = (
        "import sys\nfrom dragoman.engines.espeak.engine import Espeak\n"
        "assert 'en' in Espeak().info.languages and 'Cherry' in Espeak().info.voices\n"
        "maps = open('/proc/self/maps').read() if sys.platform == 'linux' else ''\n"
        "sys.exit('espeak' in maps or 'espeakng_loader' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_length_and_level(engine: Espeak) -> None:
    samples = spoken(engine)
    assert 3.0 < len(samples) / RATE_HZ < 4.8
    assert -24 < 20 * np.log10(samples.std() / 32768) < -16


def test_edges_are_trimmed_and_a_pause_follows(engine: Espeak) -> None:
    def edges(text: str) -> tuple[float, float]:
        loud = np.flatnonzero(np.abs(spoken(engine, text)) > 300)
        return loud[0] * 1000 / RATE_HZ, (len(spoken(engine, text)) - loud[-1]) * 1000 / RATE_HZ

    lead, full = edges("I am here.")
    _, none = edges("I am here")
    assert lead < 60
    assert 180 < full < 320
    assert none < 120


def test_first_piece_comes_before_the_rest_is_made(engine: Espeak) -> None:
    text = TEXT * 8
    firsts = []
    for _ in range(5):
        started = time.perf_counter()
        pieces = engine.synthesize(Utterance(text, "Cherry", "en"))
        first = next(iter(pieces))
        firsts.append(time.perf_counter() - started)
        rest = sum(len(piece) for piece in pieces)
        assert len(first) < rest / 4
    assert min(firsts) < 0.02


def test_rate_pitch_and_volume(engine: Espeak) -> None:
    normal, fast, slow = (len(spoken(engine, rate=rate)) for rate in (1.0, 2.0, 0.5))
    assert 1.6 < normal / fast < 2.4
    assert 1.5 < slow / normal < 2.3
    assert pitch_hz(spoken(engine, pitch=1.4)) > 1.2 * pitch_hz(spoken(engine))
    assert spoken(engine, volume=25).std() == pytest.approx(spoken(engine).std() / 2, rel=0.1)
    silent = spoken(engine, volume=0)
    assert silent.any() == np.False_
    assert len(silent) == pytest.approx(normal, rel=0.05)


def test_voices_differ_and_switching_back_gives_the_same(engine: Espeak) -> None:
    woman, man, again = (pitch_hz(spoken(engine, voice=v)) for v in ("Cherry", "Ethan", "Cherry"))
    assert woman > 1.4 * man
    assert again == pytest.approx(woman, rel=0.05)
    assert pitch_hz(spoken(engine, voice="nobody")) == pytest.approx(woman, rel=0.05)


@pytest.mark.parametrize("voice", NAMES)
def test_every_voice_speaks_at_its_pitch(engine: Espeak, voice: str) -> None:
    samples = spoken(engine, "We are all here now, and we are well.", voice)
    pitch = pitch_hz(samples)
    female = voice in FEMALE
    assert (145 < pitch < 330) if female else (60 < pitch < 160)
    assert -25 < 20 * np.log10(samples.std() / 32768) < -15


SAMPLES = {
    "zh": "你好，世界。", "yue": "你好，世界。", "ja": "こんにちは。", "ko": "안녕하세요.",
    "ar": "مرحبا بالعالم",
    "ru": "Привет, мир.", "th": "สวัสดีชาวโลก", "hi": "नमस्ते दुनिया", "ur": "ہیلو دنیا",
    "he": "שלום עולם", "fa": "سلام دنیا", "el": "Γεια σου κόσμε", "be": "Прывітанне",
    "bg": "Здравей, свят", "bn": "ওহে বিশ্ব", "gu": "નમસ્તે", "kk": "Сәлем",
    "kn": "ನಮಸ್ಕಾರ", "ky": "Салам дүйнө", "mk": "Здраво", "ml": "നമസ്കാരം", "mr": "नमस्कार",
    "pa": "ਸਤ ਸ੍ਰੀ ਅਕਾਲ", "uk": "Привіт, світе", "ta": "வணக்கம்", "te": "నమస్కారం",
    "ka": "გამარჯობა", "hy": "Բարեւ աշխարհ", "ne": "नमस्कार", "sr": "Здраво",
}  # fmt: skip


@pytest.mark.parametrize("language", espeak_voices.LANGUAGES)
def test_every_language_makes_sound(engine: Espeak, language: str) -> None:
    samples = spoken(engine, SAMPLES.get(language, "Alo, ma mundi kosta 12."), language=language)
    assert 0.3 < len(samples) / RATE_HZ < 8
    assert samples.std() > 300


def test_chinese_is_spoken_by_syllables_not_by_letter_names(engine: Espeak) -> None:
    text = "今天天气很好我们去公园"
    seconds = len(spoken(engine, text, language="zh")) / RATE_HZ
    assert 0.16 < seconds / len(text) < 0.26


def test_kana_are_spoken_and_kanji_refused_with_a_sentence_for_the_client(engine: Espeak) -> None:
    assert len(spoken(engine, "かんじをよみます。カタカナ、１２３。", language="ja")) > RATE_HZ
    for text in ("漢字を読みます。", "これは本です。", "人々"):
        with pytest.raises(Unspeakable, match="dragoman\\[ja\\]") as refusal:
            spoken(engine, text, language="ja")
        assert text not in str(refusal.value)
    assert len(spoken(engine, "漢字", language="zh")) > RATE_HZ / 4


def test_regions_and_unknown_languages(engine: Espeak) -> None:
    assert espeak_voices.identifier("en-GB") != espeak_voices.identifier("en")
    assert espeak_voices.identifier("zh_CN") == espeak_voices.identifier("zh")
    with pytest.raises(ValueError, match="gl"):
        spoken(engine, language="gl")


@pytest.mark.parametrize("text", ["", "  \n", "...", "！？", "\0", "😀"])
def test_nothing_to_say_yields_nothing(engine: Espeak, text: str) -> None:
    assert not list(engine.synthesize(Utterance(text, "Cherry", "en")))


def test_text_is_never_read_as_commands(engine: Espeak) -> None:
    plain = len(spoken(engine, "one two three four five"))
    embedded = len(spoken(engine, "\x0120Sone two three four five"))  # would be a command: slow
    assert embedded < 2 * plain
    marked = spoken(engine, '<prosody rate="10%">one two three four five</prosody>')
    assert len(marked) > plain  # the tags are read out, not obeyed
    after_nul = spoken(engine, "one two\0 three four five")
    assert len(after_nul) == pytest.approx(plain, rel=0.2)
    assert len(spoken(engine, "[[h@'loU]]")) > 0
    assert len(spoken(engine, "broken \ud83d half")) > 0


def test_long_words_and_long_texts_are_cut(engine: Espeak) -> None:
    assert len(spoken(engine, "x" * 5000)) / RATE_HZ < 40
    assert len(spoken(engine, "word " * 50_000)) / RATE_HZ < 600


def test_cancel_stops_the_work_and_leaves_it_usable(engine: Espeak) -> None:
    pieces = engine.synthesize(Utterance(TEXT * 60, "Cherry", "en"))
    next(iter(pieces))
    pieces.close()
    assert 3.0 < len(spoken(engine)) / RATE_HZ < 4.8


def test_two_streams_read_in_turn_do_not_block_each_other(engine: Espeak) -> None:
    long, short = (engine.synthesize(Utterance(TEXT * n, "Cherry", "en")) for n in (20, 1))
    first = next(iter(long))
    assert 3.0 < sum(len(piece) for piece in short) / 2 / RATE_HZ < 4.8
    assert len(first) + sum(len(piece) for piece in long) > 60 * 2 * RATE_HZ


def test_it_must_be_loaded() -> None:
    with pytest.raises(EngineUnavailable, match="not loaded"):
        list(Espeak().synthesize(Utterance(TEXT, "Cherry", "en")))
