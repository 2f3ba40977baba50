"""The rules of the scripted engines: words from a list, tagged translations, tones for words.

Scope: pure functions of their arguments, the same on every machine (tones are made
with whole numbers only, so they are equal bit for bit), no engine objects, no state.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from dragoman.engines.base import Samples
from dragoman.engines.scripted.script_file import SpeechEntry
from dragoman.speech import HEARING_RATE_HZ
from dragoman.text.scripts import DENSE

CELL_MS = 400
"""Without a script, every stretch of this length with sound in it is one word."""
LOUD = 1e-3
"""Root mean square from which a stretch counts as sound (-60 dBFS)."""
_LOWEST_HZ, _SEMITONES = 50, 96
WORDS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
    "twenty",
)  # fmt: skip

_TOKEN = re.compile(rf"\s+|[{DENSE}]|\w+(?:['’-]\w+)*|[^\w\s]")
"""White space, one CJK character, one word, or one mark."""


def rule_word(cell: int) -> str:
    """The word of the cell with this number; every fifth ends a sentence."""
    text = WORDS[cell % len(WORDS)]
    text = text.capitalize() if cell % 5 == 0 else text
    return text + "." if cell % 5 == 4 else text


def is_loud(samples: Samples) -> bool:
    """Whether there is sound in the samples."""
    return bool(samples.size) and float(np.dot(samples, samples)) / samples.size > LOUD**2


def pitch_vector(samples: Samples) -> Samples:
    """The loudest pitch as a bell over 96 semitones from 50 Hz, of length 1; zeros for silence."""
    if not is_loud(samples):
        return np.zeros(_SEMITONES, np.float32)
    last = samples[-HEARING_RATE_HZ:]  # a second, so that the spectrum has a bin for each Hz
    spectrum = np.abs(np.fft.rfft(last * np.hanning(last.size), HEARING_RATE_HZ))
    hz = max(_LOWEST_HZ, int(spectrum[_LOWEST_HZ:].argmax()) + _LOWEST_HZ)
    semitone = 12 * np.log2(hz / _LOWEST_HZ)
    bell = np.exp(-np.square(np.arange(_SEMITONES) - semitone))
    vector: Samples = (bell / np.linalg.norm(bell)).astype(np.float32)
    return vector


def pieces(text: str) -> list[str]:
    """The text cut into white space, words (a CJK character is one) and marks; nothing is lost."""
    return _TOKEN.findall(text)


def is_word(piece: str) -> bool:
    """Whether the piece is spoken at all."""
    return any(char.isalnum() for char in piece)


def translated(text: str, target: str, dictionary: Mapping[str, str]) -> str:
    """Every word replaced by its entry, or tagged with the target (``hello-es``).

    Entries are looked up without regard to case, longer runs of words first. With entries of
    single words only, the translation of a text's beginning is the beginning of its translation.
    """
    entries = {tuple(_spoken(key)): value for key, value in dictionary.items()}
    longest = max((len(key) for key in entries), default=0)
    parts, out, at = pieces(text), [], 0
    while at < len(parts):
        replacement, used = _longest_entry(parts, at, entries, longest)
        if replacement is not None:
            out.append(replacement)
        else:
            out.append(f"{parts[at]}-{target}" if is_word(parts[at]) else parts[at])
        at += used
    return "".join(out)


def _spoken(text: str) -> list[str]:
    return [piece.lower() for piece in pieces(text) if not piece.isspace()]


def _longest_entry(
    parts: list[str], at: int, entries: Mapping[tuple[str, ...], str], longest: int
) -> tuple[str | None, int]:
    """The entry of the longest run of words and marks that begins at ``at``, and its parts."""
    for end in range(min(len(parts), at + 2 * longest), at, -1):  # white space stands between them
        run = tuple(part.lower() for part in parts[at:end] if not part.isspace())
        if run in entries and not (parts[at].isspace() or parts[end - 1].isspace()):
            return entries[run], end - at
    return None, 1


def tones(
    text: str,
    *,
    voice: str,
    rate_hz: int,
    lengths: SpeechEntry,
    rate: float = 1.0,
    pitch: float = 1.0,
    volume: int = 50,
    pause: float = 1.0,
) -> Iterator[bytes]:
    """PCM s16le: one tone per word, word by word, each followed by a gap.

    The frequency comes from the word and the voice, the length from its letters; ``rate`` and
    ``pitch`` divide and multiply, ``volume`` 50 is a peak of a quarter of full scale. ``pause`` is
    a factor on the last gap.
    """
    peak = max(0, min(100, volume)) * 0x4000 // 100
    gap_samples = lengths.gap_ms * rate_hz / 1000 / rate
    words = list(filter(is_word, pieces(text)))
    for number, word in enumerate(words, 1):
        gap = bytes(2 * round(gap_samples * (pause if number == len(words) else 1.0)))
        length_ms = lengths.word_ms + lengths.letter_ms * min(len(word), 20)
        count = round(length_ms * rate_hz / 1000 / rate)
        yield _tone(word_hz(word, voice) * pitch, count, rate_hz, peak) + gap


def word_hz(word: str, voice: str = "") -> float:
    """The pitch of a word: 200 to 600 Hz from the word, up to an octave higher by voice."""
    base_hz = 200 + zlib.crc32(word.lower().encode()) % 400
    return base_hz * (1 + (zlib.crc32(voice.encode()) % 8) / 8)


def _tone(hz: float, count: int, rate_hz: int, peak: int) -> bytes:
    """A triangle wave, in whole numbers throughout, faded in and out over 5 ms."""
    step = round(hz * 65_536 / rate_hz)
    phase = (np.arange(count, dtype=np.int32) * step + 16_384) & 0xFFFF
    wave: npt.NDArray[np.int32] = np.abs(phase - 32_768) - 16_384  # -16384 to 16384
    fade = max(1, min(count // 2, rate_hz // 200))
    rise, samples = np.arange(fade, dtype=np.int64), wave * peak >> 14
    for edge, level in ((slice(fade), rise), (slice(max(0, count - fade), None), rise[::-1])):
        samples[edge] = wave[edge] * (peak * level) // (fade * 16_384)
    return samples.astype("<i2").tobytes()
