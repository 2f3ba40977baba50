"""Golden cases: recognised words, requests to the translator, committed and shown text.

A case is a text file. ``policy RULE SOURCE TARGET PACE`` comes first; then, in order of time:

    + 0.4                         seconds pass
    > committed | tail [marks]    words as they are recognised; marks: paused, final
    ? source                      a draft that the policy wants
    ! source                      a translation that it wants in order to commit it
    = translation                 the answer to the request above
    < committed | stash           the target text after all answers
    . closed                      as the last line: everything is committed

Every request has to be in the file; one more, one less or another one fails the case.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from dragoman.policy.translation.commit_rules import TargetPolicy
from dragoman.speech import Word

CASES = sorted((Path(__file__).parent / "hypothesis_cases").glob("*.txt"))


class Player:
    def __init__(self, head: str, name: str) -> None:
        rule, source, target, pace = head.split()[1:]
        self.policy = TargetPolicy(rule, source, target, pace=pace)
        self.joined = source in {"zh", "ja"}
        self.now_s, self.name = 0.0, name
        self.ask = None

    def words(self, text: str) -> list[Word]:
        parts = list(text.replace(" ", "")) if self.joined else text.split()
        return [Word(part, joined=self.joined) for part in parts]

    def play(self, number: int, line: str) -> None:
        sigil, rest = line[0], line[1:].strip()
        where = f"{self.name}:{number}: {line}"
        if sigil == "+":
            self.now_s += float(rest)
        elif sigil == ">":
            self.nothing_due(where)
            source, _, marks = rest.partition("[")
            committed, _, tail = source.partition("|")
            self.policy.update(
                self.words(committed), self.words(tail),
                paused="paused" in marks, final="final" in marks, now_s=self.now_s,
            )  # fmt: skip
        elif sigil in "?!":
            assert self.ask is None, where
            self.ask = self.policy.due(self.now_s)
            assert self.ask is not None, where
            assert (self.ask.source, self.ask.commits) == (rest, sigil == "!"), where
        elif sigil == "=":
            before = self.policy.text
            step = self.policy.answer(self.ask, rest)
            assert self.policy.text == before + step.addition, where
            self.ask = None
        elif sigil == "<":
            self.nothing_due(where)
            text, _, stash = (part.strip() for part in rest.partition("|"))
            assert (self.policy.text, self.policy.stash.strip()) == (text, stash), where
        else:
            self.nothing_due(where)
            assert (sigil, rest) == (".", "closed"), where
            assert self.policy.finished, where

    def nothing_due(self, where: str) -> None:
        assert self.ask is None, where
        assert self.policy.due(self.now_s) is None, where


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    player: Player | None = None
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if player is None:
            player = Player(line, path.name)
        else:
            player.play(number, line)
    assert line == ". closed"


def test_every_policy_has_a_case() -> None:
    rules = {path.read_text("utf-8").partition("policy ")[2].split()[0] for path in CASES}
    assert rules >= {"agree", "units", "turn", "through"}
