"""Every golden transcript of both APIs, against the pure sessions."""

from pathlib import Path

import pytest

from dragoman.testing.transcript_player import play

FOLDER = Path(__file__).parent.parent / "transcripts"
TRANSCRIPTS = sorted(FOLDER.glob("*/*.txt"))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_transcript(path: Path):
    play(path)
