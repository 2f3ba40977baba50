"""Translation on CTranslate2 with tiny models: directions, prefixes, batches, broken folders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dragoman.engines import registry
from dragoman.engines.base import EngineUnavailable, Translation
from dragoman.engines.ctranslate2_mt.engine import CTranslate2Mt
from dragoman.engines.ctranslate2_mt.families import family_of
from tests.engines.ctranslate2_mt.tiny_translator import tiny_opus, write_translator

TEXT = "good morning to everyone in the meeting"


# ---------------------------------------------------------------- families
def test_a_family_is_told_by_its_tokens_for_languages() -> None:
    pieces = ["▁hello", "▁en", "__", "<2", ">>"]
    m2m = family_of([*pieces, "__en__", "__es__"])
    assert (m2m.name, m2m.pairs()) == ("m2m100", (("en", "es"), ("es", "en")))
    assert m2m.source(["▁a"], ("en", "es")) == ["__en__", "▁a", "</s>"]
    assert m2m.target(["▁b"], ("en", "es")) == ["__es__", "▁b"]
    nllb = family_of([*pieces, "eng_Latn", "zho_Hans"])
    assert nllb.source(["▁a"], ("zh", "en")) == ["zho_Hans", "▁a", "</s>"]
    assert nllb.target([], ("zh", "en")) == ["eng_Latn"]
    madlad = family_of([*pieces, "<2en>", "<2de>"])
    assert madlad.pairs() == (("*", "de"), ("*", "en"))
    assert madlad.source(["▁a"], ("fr", "de")) == ["<2de>", "▁a", "</s>"]
    assert madlad.target([], ("fr", "de")) == []
    several = family_of([*pieces, ">>fra<<", ">>pt<<"])
    assert several.source(["▁a"], ("en", "fr")) == [">>fra<<", "▁a", "</s>"]
    assert several.source(["▁a"], ("en", "pt")) == [">>pt<<", "▁a", "</s>"]
    assert family_of(pieces).source(["▁a"], ("en", "es")) == ["▁a", "</s>"]


@pytest.mark.parametrize(
    ("folder", "options", "pairs"),
    [
        ("opus-mt-en-es", {}, (("en", "es"),)),
        ("opus-mt-tc-big-de-en-ct2-int8", {}, (("de", "en"),)),
        ("model", {"pairs": ("en-es", "en-pt-BR")}, (("en", "es"), ("en", "pt"))),
        ("model", {}, ()),
    ],
)
def test_the_directions_of_a_marian_model(
    tmp_path: Path, folder: str, options: dict[str, tuple[str, ...]], pairs: object
) -> None:
    assert CTranslate2Mt(model=str(tmp_path / folder), **options).info.pairs == pairs  # type: ignore[arg-type]


# ---------------------------------------------------------------- translation
@pytest.mark.engine
@pytest.mark.parametrize(
    ("languages", "pair"),
    [
        (("__en__", "__es__", "__zh__"), ("en", "zh")),
        (("<2en>", "<2es>"), ("fr", "es")),
        (("eng_Latn", "spa_Latn"), ("es", "en")),
    ],
)
def test_models_of_many_languages(
    tmp_path: Path, languages: tuple[str, ...], pair: tuple[str, str]
) -> None:
    engine = CTranslate2Mt(
        model=str(write_translator(tmp_path / "m", *languages)), non_commercial=True
    )
    engine.load()
    said = engine.translate(Translation(TEXT, *pair))
    assert said
    assert not any(token in said for token in languages)
    with pytest.raises(ValueError, match="does not translate from en to ja"):
        engine.translate(Translation(TEXT, "en", "ja"))
    engine.close()


@pytest.mark.engine
def test_the_target_is_told_to_the_model(tmp_path: Path) -> None:
    folder = write_translator(tmp_path / "m", "__en__", "__es__", "__zh__")
    engine = CTranslate2Mt(model=str(folder))
    engine.load()
    assert len({engine.translate(Translation(TEXT, "en", target)) for target in ("es", "zh")}) == 2


@pytest.mark.engine
def test_a_committed_beginning_is_kept_and_a_batch_changes_nothing() -> None:
    engine = CTranslate2Mt(model=str(tiny_opus()), beam=1)
    engine.load()
    requests = [
        Translation(TEXT, "en", "es"),
        Translation(TEXT, "en", "es", prefix="hola buenos"),
        Translation("", "en", "es"),
        Translation("...", "en", "es"),
        Translation(TEXT, "en", "en"),
        Translation(TEXT, "en-GB", "es"),
    ]
    said = engine.translate_batch(requests)
    assert said == [engine.translate(request) for request in requests]
    assert said[1].startswith("hola buenos")
    assert not said[0].startswith("hola buenos")
    assert said[2:] == ["", "...", TEXT, said[0]]
    assert engine.translate_batch([]) == []
    engine.close()
    with pytest.raises(EngineUnavailable):
        engine.translate(requests[0])


@pytest.mark.engine
def test_a_model_that_runs_on_is_stopped_and_long_texts_are_cut() -> None:
    engine = CTranslate2Mt(model=str(tiny_opus()))
    engine.load()
    said = engine.translate(Translation("hello", "en", "es"))
    assert len(said) < 400
    assert said[-6:] != said[-1] * 6
    assert engine.translate(Translation("hello world. " * 300, "en", "es", prefix="hola"))
    with pytest.raises(ValueError, match="at most 4000 characters"):
        engine.translate(Translation("a" * 4001, "en", "es"))


# ---------------------------------------------------------------- folders that are none
def no_model(folder: Path) -> None:
    (folder / "model.bin").unlink()


def truncated(folder: Path) -> None:
    whole = (folder / "model.bin").read_bytes()
    (folder / "model.bin").write_bytes(whole[: len(whole) // 2])


def no_pieces(folder: Path) -> None:
    (folder / "target.spm").unlink()


def broken_pieces(folder: Path) -> None:
    (folder / "source.spm").write_bytes(b"<html>404</html>")


def no_vocabulary(folder: Path) -> None:
    for path in folder.glob("*vocabulary*"):
        path.unlink()


def broken_vocabulary(folder: Path) -> None:
    for path in folder.glob("*vocabulary*"):
        path.write_text("{")


def other_vocabulary(folder: Path) -> None:
    for path in folder.glob("*vocabulary*"):
        path.write_text(json.dumps(["a", "b"]))


@pytest.mark.engine
@pytest.mark.parametrize(
    "break_",
    [no_model, truncated, no_pieces, broken_pieces, no_vocabulary, broken_vocabulary,
     other_vocabulary],
    ids=lambda function: function.__name__,
)  # fmt: skip
def test_a_broken_folder_is_said(tmp_path: Path, break_: Callable[[Path], None]) -> None:
    folder = write_translator(tmp_path / "opus-mt-en-es")
    break_(folder)
    with pytest.raises(EngineUnavailable, match=str(folder)):
        CTranslate2Mt(model=str(folder)).load()


@pytest.mark.engine
def test_what_cannot_be_is_said(tmp_path: Path) -> None:
    nllb = write_translator(tmp_path / "nllb", "eng_Latn", "spa_Latn")
    for spec, reason in (
        ("ctranslate2-mt", "Say which model"),
        (f"ctranslate2-mt?model={nllb}", "CC BY-NC"),
        (f"ctranslate2-mt?model={tiny_opus()}&device=cuda", "no GPU"),
        (f"ctranslate2-mt?model={tmp_path}/nowhere&pairs=en-es", "There is no folder"),
        (f"ctranslate2-mt?model={tiny_opus()}&compute_type=int3", "compute type"),
        (f"ctranslate2-mt?model={tmp_path}", "say pairs=en-es"),
    ):
        with pytest.raises(EngineUnavailable, match=reason):
            registry.make(spec).load()
    with pytest.raises(registry.RegistryError, match="a pair is written en-es"):
        registry.make(f"ctranslate2-mt?model={nllb}&pairs=english")
