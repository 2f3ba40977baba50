"""Which API serves a model name, and what an operator's aliases do."""

import pytest

from dragoman.protocol.registry import APIS, UNKNOWN, lookup
from dragoman.protocol.synthesis import family as tts


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
        ("qwen3-asr-flash-realtime", "qwen3-asr"),
        ("qwen3-asr-flash-realtime-2026-02-10", "qwen3-asr"),
        ("Our-ASR-realtime", "qwen3-asr"),
        ("qwen3-asr-flash", None),
        ("fun-asr-realtime", None),  # another protocol
        ("fun-asr-realtime-2025-11-07", None),
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
    families = [family for api in APIS for family in api.families]
    assert all(lookup("x", {"x": family.name}).family is family for family in families)


def test_an_api_serves_its_paths_only():
    assert lookup("qwen3-asr-flash-realtime", path="/api-ws/v1/inference").api is UNKNOWN


def test_no_two_apis_have_a_label_in_common():
    assert len({api.label for api in (*APIS, UNKNOWN)}) == len(APIS) + 1
