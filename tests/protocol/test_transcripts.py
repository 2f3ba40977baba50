"""Every golden transcript of all APIs, against the pure sessions."""

import json
from pathlib import Path

import msgspec
import pytest

from dragoman.protocol.registry import lookup
from tests.transcripts.player import parse, play

FOLDER = Path(__file__).parent.parent / "transcripts"
TRANSCRIPTS = sorted(FOLDER.glob("*/*.txt"))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_transcript(path: Path):
    frames = play(path)
    text = path.read_text("utf-8")
    header = next(line for line in text.splitlines() if line.startswith("model="))
    codec = lookup(parse(header)[1]["model"]).api.codec
    for frame in frames:
        read = codec.read(frame)
        assert read is not None, "a client of the same API can read it"
        event_id = str(read.event_id)
        again = codec.encode(msgspec.structs.replace(read, event_id=msgspec.UNSET), event_id)
        assert json.loads(again) == json.loads(frame)
