"""docs/engines.md says what the code does."""

from __future__ import annotations

import http.server
import json
import re
import threading
import tomllib
from pathlib import Path
from typing import Any

import pytest

from dragoman.engines import registry
from dragoman.engines.base import Caps, EngineUnavailable, Translation, Translator
from dragoman.engines.scripted.script_file import (
    Entry,
    ScriptFile,
    SpeechEntry,
    TranslationEntry,
    WordEntry,
    parse_script,
)
from dragoman.runtime.hosts.make_host import PLACES
from dragoman.text.spoken import LONGEST_WORD

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "engines.md").read_text(encoding="utf-8")
OWN_PAGES = sorted((DOCS / "engines").glob("*.md"))
"""A page of an engine, or of several that begin alike: ``dashscope`` is that of two."""


def script() -> str:
    return next(b for b in re.findall(r"```toml\n(.*?)```", PAGE, re.S) if "utterances" in b)


def test_the_script_on_the_page_is_valid_and_shows_every_key() -> None:
    found = parse_script(script().encode())
    assert [scene.words[0].start_ms for scene in found.scenes] == [500, 3700, 9000, 11300]
    for kind in (ScriptFile, Entry, WordEntry, TranslationEntry, SpeechEntry):
        for key in kind.__struct_fields__:
            assert re.search(rf"\b{key}\b", script()), key


def test_every_engine_of_ours_and_each_of_its_options_is_on_the_page() -> None:
    for preset in registry.PRESETS:
        assert f"`{preset}`" in PAGE
    for name in registry.names():
        maker = registry.factory(name)
        if not maker.__module__.startswith("dragoman."):
            continue
        assert f"| `{name}` |" in PAGE
        own = [page for page in OWN_PAGES if f"{name}-".startswith(f"{page.stem}-")]
        text = PAGE + "".join(page.read_text("utf-8") for page in own)
        for option in registry.options(maker):
            assert f"`{option}`" in text, f"{name}: {option}"


@pytest.mark.parametrize("page", OWN_PAGES, ids=lambda page: page.stem)
def test_what_a_page_of_an_engine_shows_to_paste_is_understood(page: Path) -> None:
    text = page.read_text("utf-8")
    values = re.findall(r'--engines "([^"\n]+)"', text.replace('\\"', "'"))
    values += [
        registry.choice_text(tomllib.loads(block)["engines"])
        for block in re.findall(r"```toml\n(\[engines\].*?)```", text, re.S)
    ]
    assert values
    for value in values:
        for role, spec in registry.parse_choice(value).all():
            registry.make(spec, role)


def test_the_choices_on_the_page_are_understood() -> None:
    values = re.findall(r"--engines \"?([\w?&=.,@-]+)", PAGE.replace("VALUE", "embedded"))
    assert len(values) >= 4
    for value in values:
        choice = registry.parse_choice(value)
        assert choice.tts
        for role, spec in choice.all():
            assert spec.startswith("my-") or registry.make(spec, role)


def test_every_key_of_a_placement_is_on_the_page() -> None:
    for key in registry.Placement.__struct_encode_fields__:
        assert f"| `{key}` |" in PAGE
    row = next(line for line in PAGE.splitlines() if line.startswith("| `host` |"))
    for place in PLACES:
        assert f"`{place}`" in row


class _Service(http.server.BaseHTTPRequestHandler):
    """Translates by shouting."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"text": asked["text"].upper()}).encode())

    def log_message(self, *_: object) -> None: ...


def test_the_engine_that_asks_another_machine_works() -> None:
    code = next(b for b in re.findall(r"```python\n(.*?)```", PAGE, re.S) if "class Remote" in b)
    names: dict[str, Any] = {}
    exec(code, names)
    with pytest.raises(EngineUnavailable, match="url="):
        names["Remote"]().load()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        engine = names["Remote"](url=f"http://127.0.0.1:{server.server_port}")
        assert isinstance(engine, Translator)
        engine.load()
        assert engine.translate(Translation("hola", "es", "en")) == "HOLA"
        server.shutdown()


def test_the_caps_on_the_page_are_the_defaults() -> None:
    caps = Caps()
    assert f"more than {caps.cpu_s:g} s of CPU time or {caps.wall_s:g} s of work" in PAGE
    assert f"{caps.cpu_s:g} s of CPU time (all threads" in PAGE
    assert f"{caps.audio_s:g} s of sound" in PAGE
    assert f"{LONGEST_WORD} letters and digits" in PAGE
