"""Measure the voices: loudness, pitch, peaks and speed, from which their tables were made.

    scripts/measure_voices.py espeak|flite|openjtalk [--every-name] [--languages en,zh,...]

One line for each variant of an engine (with ``--every-name``, for each name of a voice):
integrated loudness per language, the median pitch and the highest peak; then, per language, how
fast the first voice speaks. ``--table`` prints the gains that bring each variant to the common
level: put them into the code after a change of an engine. As it loads GPL libraries into this
process, nothing of the server imports it.

Loudness is that of ITU-R BS.1770-4 (K-weighting, blocks of 400 ms, gates at -70 LUFS and 10 LU
below the ungated level), with the weighting applied in the frequency domain.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from dragoman.engines import registry
from dragoman.engines.base import Synthesizer, Utterance
from dragoman.engines.shared.voice_table import LEVEL_LUFS
from dragoman.text.spoken import FULL_PAUSE_MS

Samples = npt.NDArray[np.float64]

SENTENCES = {
    "en": (
        "The train to the coast leaves at nine from the second platform.",
        "We talked about the weather, and then about the price of bread.",
    ),
    "zh": ("去海边的火车九点从第二站台出发。", "我们先谈了天气，然后谈了面包的价格。"),
    "de": (
        "Der Zug an die Küste fährt um neun vom zweiten Gleis ab.",
        "Wir sprachen über das Wetter und dann über den Preis von Brot.",
    ),
    "fr": (
        "Le train pour la côte part à neuf heures du deuxième quai.",
        "Nous avons parlé du temps, puis du prix du pain.",
    ),
    "es": (
        "El tren a la costa sale a las nueve del segundo andén.",
        "Hablamos del tiempo y después del precio del pan.",
    ),
    "it": (
        "Il treno per la costa parte alle nove dal secondo binario.",
        "Abbiamo parlato del tempo e poi del prezzo del pane.",
    ),
    "pt": (
        "O trem para a costa sai às nove da segunda plataforma.",
        "Falamos do tempo e depois do preço do pão.",
    ),
    "ru": (
        "Поезд к морю отправляется в девять со второго пути.",
        "Мы говорили о погоде, а потом о цене хлеба.",
    ),
    "ja": (
        "うみへいくでんしゃは、くじににばんせんからでます。",
        "ともだちとてんきのはなしをしました。",
    ),
    "ko": (
        "바다로 가는 기차는 아홉 시에 두 번째 승강장에서 출발합니다.",
        "우리는 날씨와 빵값에 대해 이야기했습니다.",
    ),
}
"""Sentences of everyday words in the ten languages of the synthesis API."""


def weighting(frequencies: Samples) -> Samples:
    """Power response of the K-weighting of BS.1770: a shelf for the head, then a high pass."""
    s = 1j * 2 * np.pi * np.maximum(frequencies, 1e-9)
    shelf_hz, shelf_q, shelf_gain = 1681.97, 0.7072, 10 ** (3.99984 / 20)
    w = 2 * np.pi * shelf_hz
    band = shelf_gain**0.49967
    shelf = (shelf_gain * s**2 + band * w / shelf_q * s + w**2) / (s**2 + w / shelf_q * s + w**2)
    low = 2 * np.pi * 38.135
    high_pass = s**2 / (s**2 + low / 0.50033 * s + low**2)
    response: Samples = np.abs(shelf * high_pass) ** 2
    return response


def loudness_lufs(samples: Samples, rate_hz: int) -> float:
    """Integrated loudness of mono samples in -1..1; ``-inf`` for silence."""
    spectrum = np.fft.rfft(samples)
    frequencies = np.fft.rfftfreq(len(samples), 1 / rate_hz)
    weighted = np.fft.irfft(spectrum * np.sqrt(weighting(frequencies)), len(samples))
    block, step = rate_hz * 400 // 1000, rate_hz // 10
    starts = range(0, max(1, len(weighted) - block + 1), step)
    powers = np.array([np.mean(weighted[start : start + block] ** 2) for start in starts])
    loud = powers[_lufs(powers) > -70.0]
    if not loud.size:
        return float("-inf")
    gated = loud[_lufs(loud) > _lufs(loud.mean()) - 10.0]
    return float(_lufs(gated.mean()))


def _lufs(power: npt.ArrayLike) -> Samples:
    found: Samples = -0.691 + 10 * np.log10(np.maximum(np.asarray(power), 1e-12))
    return found


def median_f0_hz(samples: Samples, rate_hz: int) -> float:
    """Median pitch of the voiced parts, by autocorrelation; 0 when nothing is voiced."""
    window, step = rate_hz * 45 // 1000, rate_hz * 20 // 1000
    shortest, longest = rate_hz // 500, rate_hz // 60
    loud = samples.std()
    found = []
    for start in range(0, len(samples) - window, step):
        part = samples[start : start + window]
        if part.std() < loud / 2:
            continue
        spectrum = np.abs(np.fft.rfft(part - part.mean(), 2 * window)) ** 2
        curve = np.fft.irfft(spectrum)[: longest + 1]
        lag = shortest + int(curve[shortest:].argmax())
        if curve[lag] > 0.4 * curve[0]:
            found.append(rate_hz / lag)
    return float(np.median(found)) if found else 0.0


def spoken(engine: Synthesizer, texts: Iterable[str], voice: str, language: str) -> Samples:
    """The texts one after the other, in -1..1."""
    pieces = (
        piece
        for text in texts
        for piece in engine.synthesize(Utterance(text=text, voice=voice, language=language))
    )
    return np.frombuffer(b"".join(pieces), "<i2").astype(float) / 32768


def distinct(engine: Any) -> list[str]:
    """One name for each variant that the engine has."""
    first: dict[str, str] = {}
    for name in engine.info.voices:
        first.setdefault(engine.sounds.of(name).variant, name)
    return list(first.values())


def measured(
    engine: Synthesizer, name: str, languages: list[str]
) -> tuple[list[float], float, float]:
    """Loudness by language, median pitch in the first language, and the highest peak."""
    rate_hz = engine.info.rate_hz
    sounds = [spoken(engine, SENTENCES[tag], name, tag) for tag in languages]
    levels = [loudness_lufs(sound, rate_hz) for sound in sounds]
    return levels, median_f0_hz(sounds[0], rate_hz), max(float(np.abs(s).max()) for s in sounds)


def print_gains(engine: Any, names: list[str], languages: list[str], *, by_name: bool) -> None:
    """A table for the code: gains by variant and language, or with all of a name's sound."""
    if not by_name:
        print("   ", *languages)
    for name in names:
        levels, _, _ = measured(engine, name, languages)
        gains = [
            LEVEL_LUFS - level + engine.sounds.gain_db(name, tag)
            for level, tag in zip(levels, languages, strict=True)
        ]
        sound = engine.sounds.of(name)
        if by_name:
            print(f"    {name}: {sound.variant} {sound.pitch} {sound.size} {np.mean(gains):.1f}")
        else:
            print("   ", sound.variant, *(f"{gain:.1f}" for gain in gains))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Measure the voices of an engine.")
    parser.add_argument("engine", help="a spec, as for dragoman serve --engines tts=...")
    parser.add_argument("--every-name", action="store_true")
    parser.add_argument("--table", action="store_true", help="the gains, to be put into the code")
    parser.add_argument("--languages", default=",".join(SENTENCES))
    asked = parser.parse_args()
    engine: Any = registry.make(asked.engine, "tts")
    engine.load()
    languages = [tag for tag in asked.languages.split(",") if tag in engine.info.languages]
    names = list(engine.info.voices) if asked.every_name else distinct(engine)
    if asked.table:
        print_gains(engine, names, languages, by_name=asked.every_name)
        return
    print("voice".ljust(14), *(tag.rjust(6) for tag in languages), "  F0 Hz   peak")
    for name in names:
        levels, pitch_hz, peak = measured(engine, name, languages)
        cells = [*(f"{level:6.1f}" for level in levels), f"{pitch_hz:7.0f}", f"{peak:6.2f}"]
        print(name.ljust(14), *cells)
    print("\nlanguage  letters a second")
    for tag in languages:
        letters = sum(char.isalnum() for text in SENTENCES[tag] for char in text)
        length_s = len(spoken(engine, SENTENCES[tag], names[0], tag)) / engine.info.rate_hz
        print(f"{tag:8}  {letters / (length_s - 2 * FULL_PAUSE_MS / 1000):5.1f}")


if __name__ == "__main__":
    main()
