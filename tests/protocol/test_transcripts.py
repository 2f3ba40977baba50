"""Every golden transcript of all APIs, against the pure sessions."""

import json
from pathlib import Path

import msgspec
import pytest

from dragoman.testing.transcript_player import play

FOLDER = Path(__file__).parent.parent / "transcripts"
TRANSCRIPTS = sorted(FOLDER.glob("*/*.txt"))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_transcript(path: Path):
    played = play(path)
    codec = played.codec
    for frame in played.frames:
        read = codec.read(frame)
        assert read is not None, "a client of the same API can read it"
        event_id = str(read.event_id)
        again = codec.encode(msgspec.structs.replace(read, event_id=msgspec.UNSET), event_id)
        assert json.loads(again) == json.loads(frame)
