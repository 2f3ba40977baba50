"""A transcript of an API that has a path of its own and neither models nor event ids."""

from pathlib import Path

import pytest

from dragoman.protocol import registry
from dragoman.testing.transcript_player import TranscriptMismatch, play
from tests.protocol.another_vendor import JINGLES

TRANSCRIPT = """\
path=/jingles/v1
< jingle bytes=480 event_id=absent
> nope
< oops reason="invalid event type 'nope'"
> bye
< goodbye
"""


def test_the_header_names_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(registry, "APIS", (*registry.APIS, JINGLES))
    path = tmp_path / "jingle.txt"
    path.write_text(TRANSCRIPT)
    play(path)
    path.write_text(TRANSCRIPT.replace("480", "481"))
    with pytest.raises(TranscriptMismatch, match="480 is not 481"):
        play(path)
