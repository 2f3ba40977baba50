"""Specs, choices and look-ups."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest
from msgspec.structs import replace

from dragoman.engines import registry
from dragoman.engines.base import Info
from dragoman.engines.registry import (
    EngineChoice,
    Placement,
    RegistryError,
    make,
    parse_choice,
    parse_spec,
)

EMBEDDED = registry.PRESETS["embedded"]


def test_presets_fill_every_role_of_the_cascade_with_engines_that_exist() -> None:
    for choice in registry.PRESETS.values():
        for role in ("vad", "asr", "mt", "tts"):
            assert choice.specs(role)
        for role, spec in choice.all():
            assert make(spec, role).info.role == role


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("scripted", registry.PRESETS["scripted"]),
        (
            "embedded,asr=mine?x=1,tts=espeak",
            replace(EMBEDDED, asr=("mine?x=1",), tts=("espeak",)),
        ),
        ("tts=flite,espeak?a=b", EngineChoice(tts=("flite", "espeak?a=b"))),
        (
            "scripted, interpreter=scripted-interpreter",
            EngineChoice(tts=("scripted-tts",), interpreter=("scripted-interpreter",)),
        ),
        (
            "embedded,mt=",
            replace(EMBEDDED, mt=()),
        ),
    ],
)
def test_choices(text: str, expected: EngineChoice) -> None:
    assert parse_choice(text) == expected


@pytest.mark.parametrize("text", ["", "nonsense", "asr=a,embedded,,", "nose=x", "asr=?x=1"])
def test_wrong_choices_name_what_there_is(text: str) -> None:
    with pytest.raises(RegistryError) as caught:
        parse_choice(text)
    assert "role" in str(caught.value) or "names no engine" in str(caught.value)


def test_specs_keep_values_as_they_are() -> None:
    spec = parse_spec("scripted-asr?script=/a+b/c%20d.toml")
    assert spec.options == (("script", "/a+b/c d.toml"),)
    assert parse_spec("silero") == parse_spec("silero?") == registry.Spec("silero")


def test_a_name_of_two_distributions_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [EntryPoint("twice", f"{place}:Engine", "dragoman.engines") for place in "ab"]
    monkeypatch.setattr(registry, "entry_points", lambda **_: points)
    with pytest.raises(RegistryError, match=r"Several distributions .*'twice': a:Engine, b:Engine"):
        make("twice")


def test_an_engine_that_cannot_be_imported_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("broken", "no_such_module:Engine", "dragoman.engines")
    monkeypatch.setattr(registry, "entry_points", lambda **_: [point])
    with pytest.raises(RegistryError, match=r"'broken' .* cannot be imported: .*no_such_module"):
        make("broken")


def test_options_are_converted_by_their_annotations() -> None:
    assert make("scripted-tts?rate_hz=16000").info.rate_hz == 16_000


@pytest.mark.parametrize(
    ("value", "script"),
    [
        ("${W8_SET}", "from the environment"),
        ("${W8_UNSET}", ""),
        ("${W8_UNSET:-http://a/b}", "http://a/b"),
        ("${W8_SET:-other}", "from the environment"),
        ("${W8_SET:+W8_SET}", "W8_SET"),
        ("${W8_UNSET:+W8_SET}", ""),
        ("/a/${W8_SET}/b", "/a/from the environment/b"),
        ("a+b${}$W8_SET", "a+b${}$W8_SET"),
    ],
)
def test_options_may_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, value: str, script: str
) -> None:
    class Engine:
        info = Info(name="x", role="mt", licence="none", quality="gist")

        def __init__(self, *, script: str) -> None:
            self.script = script

        def load(self) -> None: ...
        def close(self) -> None: ...

    monkeypatch.setattr(registry, "factory", lambda _: Engine)
    monkeypatch.setenv("W8_SET", "from the environment")
    assert vars(make(f"x?script={value}"))["script"] == script


def test_variables_that_are_wanted_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for stage in ("ASR", "MT", "TTS"):
        for part in ("URL", "MODEL", "KEY"):
            monkeypatch.delenv(f"DRAGOMAN_{stage}_{part}", raising=False)
    monkeypatch.setenv("DRAGOMAN_MT_URL", "http://gpu:8002/v1")
    assert registry.unset_variables(registry.PRESETS["endpoints"]) == {
        "DRAGOMAN_ASR_URL": "openai-transcriptions",
        "DRAGOMAN_ASR_MODEL": "openai-transcriptions",
        "DRAGOMAN_MT_MODEL": "openai-chat",
        "DRAGOMAN_TTS_URL": "openai-speech",
        "DRAGOMAN_TTS_MODEL": "openai-speech",
    }


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        ("nothing", "silero"),  # the list of what exists
        ("silero?speed=2", "threads"),  # the list of options
        ("silero?threads=two", "'two'"),
        ("apertium?max_directions=0", "at least 1"),
        ("silero?threads", "key=value"),
    ],
)
def test_errors_list_the_known_names(spec: str, names: str) -> None:
    with pytest.raises(RegistryError, match=names):
        make(spec)


def test_an_engine_cannot_fill_another_role() -> None:
    with pytest.raises(RegistryError, match="vad"):
        make("silero", "asr")


@pytest.mark.live
def test_a_look_up_imports_only_the_engine_that_was_named() -> None:
    code = (
        "import sys; from dragoman.engines import registry as r; r.names(); "
        "[r.make(s).load() for _, s in r.parse_choice('scripted').all()]; "
        "print(*sorted(m for m in sys.modules if m.startswith('dragoman.engines.')), "
        "*('onnxruntime' in sys.modules, 'av' in sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "moonshine" not in found.stdout
    assert "apertium" not in found.stdout
    assert "espeak" not in found.stdout
    assert found.stdout.split()[-2:] == ["False", "False"]


def test_an_interpreter_needs_no_ocr_and_no_speaker_encoder() -> None:
    choice = parse_choice("ocr=a,speaker=b,interpreter=c")
    assert choice == EngineChoice(interpreter=("c",))


# ---------------------------------------------------------------- where and how engines run
def test_the_placement_behind_the_at_sign_is_no_option_of_the_engine() -> None:
    spec = parse_spec("mine?device=cuda&x=1@concurrency=32,batch=16,max_wait_ms=2.5,host=process")
    assert spec.options == (("device", "cuda"), ("x", "1"))
    assert spec.placement == Placement(concurrency=32, batch=16, max_wait_ms=2.5, host="process")
    assert parse_spec("mine@batch=2").placement == Placement(batch=2)
    (chosen,) = parse_choice("mt=mine?url=http://u%40h/a?x=1%26y=2%2C3@batch=2").mt
    assert parse_spec(chosen).options == (("url", "http://u@h/a?x=1&y=2,3"),)
    assert parse_spec(chosen).placement == Placement(batch=2)
    assert make("scripted-tts?rate_hz=16000@concurrency=4").info.rate_hz == 16_000


def test_an_at_sign_in_an_option_stays_there() -> None:
    for value in ("/a@b/c.toml", "me@example.org", "@"):
        spec = parse_spec(f"scripted-asr?script={value}")
        assert spec == registry.Spec("scripted-asr", (("script", value),))


def test_a_placement_may_stand_inside_of_a_choice() -> None:
    choice = parse_choice("scripted,tts=flite@concurrency=4,host=process,espeak,mt=a@batch=2")
    assert choice.tts == ("flite@concurrency=4,host=process", "espeak")
    assert choice.mt == ("a@batch=2",)


@pytest.mark.parametrize(
    ("placement", "names"),
    [
        ("concurency=2", "concurrency, batch, max_wait_ms, first_sound_s, host"),
        ("concurrency=0", ">= 1"),
        ("concurrency=many", "many"),
        ("max_wait_ms=-1", ">= 0"),
    ],
)
def test_a_wrong_placement_names_what_is_wrong(placement: str, names: str) -> None:
    with pytest.raises(RegistryError, match=names):
        parse_spec(f"mine?x=1@{placement}")


def test_a_table_of_a_configuration_file_is_a_choice() -> None:
    table = {
        "tts": ["flite@concurrency=4,host=process", "espeak"],
        "asr": "mine?x=1",
        "preset": "embedded",
    }
    assert parse_choice(registry.choice_text(table)) == replace(
        EMBEDDED, asr=("mine?x=1",), tts=("flite@concurrency=4,host=process", "espeak")
    )
    for wrong in ({"nose": "x"}, {"asr": 3}, {"tts": ["a", 1]}):
        with pytest.raises(RegistryError, match="roles vad, asr"):
            registry.choice_text(wrong)
