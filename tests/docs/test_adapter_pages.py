"""The pages in docs/engines/ have one form, name every option, and what they say is true."""

from __future__ import annotations

import http.server
import json
import re
import threading
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
from dragoman.text.spoken import LONGEST_WORD

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "engines"
GUIDES = {"writing", "scripted", "hostile-text", "environments"}
"""Pages of another kind: they are about no engine to choose."""
PAGES = {page.stem: page.read_text("utf-8") for page in sorted(FOLDER.glob("*.md"))}
PARTS = ["Copy and paste", "Options", "Measured", "Limits", "Licence"]


@pytest.mark.parametrize("name", sorted(PAGES.keys() - GUIDES))
def test_a_page_of_an_engine_has_the_usual_parts(name: str) -> None:
    found = re.findall(r"^## (.*)$", PAGES[name], re.MULTILINE)
    assert [part for part in found if part in PARTS] == PARTS


def test_every_option_of_our_engines_is_on_a_page() -> None:
    for name in registry.names():
        maker = registry.factory(name)
        if not maker.__module__.startswith("dragoman."):
            continue
        own = [text for stem, text in PAGES.items() if f"{name}-".startswith(f"{stem}-")]
        text = "".join(own) or PAGES["embedded"]
        assert f"`{name}`" in text
        for option in registry.options(maker):
            assert f"`{option}`" in text, f"{name}: {option}"


def script() -> str:
    return next(b for b in re.findall(r"```toml\n(.*?)```", PAGES["scripted"], re.DOTALL))


def test_the_script_on_the_page_is_valid_and_shows_every_key() -> None:
    found = parse_script(script().encode())
    assert [scene.words[0].start_ms for scene in found.scenes] == [500, 3700, 9000, 11300]
    for kind in (ScriptFile, Entry, WordEntry, TranslationEntry, SpeechEntry):
        for key in kind.__struct_fields__:
            assert re.search(rf"\b{key}\b", script()), key


def test_the_caps_on_the_pages_are_the_defaults() -> None:
    caps = Caps()
    page = PAGES["hostile-text"]
    assert f"more than {caps.cpu_s:g} s of CPU time or {caps.wall_s:g} s of work" in page
    assert f"{caps.audio_s:g} s of sound" in page
    assert f"{LONGEST_WORD} letters and digits" in page
    assert f"{caps.cpu_s:g} s of CPU time (all threads" in PAGES["writing"]


class _Service(http.server.BaseHTTPRequestHandler):
    """Translates by shouting."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"text": asked["text"].upper()}).encode())

    def log_message(self, *_: object) -> None: ...


def test_the_engine_that_asks_another_machine_works() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGES["writing"], re.DOTALL)
    code = next(block for block in blocks if "class Remote" in block)
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
