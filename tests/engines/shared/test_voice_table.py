"""Voice names and their sounds: no two alike within a gender; an operator's own table."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from dragoman.engines import registry
from dragoman.engines.base import EngineUnavailable
from dragoman.engines.espeak.engine import Espeak
from dragoman.engines.flite.engine import Flite
from dragoman.engines.hibari.engine import Hibari
from dragoman.engines.openjtalk.engine import OpenJtalk
from dragoman.engines.shared import voice_table
from dragoman.engines.shared.voice_table import FEMALE, MALE, NAMES, VoiceSound, VoiceTable
from dragoman.protocol.synthesis.voices import VOICES

ENGINES = [Espeak, Flite, Hibari, OpenJtalk]
TABLE = VoiceTable({name: VoiceSound("plain") for name in NAMES}, {"plain": {"": -3.0, "zh": 1.0}})


def test_every_voice_of_the_synthesis_api_has_a_gender() -> None:
    assert set(VOICES) <= set(NAMES)
    assert not set(FEMALE) & set(MALE)
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("engine", ENGINES)
def test_no_two_names_of_a_gender_sound_the_same(
    engine: type[Espeak | Flite | Hibari | OpenJtalk],
) -> None:
    sounds = engine().sounds
    for names in (FEMALE, MALE):
        for one, other in combinations(names, 2):
            first, second = sounds.of(one), sounds.of(other)
            assert (first.variant, first.pitch, first.size) != (
                second.variant,
                second.pitch,
                second.size,
            ), f"{one} and {other}"
    assert sounds.of("nobody") == sounds.of("Cherry")


def test_gains_follow_the_language_and_the_operator() -> None:
    assert TABLE.gain_db("Cherry", "zh-CN") == 1.0
    assert TABLE.gain_db("Cherry", "de") == -3.0
    assert TABLE.gain("Cherry", "zh") == pytest.approx(10 ** (1 / 20))
    assert voice_table.gain_table("en zh\n a 1 2\n b 3 5") == {
        "a": {"en": 1, "zh": 2, "": 1.5},
        "b": {"en": 3, "zh": 5, "": 4},
    }


def written(folder: Path, text: str) -> str:
    file = folder / "voices.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_a_table_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        '[Cherry]\nvariant = "deep"\npitch = 0.8\n["Eldric Sage"]\nsize = 1.2\n'
        '[Ethan]\ngain_db = -2\n["Our Own"]\npitch = 1.5\n',
    )
    changed = TABLE.changed(path, ("plain", "deep"))
    assert changed.of("Cherry") == VoiceSound("deep", pitch=0.8)
    assert changed.of("Eldric Sage") == VoiceSound("plain", size=1.2)
    assert changed.gain_db("Ethan", "en") == -5.0
    assert changed.of("Our Own").pitch == 1.5
    assert changed.of("nobody") == VoiceSound("deep", pitch=0.8), "the default follows Cherry"
    assert changed.of("Serena") == TABLE.of("Serena")
    assert TABLE.of("Cherry") == VoiceSound("plain"), "the table itself did not change"
    assert TABLE.changed("", ()) is TABLE


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[Cherry]\nvariant = "f99"\n', ("[Cherry]", "variant", "f99", "deep, plain")),
        ("[Cherry]\npitch = 5\n", ("[Cherry]", "pitch", "0.5 to 2")),
        ("[Cherry]\npitch = nan\n", ("[Cherry]", "pitch")),
        ("[Cherry]\nsize = 0\n", ("[Cherry]", "size")),
        ("[Cherry]\ngain_db = 90\n", ("[Cherry]", "gain_db")),
        ('[Ethan]\npitch = "high"\n', ("[Ethan]", "pitch", "float")),
        ("[Ethan]\nspeed = 2\n", ("[Ethan]", "speed")),
        ("Ethan = 3\n", ("[Ethan]",)),
        ("[Ethan\n", ("not TOML",)),
    ],
)
def test_mistakes_name_the_file_the_voice_and_the_field(
    tmp_path: Path, text: str, words: tuple[str, ...]
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(EngineUnavailable) as refusal:
        TABLE.changed(path, ("plain", "deep"))
    for word in (path, *words):
        assert word in str(refusal.value)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(EngineUnavailable, match=r"/there/is/none\.toml"):
        TABLE.changed("/there/is/none.toml", ())


@pytest.mark.parametrize("name", ["espeak", "flite", "hibari", "openjtalk"])
def test_the_table_is_an_option_of_each_engine_that_is_read_at_load(
    name: str, tmp_path: Path
) -> None:
    path = written(tmp_path, '[Cherry]\nvariant = "nothing of that name"\n')
    engine = registry.make(f"{name}?voices={path}", "tts")
    with pytest.raises(EngineUnavailable) as refusal:
        engine.load()
    if "not installed" in str(refusal.value):
        pytest.skip(str(refusal.value))
    assert "nothing of that name" in str(refusal.value)
    assert path in str(refusal.value)


def test_an_operators_variant_is_used(tmp_path: Path) -> None:
    path = written(tmp_path, '[Cherry]\nvariant = "m3"\npitch = 0.8\n')
    engine = registry.make(f"espeak?voices={path}", "tts")
    try:
        engine.load()
    except EngineUnavailable as reason:
        pytest.skip(str(reason))
    assert isinstance(engine, Espeak)
    assert engine.sounds.of("Cherry") == VoiceSound("m3", pitch=0.8)


def test_too_few_sounds_or_duplicates_are_refused() -> None:
    some = [("v", 1.0 + index / 100, 1.0) for index in range(50)]
    assert len(voice_table.assign_sounds(some, some)) == len(NAMES)
    for bad in (some[:3], [some[0]] * 50):
        with pytest.raises(ValueError, match="sound of its own"):
            voice_table.assign_sounds(bad, some)
