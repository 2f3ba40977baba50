"""The synthesis families: lookup, voices, settings, tasks."""

import msgspec
import pytest
from msgspec import UNSET

from dragoman.protocol.core.fields import Invalid
from dragoman.protocol.registry import APIS, UNKNOWN, lookup
from dragoman.protocol.synthesis import family as tts
from dragoman.protocol.synthesis import voices
from dragoman.speech import Coverage, Speak

EVERYTHING = Coverage(speaks=frozenset("*"))


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("qwen-tts-realtime", "qwen-tts"),
        ("qwen-tts-realtime-latest", "qwen-tts"),
        ("qwen-tts-realtime-2025-07-15", "qwen-tts"),
        ("qwen3-tts-flash-realtime", "qwen3-tts-flash"),
        ("qwen3-tts-flash-realtime-2025-11-27", "qwen3-tts-flash"),
        ("qwen3-tts-instruct-flash-realtime-2026-01-22", "qwen3-tts-instruct"),
        ("qwen3-tts-vc-realtime-2026-01-15", "qwen3-tts-vc"),
        ("qwen3-tts-vd-realtime", "qwen3-tts-vd"),
        ("qwen7-tts-new-realtime", "qwen3-tts-flash"),
        ("Qwen3-TTS-Flash-Realtime", "qwen3-tts-flash"),
        ("qwen3-livetranslate-flash-realtime", "qwen3-livetranslate"),
        ("qwen3.5-livetranslate-flash-realtime", "qwen3.5-livetranslate"),
        ("qwen9-livetranslate", "qwen3.8-livetranslate"),
        ("qwen3-tts-flash", None),  # without realtime it is another API
        ("qwen3-tts-vc", None),  # the name of a family is no model name
        ("realtime-tts", None),
        ("", None),
    ],
)
def test_lookup_by_pattern(model: str, name: str | None):
    served = lookup(model, {})
    assert (served.family.name if served.family else None) == name
    assert (served.api is UNKNOWN) == (name is None)


def test_operators_alias_a_family_or_a_model():
    aliases = {"mine": "qwen3-tts-vc", "ours": "qwen-tts-realtime", "bad": "nothing", "b": "mine"}
    assert lookup("mine", aliases).family is tts.CLONED
    assert lookup("ours", aliases).family is tts.CLASSIC
    assert lookup("bad", aliases).family is None
    assert lookup("b", aliases).family is None
    for api in APIS:
        for family in api.families:
            assert lookup("x", {"x": family.name}, api.paths[0]).family is family


def test_the_voice_table():
    assert len(voices.VOICES) == 48
    assert sum(voice.first for voice in voices.VOICES.values()) == 17
    assert len(voices.INSTRUCT) == 24
    assert len(voices.FLASH) == 48
    assert set(voices.CLASSIC) <= set(voices.VOICES)
    assert voices.VOICES["Ono Anna"].speaks == "ja"
    assert voices.VOICES["Kiki"].speaks == "Cantonese"


def merge(patch: dict, family=tts.FLASH, *, coverage=EVERYTHING, strict=False):
    return family.merge(family.defaults(), patch, coverage, strict=strict)


def test_a_patch_changes_what_it_names():
    first = merge({"voice": "Ethan", "volume": 10, "strange": 1, "speech_rate": None})
    second = tts.FLASH.merge(first, {"volume": 20}, EVERYTHING)
    assert (second.voice, second.volume, second.speech_rate) == ("Ethan", 20, UNSET)
    assert first.volume == 10


@pytest.mark.parametrize("rate", tts.SAMPLE_RATES)
def test_all_rates_work_for_all_families(rate: int):
    for family in tts.FAMILIES:
        assert family.task(merge({"sample_rate": rate}, family)).sample_rate == rate


@pytest.mark.parametrize(
    ("patch", "param"),
    [
        ({"voice": "x" * 300}, "session.voice"),
        ({"mode": "Commit"}, "session.mode"),
        ({"response_format": "flac"}, "session.response_format"),
        ({"response_format": 3}, "session.response_format"),
        ({"sample_rate": "24000"}, "session.sample_rate"),
        ({"language_type": "en"}, "session.language_type"),
        ({"pitch_rate": 0.4}, "session.pitch_rate"),
        ({"volume": -1}, "session.volume"),
        ({"bit_rate": 5}, "session.bit_rate"),
        ({"instructions": ["x"]}, "session.instructions"),
        ({"instructions": "x" * 6401}, "session.instructions"),
        ({"instructions": "慢" * 1601}, "session.instructions"),
        ({"optimize_instructions": 1}, "session.optimize_instructions"),
        ({"enable_tn": "true"}, "session.enable_tn"),
    ],
)
def test_wrong_values_are_named(patch: dict, param: str):
    with pytest.raises(Invalid) as refusal:
        merge(patch, tts.INSTRUCT)
    assert refusal.value.param == param


@pytest.mark.parametrize(("name", "tag"), tts.LANGUAGES.items())
def test_languages_in_any_case(name: str, tag: str | None):
    settings = merge({"language_type": name.upper()})
    assert settings.language_type == name.upper()
    assert tts.FLASH.task(settings).language == tag


def test_a_language_no_engine_speaks():
    english = Coverage(speaks=frozenset({"en"}))
    assert merge({"language_type": "English"}, coverage=english).language_type == "English"
    assert merge({"language_type": "auto"}, coverage=english).language_type == "auto"
    with pytest.raises(Invalid, match="'Auto', 'English'"):
        merge({"language_type": "Russian"}, coverage=english)


def test_strict_voices_and_rates():
    with pytest.raises(Invalid, match="The requested voice 'Kiki' is not supported"):
        merge({"voice": "Kiki"}, tts.INSTRUCT, strict=True)
    with pytest.raises(Invalid, match="'24000'"):
        merge({"sample_rate": 16000}, tts.CLASSIC, strict=True)
    assert merge({"sample_rate": 16000}, tts.FLASH, strict=True).sample_rate == 16000


def test_the_task_of_the_engines():
    settings = merge(
        {
            "voice": "Vivian",
            "speech_rate": 2,
            "pitch_rate": 0.5,
            "volume": 0,
            "instructions": "Be glad.",
            "language_type": "french",
        },
        tts.INSTRUCT,
    )
    assert tts.INSTRUCT.task(settings) == Speak(
        voice="Vivian", language="fr", rate=2.0, pitch=0.5, volume=0, instructions="Be glad."
    )
    assert tts.FLASH.task(merge({"voice": "qwen-tts-vc-x"})).voice == "Cherry"


def test_the_first_snapshot_has_fewer_voices_for_the_strict():
    first = lookup("qwen3-tts-flash-realtime-2025-09-18").family
    assert len(first.voices) == 17
    assert merge({"voice": "Nofish"}, first, strict=True).voice == "Nofish"
    assert merge({"voice": "Serena"}, first).voice == "Serena"
    with pytest.raises(Invalid, match="voice 'Serena' is not supported"):
        merge({"voice": "Serena"}, first, strict=True)
    assert merge({"voice": "Serena"}, lookup("qwen3-tts-flash-realtime").family, strict=True)


def test_what_the_wire_shows():
    settings = merge({"language_type": "Chinese", "volume": 3})
    created = msgspec.json.encode(tts.created(settings, "sess_1", "m"))
    assert created == (
        b'{"object":"realtime.session","mode":"server_commit","model":"m","voice":"Cherry",'
        b'"response_format":"pcm","sample_rate":24000,"id":"sess_1"}'
    )
    updated = msgspec.json.encode(tts.updated(settings, "sess_1", "m"))
    assert updated == (
        b'{"id":"sess_1","object":"realtime.session","model":"m","voice":"Cherry",'
        b'"mode":"server_commit","response_format":"pcm","sample_rate":24000,'
        b'"language_type":"Chinese","volume":3}'
    )


@pytest.mark.parametrize(
    ("family", "samples", "rate_hz", "tokens"),
    [
        (tts.FLASH, round(2.447 * 24_000), 24_000, 31),  # recorded
        (tts.FLASH, round(2.844 * 16_000), 16_000, 36),  # recorded
        (tts.FLASH, 24_000 * 2, 24_000, 25),
        (tts.FLASH, 0, 24_000, 0),
        (tts.FLASH, 1, 24_000, 1),
        (tts.CLASSIC, 1, 24_000, 50),
        (tts.CLASSIC, 48_000, 24_000, 100),
        (tts.CLASSIC, 0, 24_000, 0),
    ],
)
def test_audio_tokens(family, samples: int, rate_hz: int, tokens: int):
    assert family.audio_tokens(samples, rate_hz) == tokens
