"""Which flite voice speaks for which cloud voice, and how.

Scope: one table: voice, factor on its pitch, size of the vocal tract (not for rms,
whose pitch can only be moved together with it), and the measured gain in dB that brings it to the
common level: ``scripts/measure_voices.py flite --every-name --table``.
"""

from __future__ import annotations

from dragoman.engines.shared.voice_table import parse_sounds

TABLE = parse_sounds(
    """
    Cherry: slt 1.0 1.0 -5.1 | Tina: slt 1.12 1.0 -6.7 | Serena: slt 0.9 1.0 -3.5
    Chelsie: slt 1.2 1.0 -7.1 | Momo: slt 1.0 0.93 -4.1 | Vivian: slt 1.12 0.93 -5.9
    Maia: slt 0.9 0.93 -3.0 | Bella: slt 1.2 0.93 -6.7 | Mia: slt 1.0 1.08 -6.3
    Bellona: slt 1.12 1.08 -7.1 | Bunny: slt 0.9 1.08 -4.7 | Elias: slt 1.2 1.08 -6.8
    Nini: slt 1.0 0.88 -3.4 | Seren: slt 1.12 0.88 -5.1 | Stella: slt 0.9 0.88 -3.1
    Jennifer: slt 1.2 0.88 -6.2 | Katerina: slt 1.0 1.14 -6.8 | Sonrisa: slt 1.12 1.14 -6.9
    Sohee: slt 0.9 1.14 -5.6 | Ono Anna: slt 1.2 1.14 -6.2 | Jada: slt 0.95 1.0 -4.3
    Sunny: slt 1.06 1.0 -6.1 | Kiki: slt 1.16 1.0 -7.0 | Cindy: slt 1.28 1.0 -7.0
    Liora Mira: slt 0.95 0.93 -3.4 | Sunnybobi: slt 1.06 0.93 -5.0 | Qiao: slt 1.16 0.93 -6.4
    Angel: slt 1.28 0.93 -7.1 | Mione: slt 0.95 1.08 -5.6 | Roya: slt 1.06 1.08 -6.9
    Hana: slt 1.16 1.08 -7.0 | Griet: slt 1.28 1.08 -6.1 | Eliška: slt 0.95 0.88 -3.0
    Marina: slt 1.06 0.88 -4.2 | Siiri: slt 1.16 0.88 -5.7 | Ingrid: slt 1.28 0.88 -6.9
    Sigga: slt 0.95 1.14 -6.4 | Bea: slt 1.06 1.14 -7.1 | Chloe: slt 1.16 1.14 -6.6
    Ethan: rms 1.0 1.0 0.3 | Ryan: awb 1.0 1.0 -1.3 | Moon: kal16 1.0 1.0 6.6
    Kai: awb 0.9 1.0 -1.4 | Nofish: rms 0.92 1.0 0.4 | Eldric Sage: awb 1.12 1.0 -1.7
    Mochi: kal16 1.15 1.0 6.1 | Vincent: awb 0.82 1.0 -1.6 | Neil: rms 1.1 1.0 0.2
    Arthur: awb 1.0 0.93 -1.5 | Pip: kal16 0.92 1.0 6.8 | Aiden: awb 0.9 0.93 -1.7
    Andre: rms 0.86 1.0 0.5 | Radio Gol: awb 1.12 0.93 -1.6 | Bodega: kal16 1.0 1.06 6.4
    Alek: awb 0.82 0.93 -1.9 | Dolce: rms 1.18 1.0 0.2 | Lenn: awb 1.0 1.08 -1.4
    Emilien: kal16 1.15 1.06 5.8 | Dylan: awb 0.9 1.08 -1.1 | Li: rms 0.96 1.0 0.3
    Marcus: awb 1.12 1.08 -2.2 | Roy: kal16 0.92 1.06 6.9 | Peter: awb 0.82 1.08 -1.3
    Eric: rms 1.05 1.0 0.2 | Rocky: awb 1.0 0.88 -1.8 | Uncle_Fu: kal16 1.0 0.95 6.8
    Raymond: awb 0.9 0.88 -2.0 | Theo Calm: rms 0.89 1.0 0.5 | Harvey: awb 1.12 0.88 -1.6
    Evan: kal16 1.15 0.95 6.3 | Wil: awb 0.82 0.88 -2.1 | Li Cassian: rms 1.14 1.0 0.2
    Joyner: awb 1.0 1.14 -1.6 | Gold: kal16 0.92 0.95 7.3 | Rizky: awb 0.9 1.14 -1.0
    Arda: awb 1.12 1.14 -2.5 | Jakub: awb 0.82 1.14 -1.1
    """
)
