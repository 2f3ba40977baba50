"""Every golden transcript of recognition, judged by the strict client."""

from pathlib import Path

import pytest

from dragoman.testing.transcript_player import play
from dragoman.testing.validators.recognition import validate_recognition
from dragoman.testing.validators.rules import Violation

FOLDER = Path(__file__).parents[2] / "transcripts" / "recognition"
NOT_JUDGED = ("other_protocol", "manual_cut")
"""Of a model that is not served, and of an engine that does more turns than were asked for."""
TRANSCRIPTS = sorted(path for path in FOLDER.glob("*.txt") if path.stem not in NOT_JUDGED)


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_a_strict_client_accepts_it(path):
    played = play(path)
    validate_recognition(played.log, model=played.model, errors=True, failures=True)


SPOILED = {
    "no item": lambda log: log.remove(of(log, "conversation.item.created")[0]),
    "no transcript": lambda log: log.remove(of(log, ".completed")[-1]),
    "twice": lambda log: log.append(of(log, ".completed")[-1]),
    "text in the end": lambda log: of(log, ".completed")[0][1].update(text="x"),
    "no id": lambda log: of(log, ".text")[0][1].pop("item_id"),
    "no language": lambda log: of(log, ".text")[0][1].pop("language"),
    "a response": lambda log: of(log, ".text")[0][1].update(type="response.created"),
}


def of(log, kind):
    return [entry for entry in log if entry[0] == "<" and entry[1]["type"].endswith(kind)]


@pytest.mark.parametrize("name", SPOILED)
def test_the_strict_client_does_judge(name):
    played = play(FOLDER / "vad.txt")
    SPOILED[name](played.log)
    with pytest.raises(Violation):
        validate_recognition(played.log, model=played.model)
