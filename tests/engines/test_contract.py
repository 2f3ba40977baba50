"""Every engine of ours against the contract."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import pytest

from dragoman.engines import registry
from dragoman.engines.base import EngineUnavailable, Samples
from tests import recordings
from tests.endpoints.openai_audio import audio_server
from tests.engines.contract import Case, laws
from tests.engines.ctranslate2_mt.tiny_translator import tiny_opus
from tests.engines.sherpa.tiny_models import sherpa_models

pytestmark = pytest.mark.engine


def dickens() -> Samples:
    return recordings.read(recordings.two_cities())[: 5 * 16_000]


def german() -> Samples:
    clips = [one for one in recordings.shared("de") if one.id == "de_thorsten_03"]
    if not clips:
        pytest.skip("the recordings in ../shared/data/speech are not beside this checkout")
    return clips[0].samples()


CASES: dict[str, Case] = {
    name: Case(functools.partial(registry.make, name), speech=speech, exact=exact)
    for name, speech, exact in [
        ("silero", dickens, True),
        ("energy", None, True),
        ("moonshine", dickens, True),
        ("whisper", dickens, True),
        ("scripted-asr", None, True),
        ("apertium", None, True),
        ("scripted-mt", None, True),
        ("scripted-tts", None, True),
        ("espeak", None, False),
        ("flite", None, False),
        ("hibari", None, True),
        ("piper", None, False),
        ("scripted-interpreter", None, True),
        ("wespeaker", dickens, True),
        ("scripted-speaker", None, True),
    ]
}
CASES["firefox"] = Case(functools.partial(registry.make, "firefox"), target="pt")
CASES["whisper-translate"] = Case(
    functools.partial(registry.make, "whisper-translate"),
    speech=german,
    language="de",
    target="en",
    text="Europa und Asien zusammengenommen wird auch als Eurasien bezeichnet.",
)
CASES["openjtalk"] = Case(
    functools.partial(registry.make, "openjtalk"),
    language="ja",
    text="皆さん、おはようございます。会議へようこそ。",
)
CASES["kokoro"] = Case(
    functools.partial(registry.make, "kokoro"), language="ja", text="会議へようこそ。始めましょう。"
)
CASES["openai-speech"] = Case(
    lambda: registry.make(f"openai-speech?url={audio_server().url}&model=tts-1&speed=true"),
    exact=False,
)
CASES["openai-transcriptions"] = Case(
    lambda: registry.make(f"openai-transcriptions?url={audio_server().url}&model=whisper-1"),
    speech=dickens,
)
CASES["openai-transcriptions?shape=chat"] = Case(
    lambda: registry.make(
        f"openai-transcriptions?url={audio_server('qwen-asr').url}&model=asr&shape=chat"
    ),
    speech=dickens,
)
CASES["ctranslate2-mt"] = Case(
    lambda: registry.make(f"ctranslate2-mt?model={tiny_opus()}"),
)
CASES["sherpa-asr"] = Case(
    lambda: registry.make(f"sherpa-asr?model={sherpa_models().transducer}&languages=en"),
    speech=dickens,
)
CASES["sherpa-offline-asr"] = Case(
    lambda: registry.make(f"sherpa-offline-asr?model={sherpa_models().moonshine}&languages=en"),
    speech=dickens,
)
CASES["sherpa-tts"] = Case(
    lambda: registry.make("sherpa-tts?model=piper-en-us-joe&languages=en"), exact=False
)
ROLES = {
    "silero": "vad",
    "energy": "vad",
    "moonshine": "asr",
    "scripted-asr": "asr",
    "whisper": "asr",
    "ctranslate2-mt": "mt",
    "sherpa-asr": "asr",
    "sherpa-offline-asr": "asr",
    "sherpa-tts": "tts",
    "openai-transcriptions": "asr",
    "openai-transcriptions?shape=chat": "asr",
    "apertium": "mt",
    "firefox": "mt",
    "scripted-mt": "mt",
    "whisper-translate": "mt",
    "scripted-tts": "tts",
    "espeak": "tts",
    "flite": "tts",
    "hibari": "tts",
    "kokoro": "tts",
    "piper": "tts",
    "openjtalk": "tts",
    "openai-speech": "tts",
    "scripted-interpreter": "interpreter",
    "wespeaker": "speaker",
    "scripted-speaker": "speaker",
}

TOO_SLOW = {
    "kokoro": {
        "speech_survives_any_text",
        "speech_keeps_within_its_caps",
        "speech_works_in_threads",
        "speech_follows_rate_and_volume",
    },
    "piper": {"speech_survives_any_text"},
}
"""Laws that would take a minute together; these engines have shorter tests for the same."""


@pytest.fixture(scope="module")
def cases() -> Iterator[dict[str, Case]]:
    yield CASES
    for case in CASES.values():
        case.close()


@pytest.mark.parametrize(
    ("name", "law"),
    [
        pytest.param(name, law, id=f"{name}-{law.__name__}")
        for name, role in ROLES.items()
        for law in laws(role)  # type: ignore[arg-type]  # the table above holds roles
        if law.__name__ not in TOO_SLOW.get(name, ())
    ],
)
def test_law(cases: dict[str, Case], name: str, law: Callable[[Case], None]) -> None:
    case = cases[name]
    try:
        _ = case.engine
    except EngineUnavailable as reason:
        pytest.skip(str(reason))
    assert case.engine.info.role == ROLES[name]
    law(case)


def test_every_registered_engine_of_ours_is_in_the_table() -> None:
    assert set(registry.names()) >= {name.partition("?")[0] for name in ROLES}
