"""Two choices of translators on the same texts."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from dragoman_bench.figures import BenchFailed
from dragoman_bench.interpret import routes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    entries = [
        {"language": "en", "transcript": text, "translations": {"es": {"text": wanted}, "fr": None}}
        for text, wanted in (("good day", "buenos días"), ("hello. one  two.", "hola. uno dos."))
    ]
    entries.append({"language": "en", "transcript": "nobody translated it", "translations": None})
    (tmp_path / "manifest.json").write_text(json.dumps(entries), encoding="utf-8")
    return tmp_path


def test_texts_are_those_with_a_translation_and_back(folder: Path) -> None:
    forth = [("good day", "buenos días"), ("hello. one two.", "hola. uno dos.")]
    assert routes.texts(folder) == {("en", "es"): forth}
    back = [(target, source) for source, target in forth]
    assert routes.texts(folder, back=True) == {("en", "es"): forth, ("es", "en"): back}
    with pytest.raises(BenchFailed, match="--recordings"):
        routes.texts(folder / "none")


def test_the_better_translator_is_seen(folder: Path) -> None:
    words = {"good": "buenos", "day": "días", "hello": "hola", "one": "uno", "two": "dos"}
    script = folder / "talk.json"
    script.write_text(json.dumps({"translation": {"words": {"es": words}}}), encoding="utf-8")
    rows = routes.texts(folder) | {("en", "xx"): [("a", "b")]}
    knows, tags = f"scripted-mt?script={script}", "scripted-mt"
    found = {one.pair: one for one in asyncio.run(routes.compare(tags, knows, rows))}
    assert set(found) == {("en", "es"), ("en", "xx")}, "scripted engines cover any direction"
    better = found["en", "es"]
    assert (better.count, better.chrf.b) == (2, pytest.approx(100))
    assert better.chrf.a < 60
    assert better.chrf.low > 0
