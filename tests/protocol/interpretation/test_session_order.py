"""Every golden transcript of interpretation, judged by the two strict clients."""

import json
from pathlib import Path

import pytest

from dragoman.testing.transcript_player import Player
from dragoman.testing.validators.interpretation import validate_translation
from dragoman.testing.validators.rules import Violation

FOLDER = Path(__file__).parents[2] / "transcripts" / "interpretation"
TRANSCRIPTS = sorted(FOLDER.glob("*.txt"))


def log_of(path: Path):
    """What a client of this transcript sent and got, in order."""
    header, *lines = [
        line.strip()
        for line in path.read_text("utf-8").splitlines()
        if line.strip() and not line.startswith("#")
    ]
    player, log = Player(header), []
    for line in lines:
        if line.startswith(">") and not line.startswith(("> raw", "> binary")):
            log.append((">", json.loads(player.frame(line[1:].strip()))))
        seen = len(player.frames)
        player.play(line)
        log += [("<", json.loads(frame)) for frame in player.frames[seen:]]
    model = next(word for word in header.split() if word.startswith("model="))
    return log, model.removeprefix("model=")


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_strict_clients_accept_it(path):
    log, model = log_of(path)
    validate_translation(log, model=model, errors=True, failures=True)


def test_the_strict_clients_do_judge():
    log, model = log_of(FOLDER / "vad_deltas.txt")
    late = [entry for entry in log if entry[1]["type"] == "response.created"]
    log.remove(late[1])
    with pytest.raises(Violation):
        validate_translation(log, model=model)
