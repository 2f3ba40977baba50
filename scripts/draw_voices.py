"""Draw the table of voices in docs/voices.md from the code. ``--check`` only compares.

``--measure`` speaks with every voice first and writes the measured pitches into
``docs/voices.json``; without it those of the last time are used.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from dragoman.engines import registry
from dragoman.engines.shared.voice_table import FEMALE, VoiceSound
from dragoman.protocol.synthesis.voices import VOICES, Voice

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "voices.md"
PITCHES = ROOT / "docs" / "voices.json"
BEGIN, END = "<!-- voices -->\n", "<!-- /voices -->\n"
ENGINES = {"hibari": "en", "flite": "en", "espeak": "es", "openjtalk": "ja"}
MODELS = {"shared": "flash, instruct", "flash": "flash", "accent": "flash", "dialect": "flash"}


def sounded(sound: VoiceSound) -> str:
    """A sound in a cell."""
    size = "" if sound.size == 1 else f" ×{sound.size:g}"
    return f"{sound.variant} {sound.pitch:g}{size}"


def special(voice: Voice) -> str:
    """What the vendor says of the voice, and what becomes of it here."""
    if voice.group == "dialect":
        here = "" if voice.speaks == "Cantonese" else ", here Mandarin"
        return f"{voice.speaks}{here}"
    return f"accent {voice.speaks}" if voice.speaks else ""


def drawn(pitches: dict[str, dict[str, int]]) -> str:
    """The table."""
    engines: dict[str, Any] = {name: registry.make(name, "tts") for name in ENGINES}
    head = ["voice", "", "models", *(f"{name} | Hz" for name in ENGINES), ""]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * (len(head) + len(ENGINES))]
    for voice in VOICES.values():
        cells = [voice.name, "woman" if voice.name in FEMALE else "man", MODELS[voice.group]]
        for name, engine in engines.items():
            cells += [sounded(engine.sounds.of(voice.name)), str(pitches[voice.name][name])]
        lines.append("| " + " | ".join([*cells, special(voice)]) + " |")
    return "\n".join(lines) + "\n"


def redrawn(page: str) -> str:
    """The page with a fresh table."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    table = drawn(json.loads(PITCHES.read_text(encoding="utf-8")))
    return f"{before}{BEGIN}{table}{END}{after}"


def measure() -> None:
    """Speak with every voice of every engine and write down the pitches."""
    import measure_voices  # noqa: PLC0415  # the script beside this one; loads the engines

    found: dict[str, dict[str, int]] = {name: {} for name in VOICES}
    for engine_name, language in ENGINES.items():
        engine: Any = registry.make(engine_name, "tts")
        engine.load()
        for name in VOICES:
            _, pitch_hz, _ = measure_voices.measured(engine, name, [language])
            found[name][engine_name] = round(pitch_hz)
    lines = [f"  {json.dumps(name)}: {json.dumps(pitches)}" for name, pitches in found.items()]
    PITCHES.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def main() -> None:
    """Write the page, or with ``--check`` say whether it is up to date."""
    if "--measure" in sys.argv[1:]:
        measure()
    page = PAGE.read_text(encoding="utf-8")
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(redrawn(page), encoding="utf-8")
    elif redrawn(page) != page:
        sys.exit("docs/voices.md is stale: run scripts/draw_voices.py")


if __name__ == "__main__":
    main()
