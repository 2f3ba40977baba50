"""How the one voice of Open JTalk, Mei, speaks for each cloud voice.

Scope: one table: voice, factor on its pitch, size of the vocal tract, and the measured
gain in dB that brings it to the common level: ``scripts/measure_voices.py openjtalk --every-name
--table``. Mei's own median pitch is 356 Hz, so women are a little lower, and men an octave and a
half, with a longer tract.
"""

from __future__ import annotations

from dragoman.engines.shared.voice_table import parse_sounds

TABLE = parse_sounds(
    """
    Cherry: mei 0.75 1.0 1.9 | Tina: mei 0.85 1.0 1.9 | Serena: mei 0.67 1.0 2.0
    Chelsie: mei 0.62 1.0 2.2 | Momo: mei 0.75 0.95 2.1 | Vivian: mei 0.85 0.95 2.1
    Maia: mei 0.67 0.95 2.3 | Bella: mei 0.62 0.95 2.3 | Mia: mei 0.75 1.06 2.0
    Bellona: mei 0.85 1.06 1.9 | Bunny: mei 0.67 1.06 2.0 | Elias: mei 0.62 1.06 2.2
    Nini: mei 0.75 0.91 2.2 | Seren: mei 0.85 0.91 2.1 | Stella: mei 0.67 0.91 2.4
    Jennifer: mei 0.62 0.91 2.3 | Katerina: mei 0.75 1.1 2.0 | Sonrisa: mei 0.85 1.1 1.8
    Sohee: mei 0.67 1.1 1.9 | Ono Anna: mei 0.62 1.1 2.0 | Jada: mei 0.71 1.0 1.9
    Sunny: mei 0.8 1.0 1.9 | Kiki: mei 0.9 1.0 1.8 | Cindy: mei 0.64 1.0 2.1
    Liora Mira: mei 0.71 0.95 2.2 | Sunnybobi: mei 0.8 0.95 2.1 | Qiao: mei 0.9 0.95 2.1
    Angel: mei 0.64 0.95 2.3 | Mione: mei 0.71 1.06 2.0 | Roya: mei 0.8 1.06 2.0
    Hana: mei 0.9 1.06 1.8 | Griet: mei 0.64 1.06 2.1 | Eliška: mei 0.71 0.91 2.3
    Marina: mei 0.8 0.91 2.1 | Siiri: mei 0.9 0.91 2.2 | Ingrid: mei 0.64 0.91 2.4
    Sigga: mei 0.71 1.1 2.0 | Bea: mei 0.8 1.1 1.8 | Chloe: mei 0.9 1.1 1.7
    Ethan: mei 0.35 1.18 1.9 | Ryan: mei 0.31 1.18 1.8 | Moon: mei 0.39 1.18 1.8
    Kai: mei 0.35 1.24 1.8 | Nofish: mei 0.31 1.24 1.8 | Eldric Sage: mei 0.39 1.24 1.8
    Mochi: mei 0.35 1.13 2.1 | Vincent: mei 0.31 1.13 2.1 | Neil: mei 0.39 1.13 2.1
    Arthur: mei 0.35 1.28 1.7 | Pip: mei 0.31 1.28 1.7 | Aiden: mei 0.39 1.28 1.7
    Andre: mei 0.35 1.21 1.7 | Radio Gol: mei 0.31 1.21 1.7 | Bodega: mei 0.39 1.21 1.7
    Alek: mei 0.35 1.26 1.8 | Dolce: mei 0.31 1.26 1.8 | Lenn: mei 0.39 1.26 1.9
    Emilien: mei 0.35 1.15 1.9 | Dylan: mei 0.31 1.15 2.0 | Li: mei 0.39 1.15 2.0
    Marcus: mei 0.33 1.18 1.9 | Roy: mei 0.37 1.18 1.8 | Peter: mei 0.29 1.18 1.9
    Eric: mei 0.33 1.24 1.8 | Rocky: mei 0.37 1.24 1.8 | Uncle_Fu: mei 0.29 1.24 1.8
    Raymond: mei 0.33 1.13 2.1 | Theo Calm: mei 0.37 1.13 2.1 | Harvey: mei 0.29 1.13 2.1
    Evan: mei 0.33 1.28 1.7 | Wil: mei 0.37 1.28 1.7 | Li Cassian: mei 0.29 1.28 1.7
    Joyner: mei 0.33 1.21 1.7 | Gold: mei 0.37 1.21 1.7 | Rizky: mei 0.29 1.21 1.7
    Arda: mei 0.33 1.26 1.7 | Jakub: mei 0.37 1.26 1.8
    """
)
