"""The reader of slides: what it reads, what it refuses, and that it needs no network."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from dragoman.engines.base import EngineUnavailable, OnDemand, TextReader
from dragoman.engines.rapidocr import RapidOcr
from dragoman.engines.shared import model_files
from dragoman.engines.shared.model_catalogue import MODELS, ModelFile
from tests.slides import slide

pytestmark = pytest.mark.engine

pytest.importorskip("rapidocr")


@pytest.fixture(scope="module")
def reader() -> Iterator[RapidOcr]:
    engine = RapidOcr()
    engine.load()
    yield engine
    engine.close()


def test_lines_from_top_to_bottom_with_their_height(reader: RapidOcr) -> None:
    found = reader.read(slide("Annual meeting", "Doctor Okonkwo", "Brandywell, Leeds"))
    assert [line.text for line in found] == [
        "Annual meeting",
        "Doctor Okonkwo",
        "Brandywell, Leeds",
    ]
    assert all(line.confidence > 0.9 for line in found)
    assert all(0.04 < line.height < 0.15 for line in found)


def test_png_and_upright_pictures(reader: RapidOcr) -> None:
    found = reader.read(slide("Veltrano", kind=".png", width=540, height=960))
    assert [line.text for line in found] == ["Veltrano"]


def test_an_empty_picture_has_no_lines(reader: RapidOcr) -> None:
    assert reader.read(slide()) == []


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"\xff\xd8\xff\xe0 nothing", b"\x89PNG\r\n\x1a\n"]
)
def test_what_is_no_picture_is_refused(reader: RapidOcr, data: bytes) -> None:
    with pytest.raises(ValueError, match=r"JPEG|decoded"):
        reader.read(data)


def test_the_contract() -> None:
    engine = RapidOcr()
    assert isinstance(engine, TextReader)
    assert isinstance(engine, OnDemand)
    assert engine.info.runs_in == "process"
    with pytest.raises(EngineUnavailable, match="not loaded"):
        engine.read(slide("Name"))
    with pytest.raises(ValueError, match="side_px"):
        RapidOcr(side_px=5)


def test_a_missing_package_says_how_to_mend_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_files.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(EngineUnavailable, match=r"dragoman\[vision\]"):
        RapidOcr().check()


def test_a_missing_model_is_not_downloaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    absent = ModelFile("PP-OCRv6_det_small.onnx", "0" * 64, 1, ("rapidocr:rapidocr/absent.onnx",))
    files = (absent, *MODELS["rapidocr"].files[1:])
    found = msgspec.structs.replace(MODELS["rapidocr"], files=files)
    monkeypatch.setitem(MODELS, "rapidocr", found)
    monkeypatch.setenv("DRAGOMAN_MODELS", str(tmp_path))
    with pytest.raises(EngineUnavailable, match=r"PP-OCRv6_det_small\.onnx missing"):
        RapidOcr().load()


def test_it_works_without_a_network(tmp_path: Path) -> None:
    """In a process of its own, in which opening any socket fails."""
    picture = tmp_path / "slide.jpg"
    picture.write_bytes(slide("Kowalczyk"))
    program = (
        "import socket, sys\n"
        "def refuse(*_): raise AssertionError('a socket was opened')\n"
        "socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse\n"
        "from dragoman.engines.rapidocr import RapidOcr\n"
        "engine = RapidOcr(); engine.load()\n"
        "print([line.text for line in engine.read(open(sys.argv[1], 'rb').read())])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(picture)],
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert done.stdout.strip() == "['Kowalczyk']", done.stderr
