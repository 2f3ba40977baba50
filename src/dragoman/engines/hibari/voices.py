"""How the one voice of hibari, "heart", speaks for each cloud voice.

Scope: one table: voice, factor on its pitch, size of the vocal tract, and the measured gain in dB
that brings it to the common level: ``scripts/measure_voices.py hibari --every-name --table``. The
median pitch of "heart" is 187 Hz, so men are a little more than half as high, with a longer tract.
Only Cherry, the default, is the voice as it was trained.
"""

from __future__ import annotations

from dragoman.engines.shared.voice_table import parse_sounds

VOICE = "heart"
TABLE = parse_sounds(
    """
    Cherry: heart 1 1 3.6 | Tina: heart 1.05 0.952 3.6 | Serena: heart 0.95 1.053 3.7
    Chelsie: heart 1.1 0.909 3.7 | Momo: heart 0.9 1.111 3.5 | Vivian: heart 1.12 1 6.0
    Maia: heart 0.9 1 4.7 | Bella: heart 1.18 1 6.5 | Mia: heart 0.97 1 4.5
    Bellona: heart 1.06 1 5.3 | Bunny: heart 1.15 1 6.2 | Elias: heart 0.87 1 4.7
    Nini: heart 1.12 0.95 5.6 | Seren: heart 0.9 0.95 4.7 | Stella: heart 1.18 0.95 6.2
    Jennifer: heart 0.97 0.95 4.8 | Katerina: heart 1.06 0.95 3.6 | Sonrisa: heart 1.15 0.95 5.9
    Sohee: heart 0.87 0.95 4.5 | Ono Anna: heart 1.12 1.06 6.8 | Jada: heart 0.9 1.06 4.8
    Sunny: heart 1.18 1.06 7.2 | Kiki: heart 0.97 1.06 5.1 | Cindy: heart 1.06 1.06 6.2
    Liora Mira: heart 1.15 1.06 7.1 | Sunnybobi: heart 0.87 1.06 4.8 | Qiao: heart 1.12 0.91 4.9
    Angel: heart 0.9 0.91 4.5 | Mione: heart 1.18 0.91 5.7 | Roya: heart 0.97 0.91 4.7
    Hana: heart 1.06 0.91 4.7 | Griet: heart 1.15 0.91 5.3 | Eliška: heart 0.87 0.91 4.5
    Marina: heart 1.12 1.1 7.2 | Siiri: heart 0.9 1.1 3.9 | Ingrid: heart 1.18 1.1 7.3
    Sigga: heart 0.97 1.1 5.8 | Bea: heart 1.06 1.1 6.8 | Chloe: heart 1.15 1.1 7.3
    Ethan: heart 0.6 1.16 4.4 | Ryan: heart 0.54 1.16 4.0 | Moon: heart 0.66 1.16 4.7
    Kai: heart 0.57 1.16 4.1 | Nofish: heart 0.63 1.16 4.6 | Eldric Sage: heart 0.51 1.16 3.7
    Mochi: heart 0.69 1.16 4.8 | Vincent: heart 0.585 1.16 4.3 | Neil: heart 0.6 1.22 4.6
    Arthur: heart 0.54 1.22 4.0 | Pip: heart 0.66 1.22 4.8 | Aiden: heart 0.57 1.22 4.4
    Andre: heart 0.63 1.22 4.7 | Radio Gol: heart 0.51 1.22 3.9 | Bodega: heart 0.69 1.22 4.9
    Alek: heart 0.585 1.22 4.5 | Dolce: heart 0.6 1.12 3.9 | Lenn: heart 0.54 1.12 3.5
    Emilien: heart 0.66 1.12 4.3 | Dylan: heart 0.57 1.12 3.7 | Li: heart 0.63 1.12 4.2
    Marcus: heart 0.51 1.12 3.1 | Roy: heart 0.69 1.12 4.4 | Peter: heart 0.585 1.12 3.7
    Eric: heart 0.6 1.26 4.6 | Rocky: heart 0.54 1.26 4.1 | Uncle_Fu: heart 0.66 1.26 4.8
    Raymond: heart 0.57 1.26 4.4 | Theo Calm: heart 0.63 1.26 4.7 | Harvey: heart 0.51 1.26 3.8
    Evan: heart 0.69 1.26 4.9 | Wil: heart 0.585 1.26 4.5 | Li Cassian: heart 0.6 1.19 4.4
    Joyner: heart 0.54 1.19 3.8 | Gold: heart 0.66 1.19 4.5 | Rizky: heart 0.57 1.19 4.1
    Arda: heart 0.63 1.19 4.5 | Jakub: heart 0.51 1.19 3.6
    """
)
