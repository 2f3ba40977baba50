"""The interpretation families: tables, merging, echoing, tasks."""

import pytest

from dragoman.protocol.audio_input.turn_detection import probability
from dragoman.protocol.core.fields import Invalid
from dragoman.protocol.core.languages import canonical
from dragoman.protocol.interpretation.generations import QWEN3, QWEN35, QWEN38, family_for
from dragoman.protocol.interpretation.session_object import describe
from dragoman.protocol.interpretation.session_update import merge
from dragoman.speech import Coverage, Endpointing, InterpretationOptions

ANY = Coverage(hears=frozenset({"*"}), pairs=frozenset({("*", "*")}), speaks=frozenset({"*"}))
EMBEDDED = Coverage(
    hears=frozenset({"en"}),
    pairs=frozenset({("en", "es"), ("en", "ca"), ("en", "oc")}),
    speaks=frozenset({"en", "es", "oc"}),
)
ALL = [QWEN3, QWEN35, QWEN38]


def merged(family, *patches, coverage=ANY, strict=False):
    settings = family.defaults()
    for patch in patches:
        settings = merge(family, settings, patch, coverage, strict=strict)
    return settings


def refused(family, patch, *, coverage=ANY, strict=False, before=()):
    settings = merged(family, *before, coverage=coverage, strict=strict)
    with pytest.raises(Invalid) as wrong:
        merge(family, settings, patch, coverage, strict=strict)
    return wrong.value


def shown(family, settings, *, created=False):
    return describe(family, settings, "sess_1", "a-model", created=created)


# ---------------------------------------------------------------- which family
@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("qwen3-livetranslate-flash-realtime", QWEN3),
        ("qwen3-livetranslate-flash-realtime-2025-09-22", QWEN3),
        ("Qwen3.5-LiveTranslate-flash-realtime", QWEN35),
        ("qwen3.8-livetranslate-flash-realtime", QWEN38),
        ("qwen4-livetranslate-max", QWEN38),
        ("my-livetranslate", QWEN38),
        ("qwen3-tts-flash-realtime", None),
        ("", None),
    ],
)
def test_family_by_name(model, family):
    assert family_for(model) is family


def test_tables_have_the_documented_sizes():
    assert (len(QWEN3.spoken), len(QWEN3.text_only)) == (11, 7)
    for family in (QWEN35, QWEN38):
        assert (len(family.spoken), len(family.text_only)) == (29, 31)
        assert len(set(family.languages)) == 60
        assert len(set(family.voices)) == 47
    assert "yue" in QWEN3.spoken
    assert "yue" in QWEN35.text_only
    for family in ALL:
        assert family.default_voice in family.voices


# ---------------------------------------------------------------- shapes
def test_session_of_qwen3_is_short():
    assert shown(QWEN3, QWEN3.defaults(), created=True) == {
        "id": "sess_1",
        "object": "realtime.session",
        "model": "a-model",
        "modalities": ["text", "audio"],
        "voice": "Cherry",
        "input_audio_format": "pcm16",
        "output_audio_format": "pcm24",
        "translation": {"language": "en"},
    }


def test_session_of_qwen35():
    assert shown(QWEN35, QWEN35.defaults()) == {
        "id": "sess_1",
        "object": "realtime.session",
        "model": "a-model",
        "modalities": ["text", "audio"],
        "voice": "Tina",
        "input_audio_format": "pcm",
        "output_audio_format": "pcm",
        "sample_rate": 16000,
        "input_audio_transcription": {"model": "qwen3-asr-flash-realtime"},
        "turn_detection": {
            "type": "server_vad",
            "threshold": 0.2,
            "prefix_padding_ms": 300,
            "silence_duration_ms": 1000,
            "create_response": True,
            "interrupt_response": True,
        },
        "translation": {"language": "en"},
        "enable_voice_clone": False,
    }


def test_session_of_qwen38_as_recorded():
    created = shown(QWEN38, QWEN38.defaults(), created=True)
    assert created == {
        "id": "sess_1",
        "object": "realtime.session",
        "model": "a-model",
        "input_modalities": ["audio"],
        "output_modalities": ["text", "audio"],
        "audio": {
            "input": {
                "format": {"type": "pcm", "sample_rate": 16000},
                "turn_detection": {
                    "type": "speaker_detection",
                    "threshold": 0.5,
                    "silence_duration_ms": 2500,
                },
            },
            "output": {"format": {"type": "pcm", "sample_rate": 24000}, "voice": "Tina"},
        },
        "translation": {"language": "en"},
    }
    updated = shown(QWEN38, merged(QWEN38, {"translation": {"language": "zh"}}))
    detection = {
        "type": "speaker_detection",
        "threshold": 0.5,
        "create_response": True,
        "interrupt_response": True,
    }
    assert updated["audio"]["input"]["turn_detection"] == detection
    assert updated["turn_detection"] == detection
    assert updated["translation"] == {"language": "zh"}


@pytest.mark.parametrize("family", ALL)
def test_manual_mode_leaves_detection_out(family):
    session = shown(family, merged(family, {"turn_detection": None}))
    assert "turn_detection" not in session
    assert "turn_detection" not in session.get("audio", {}).get("input", {})


def test_a_silence_that_the_client_named_is_echoed_by_qwen38():
    patch = {"audio": {"input": {"turn_detection": {"silence_duration_ms": 900}}}}
    session = shown(QWEN38, merged(QWEN38, patch))
    assert session["turn_detection"]["silence_duration_ms"] == 900


# ---------------------------------------------------------------- merging
@pytest.mark.parametrize("family", ALL)
def test_flat_and_nested_names_mean_the_same(family):
    flat = {"modalities": ["text"], "voice": "default", "turn_detection": None}
    nested = {
        "output_modalities": ["text"],
        "audio": {"input": {"turn_detection": None}, "output": {"voice": "default"}},
    }
    assert merged(family, flat) == merged(family, nested)


@pytest.mark.parametrize(("family", "wins"), [(QWEN35, "Mia"), (QWEN38, "Cindy")])
def test_the_own_form_of_a_generation_wins(family, wins):
    patch = {
        "voice": "Mia",
        "audio": {"output": {"voice": "Cindy"}},
        "modalities": ["text"] if family is QWEN35 else ["text", "audio"],
        "output_modalities": ["text"] if family is QWEN38 else ["text", "audio"],
    }
    settings = merged(family, patch)
    assert settings.voice == wins
    assert settings.modalities == ("text",)


def test_null_says_nothing_where_it_is_not_a_value():
    before = merged(QWEN35, {"voice": "Mia", "translation": {"language": "es"}})
    names = ("voice", "modalities", "input_audio_format", "sample_rate", "translation", "audio")
    after = merge(QWEN35, before, dict.fromkeys(names), ANY, strict=False)
    assert after == before


def test_updates_are_partial_at_the_top_and_replace_below():
    settings = merged(
        QWEN35,
        {
            "voice": "Mia",
            "turn_detection": {"type": "server_vad", "threshold": -1, "silence_duration_ms": 300},
            "translation": {"language": "es", "corpus": {"phrases": {"a": "b"}}},
        },
        {"turn_detection": {"threshold": 1.0}, "translation": {"source_language": "en"}},
    )
    assert settings.voice == "Mia"
    assert settings.detection.threshold == 1.0
    assert settings.detection.silence_ms == 1000
    assert settings.target == "es"
    assert settings.source == "en"
    assert settings.phrases == {}


@pytest.mark.parametrize(
    ("value", "on"),
    [
        (None, False),
        ({"model": None}, False),
        ({"model": None, "language": "en"}, False),
        ({}, True),
        ({"model": "whisper-1"}, True),
        ({"language": "en"}, True),
    ],
)
def test_source_transcript_on_and_off(value, on):
    for family in (QWEN3, QWEN35):
        assert merged(family, {"input_audio_transcription": value}).transcribes is on
    assert merged(QWEN38, {"input_audio_transcription": value}).transcribes


def test_defaults_of_the_source_transcript():
    assert [family.defaults().transcribes for family in ALL] == [False, True, True]


def test_source_language_in_both_places():
    both = {
        "input_audio_transcription": {"language": "en"},
        "translation": {"source_language": "de"},
    }
    assert merged(QWEN35, both).source == "en"
    assert merged(QWEN35, both, {"input_audio_transcription": None}).source == "de"
    assert merged(QWEN35, {"input_audio_transcription": {"language": "auto"}}).source is None


def test_context_and_glossary_reach_the_engines():
    patch = {
        "input_audio_transcription": {"corpus": {"text": "chess"}},
        "translation": {"language": "es", "corpus": {"phrases": {"rook": "torre"}}},
    }
    hints = QWEN35.task(merged(QWEN35, patch)).hints
    assert (hints.context, hints.phrases) == ("chess", {"rook": "torre"})
    echo = shown(QWEN35, merged(QWEN35, patch))
    assert echo["translation"]["corpus"] == {"phrases": {"rook": "torre"}}
    assert echo["input_audio_transcription"]["corpus"] == {"text": "chess"}


@pytest.mark.parametrize("place", ["session", "translation"])
def test_skip_options_in_both_places(place):
    options = {"same_language_skip_options": {"skip_text": True}}
    patch = options if place == "session" else {"translation": {"language": "en", **options}}
    settings = merged(QWEN35, patch)
    assert (settings.skip_text, settings.skip_audio) == (True, False)
    echo = shown(QWEN35, settings)
    where = echo if place == "session" else echo["translation"]
    assert where["same_language_skip_options"] == {"skip_text": True, "skip_audio": False}
    assert not merged(QWEN38, patch).skip_text
    assert (
        "not supported"
        in refused(QWEN38, {"translation": {"language": "en"}, **patch}, strict=True).message
    )


# ---------------------------------------------------------------- aliases
@pytest.mark.parametrize("family", ALL)
def test_format_aliases_are_accepted_and_echoed_canonically(family):
    before = shown(family, family.defaults())
    for form in ("pcm", "pcm16", "pcm24"):
        patch = {"output_audio_format": form, "input_audio_format": "pcm16"}
        echo = shown(family, merged(family, patch))
        assert echo.get("output_audio_format") == before.get("output_audio_format")
        assert echo.get("input_audio_format") == before.get("input_audio_format")


@pytest.mark.parametrize("code", ["en-US", "EN", " en ", "en_GB"])
def test_language_codes_as_clients_write_them(code):
    assert merged(QWEN35, {"translation": {"language": code}}).target == "en"


def test_synonyms_of_codes():
    assert canonical("no-NO") == "nb"
    assert canonical("zh-Hans-CN") == "zh"
    assert canonical("tl") == "fil"


# ---------------------------------------------------------------- voices
def test_unknown_voice_becomes_the_default_and_is_remembered_for_the_log():
    settings = merged(QWEN35, {"voice": "Cherry"})
    assert (settings.voice, settings.voice_refused) == ("Tina", "Cherry")
    assert merged(QWEN35, {"voice": "Cherry"}, {"voice": "eliška"}).voice == "Eliška"
    error = refused(QWEN35, {"voice": "Cherry"}, strict=True)
    assert (error.message, error.param) == ("Voice 'Cherry' is not supported.", "session.voice")


@pytest.mark.parametrize("voice", ["default", "qwen-translate-vc-abc"])
def test_clones_are_echoed_and_spoken_by_the_default(voice):
    patch = {
        "voice": voice,
        "enable_voice_clone": True,
        "voice_clone_options": {"frequency": "once" if voice == "default" else "never"},
    }
    for family in (QWEN35, QWEN38):
        settings = merged(family, {"translation": {"language": "en"}, **patch}, strict=True)
        assert family.task(settings).voice == "Tina"
        echo = shown(family, settings)
        assert voice in (echo.get("voice"), echo.get("audio", {}).get("output", {}).get("voice"))
        assert echo["enable_voice_clone"] is True
        assert echo["voice_clone_options"] == patch["voice_clone_options"]


# ---------------------------------------------------------------- what is refused
@pytest.mark.parametrize(
    ("patch", "param"),
    [
        ({"modalities": []}, "session.modalities"),
        ({"modalities": ["audio"]}, "session.modalities"),
        ({"modalities": ["text", "video"]}, "session.modalities"),
        ({"modalities": [["text"]]}, "session.modalities"),
        ({"output_modalities": "text"}, "session.output_modalities"),
        ({"audio": []}, "session.audio"),
        ({"audio": {"input": 1}}, "session.audio.input"),
        ({"audio": {"input": {"format": {"type": "wav"}}}}, "session.audio.input.format.type"),
        ({"audio": {"input": {"format": "g711"}}}, "session.audio.input.format"),
        (
            {"audio": {"output": {"format": {"sample_rate": 16000}}}},
            "session.audio.output.format.sample_rate",
        ),
        ({"sample_rate": "16000"}, "session.sample_rate"),
        ({"voice": ["Tina"]}, "session.voice"),
        ({"turn_detection": "server_vad"}, "session.turn_detection"),
        ({"turn_detection": {"type": "vad"}}, "session.turn_detection.type"),
        ({"turn_detection": {"threshold": True}}, "session.turn_detection.threshold"),
        ({"turn_detection": {"threshold": -1.01}}, "session.turn_detection.threshold"),
        (
            {"turn_detection": {"silence_duration_ms": 6001}},
            "session.turn_detection.silence_duration_ms",
        ),
        (
            {"turn_detection": {"prefix_padding_ms": -1}},
            "session.turn_detection.prefix_padding_ms",
        ),
        ({"turn_detection": {"create_response": 1}}, "session.turn_detection.create_response"),
        ({"input_audio_transcription": "on"}, "session.input_audio_transcription"),
        ({"input_audio_transcription": {"model": 1}}, "session.input_audio_transcription.model"),
        (
            {"input_audio_transcription": {"corpus": {"text": 1}}},
            "session.input_audio_transcription.corpus.text",
        ),
        ({"translation": []}, "session.translation"),
        ({"translation": {"language": 5}}, "session.translation.language"),
        ({"translation": {"language": ""}}, "session.translation.language"),
        ({"translation": {"language": "auto"}}, "session.translation.language"),
        (
            {"translation": {"corpus": {"phrases": ["a"]}}},
            "session.translation.corpus.phrases",
        ),
        ({"enable_voice_clone": "yes"}, "session.enable_voice_clone"),
        ({"voice_clone_options": {"frequency": 1}}, "session.voice_clone_options.frequency"),
    ],
)
@pytest.mark.parametrize("family", ALL)
def test_bad_values_name_their_path(family, patch, param):
    error = refused(family, patch)
    assert (error.code, error.param) == ("invalid_value", param)
    assert error.message


def test_too_large_glossaries_are_refused():
    phrases = {str(n): "x" for n in range(5001)}
    error = refused(QWEN35, {"translation": {"corpus": {"phrases": phrases}}})
    assert "5000" in error.message


def test_opus_is_accepted_by_all_and_strictly_by_the_one_that_has_it():
    for family in (QWEN3, QWEN35, QWEN38):
        settings = merged(family, {"input_audio_format": "opus", "sample_rate": 8000})
        assert settings.opus_in
        assert family.task(settings).opus_in
        assert family.task(settings).rate_in == 16_000
    refused(QWEN3, {"input_audio_format": "opus"}, strict=True)
    assert merged(QWEN35, {"input_audio_format": "opus"}, strict=True).opus_in
    back = merged(QWEN35, {"input_audio_format": "opus"}, {"input_audio_format": "pcm"})
    assert not back.opus_in


def test_a_client_may_override_the_options():
    server = InterpretationOptions(policy="units", top_rate=1.1, turn_s=9.0)
    ours = {"policy": "turn", "skip_after_s": 0, "unknown": 1}
    first = {"translation": {"language": "es", **ours}}
    settings = merged(QWEN35, first)
    conduct = QWEN35.task(settings, server).conduct
    assert conduct == InterpretationOptions(
        policy="turn", top_rate=1.1, turn_s=9.0, skip_after_s=0.0
    )
    again = merged(
        QWEN35, {"translation": {"language": "es", **ours}}, {"translation": {"language": "fr"}}
    )
    assert QWEN35.task(again, server).conduct == server
    wrong = refused(QWEN35, {"translation": {"language": "es", "pace": "hasty"}})
    assert wrong.param == "session.translation.pace"


# ---------------------------------------------------------------- what the engines cover
def test_targets_beyond_the_engines_are_refused_by_name():
    error = refused(QWEN35, {"translation": {"language": "fr"}}, coverage=EMBEDDED)
    assert "'fr'" in error.message
    assert "'ca', 'en', 'es', 'oc'" in error.message
    assert error.param == "session.translation.language"


def test_unknown_codes_get_the_enum_template():
    error = refused(QWEN35, {"translation": {"language": "xx"}}, coverage=EMBEDDED)
    assert error.message == ("Invalid value: 'xx'. Supported values are: 'ca', 'en', 'es', 'oc'.")
    assert refused(QWEN35, {"translation": {"language": "klingon"}}).message.startswith("Invalid v")


def test_engines_may_do_more_than_the_table_except_strictly():
    patch = {"translation": {"language": "oc"}}
    assert merged(QWEN35, patch, coverage=EMBEDDED).target == "oc"
    assert "'oc'" in refused(QWEN35, patch, coverage=EMBEDDED, strict=True).message


def test_sources_beyond_the_engines_are_refused_by_name():
    for patch, param in (
        ({"input_audio_transcription": {"language": "de"}}, "input_audio_transcription.language"),
        ({"translation": {"source_language": "de"}}, "translation.source_language"),
    ):
        error = refused(QWEN35, patch, coverage=EMBEDDED)
        assert "Covered source languages are: 'en'." in error.message
        assert error.param == f"session.{param}"


def test_a_pair_that_no_engine_translates():
    coverage = Coverage(
        hears=frozenset({"en", "de"}),
        pairs=frozenset({("en", "es")}),
        speaks=frozenset({"es", "de"}),
    )
    patch = {"translation": {"language": "es", "source_language": "de"}}
    assert "from 'de' into 'es'" in refused(QWEN35, patch, coverage=coverage).message
    late = {"input_audio_transcription": {"language": "de"}}
    error = refused(QWEN35, late, coverage=coverage, before=[{"translation": {"language": "es"}}])
    assert error.param == "session.input_audio_transcription.language"
    # The same language needs no translator.
    patch = {"translation": {"language": "de", "source_language": "de"}}
    assert merged(QWEN35, patch, coverage=coverage).target == "de"


def test_a_target_without_a_voice_needs_text_only():
    patch = {"translation": {"language": "ca"}}
    error = refused(QWEN35, patch, coverage=EMBEDDED)
    assert "'ca'" in error.message
    assert error.param == "session.translation.language"
    named = refused(QWEN35, {**patch, "modalities": ["text", "audio"]}, coverage=EMBEDDED)
    assert named.param == "session.modalities"
    quiet = {**patch, "modalities": ["text"]}
    assert merged(QWEN35, quiet, coverage=EMBEDDED).target == "ca"
    back = refused(QWEN35, {"modalities": ["text", "audio"]}, coverage=EMBEDDED, before=[quiet])
    assert back.param == "session.modalities"


def test_strict_sessions_speak_only_what_the_table_speaks():
    patch = {"translation": {"language": "ca"}}
    assert merged(QWEN35, patch).target == "ca"
    assert "text only" in refused(QWEN35, patch, strict=True).message
    assert merged(QWEN35, {**patch, "modalities": ["text"]}, strict=True).target == "ca"


def test_without_any_engine_the_message_still_stands():
    error = refused(QWEN35, {"translation": {"language": "es"}}, coverage=Coverage())
    assert error.message.endswith("Covered target languages are: none.")


def test_an_update_that_declares_no_language_asks_no_engine():
    assert merged(QWEN35, {"voice": "Mia"}, coverage=Coverage()).voice == "Mia"


# ---------------------------------------------------------------- strict
def test_strict_qwen38_wants_the_translation_each_time():
    before = [{"translation": {"language": "es"}}]
    for patch in ({"voice": "Mia"}, {"translation": None}, {"translation": {"corpus": {}}}):
        error = refused(QWEN38, patch, strict=True, before=before)
        assert error.message == "Invalid translation parameter."
        assert merged(QWEN38, *before, patch).target == "es"


def test_strict_rules_of_skipping_and_cloning():
    skip = {"same_language_skip_options": {"skip_audio": True}}
    assert merged(QWEN35, skip, strict=True).skip_audio
    assert refused(QWEN35, {**skip, "translation": {"language": "es"}}, strict=True)
    clone = {"enable_voice_clone": True, "voice_clone_options": {"frequency": "always"}}
    assert refused(QWEN35, clone, strict=True).param == "session.voice"
    enrolled = {"enable_voice_clone": True, "voice_clone_options": {"frequency": "never"}}
    assert refused(QWEN35, enrolled, strict=True).param == "session.voice"
    assert merged(QWEN35, clone).voice == "Tina"


# ---------------------------------------------------------------- the task
@pytest.mark.parametrize(
    ("threshold", "expected"), [(-1, 0.1), (-0.4, 0.3), (0.2, 0.5), (0.6, 0.7), (1, 0.9)]
)
def test_threshold_becomes_a_probability(threshold, expected):
    assert probability(threshold) == pytest.approx(expected)
    task = QWEN35.task(merged(QWEN35, {"turn_detection": {"threshold": threshold}}))
    assert task.endpointing.threshold == pytest.approx(expected)
    fixed = QWEN38.task(merged(QWEN38, {"turn_detection": {"threshold": threshold}}))
    assert fixed.endpointing.threshold == 0.5


def test_silence_defaults_by_kind_of_detection():
    assert QWEN38.task(QWEN38.defaults()).endpointing == Endpointing(0.5, 2500, 300)
    patch = {"turn_detection": {"type": "server_vad"}}
    assert QWEN38.task(merged(QWEN38, patch)).endpointing == Endpointing(0.5, 1000, 300)
    back = merged(QWEN38, patch, {"turn_detection": {"type": "speaker_detection"}})
    assert QWEN38.task(back).endpointing.silence_ms == 2500


def test_task_of_a_manual_text_session_at_8_khz():
    patch = {
        "turn_detection": None,
        "modalities": ["text"],
        "sample_rate": 8000,
        "translation": {"language": "es"},
        "voice": "Mia",
    }
    task = QWEN35.task(merged(QWEN35, patch))
    assert (task.endpointing, task.speak, task.rate_in, task.rate_out) == (None, False, 8000, 24000)
    assert (task.target, task.source, task.voice) == ("es", None, "Mia")
