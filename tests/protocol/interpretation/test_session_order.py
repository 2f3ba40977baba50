"""Every golden transcript of interpretation, judged by the two strict clients."""

from pathlib import Path

import pytest

from dragoman.testing.transcript_player import play
from dragoman.testing.validators.interpretation import validate_interpretation
from dragoman.testing.validators.rules import Violation

FOLDER = Path(__file__).parents[2] / "transcripts" / "interpretation"
TRANSCRIPTS = sorted(FOLDER.glob("*.txt"))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_strict_clients_accept_it(path):
    played = play(path)
    validate_interpretation(played.log, model=played.model, errors=True, failures=True)


def test_the_strict_clients_do_judge():
    played = play(FOLDER / "vad_deltas.txt")
    log = played.log
    late = [entry for entry in log if entry[1]["type"] == "response.created"]
    log.remove(late[1])
    with pytest.raises(Violation):
        validate_interpretation(log, model=played.model)
