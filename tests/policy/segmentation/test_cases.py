"""The case sets: floors, better than other libraries on held-out texts, nothing lost."""

from __future__ import annotations

import pytest

from tests.policy.segmentation import measure

SETS = ("development", "held_out")

# A few points below what is measured (docs/segmentation.md), so that a rule that breaks more than
# some cases is noticed.
SENTENCES_FLOOR = {"development": 0.97, "held_out": 0.90}
BOUNDARIES_FLOOR = {"development": 0.98, "held_out": 0.94}
ALOUD_FLOOR = {"development": 0.97, "held_out": 0.95, "afterwards": 0.90}


def every_text() -> list[str]:
    sets = [measure.load(name) for name in (*SETS, "afterwards")]
    return [
        *(case.text for s in sets for case in s.sentences),
        *(text for s in sets for text in s.long.values()),
        *(case.text for s in sets for case in s.aloud),
    ]


def shown(name: str, failed: list[str]) -> list[str] | int:
    """What a failing test may print: of held-out texts, only how many failed."""
    return failed if name == "development" else len(failed)


@pytest.mark.parametrize("name", SETS)
def test_the_sets_are_well_made(name: str) -> None:
    cases = measure.load(name)
    for case in cases.sentences:
        assert "".join(case.segments) == case.text, case.id
        assert all(segment.strip() for segment in case.segments), case.id
    assert len({case.id for case in cases.sentences}) == len(cases.sentences)
    assert len({case.id for case in cases.aloud}) == len(cases.aloud)


def test_the_sets_share_no_text() -> None:
    development, held_out = (measure.load(name) for name in SETS)
    assert not {c.text for c in development.sentences} & {c.text for c in held_out.sentences}
    assert not {c.text for c in development.aloud} & {c.text for c in held_out.aloud}


@pytest.mark.parametrize("name", SETS)
def test_sentences_are_cut_right(name: str) -> None:
    cases = measure.load(name).sentences
    score = measure.score(cases, measure.ours)
    failed = [case.id for case, _ in measure.inexact(cases, measure.ours)]
    assert score.exact >= SENTENCES_FLOOR[name] * score.cases, shown(name, failed)
    assert score.f1 >= BOUNDARIES_FLOOR[name], shown(name, failed)


@pytest.mark.parametrize("other", [who for who in measure.CUTTERS if who != "Dragoman"])
def test_held_out_texts_are_cut_better_than_by_other_libraries(other: str) -> None:
    cases = measure.load("held_out").sentences
    mine = measure.score(cases, measure.ours)
    theirs = measure.score(cases, measure.CUTTERS[other])
    assert mine.exact > theirs.exact
    assert mine.f1 > theirs.f1


@pytest.mark.parametrize("name", ALOUD_FLOOR)
def test_marked_up_text_is_read_as_a_person_would(name: str) -> None:
    cases = measure.load(name).aloud
    failed = [f"{case.id}: {spoken!r}" for case, spoken in measure.misread(cases)]
    right, floor = len(cases) - len(failed), ALOUD_FLOOR[name] * len(cases)
    assert right >= floor, shown(name, failed)


def test_nothing_is_lost_or_added() -> None:
    for text in every_text():
        assert measure.squash("".join(measure.ours(text))) == measure.squash(text)


@pytest.mark.parametrize("eager", [False, True], ids=["sentences", "eager"])
def test_it_does_not_matter_how_a_text_is_cut_up_on_its_way(eager: bool) -> None:
    for seed, text in enumerate(every_text()):
        one_by_one = measure.in_pieces(text, eager=eager)
        for pieces in (
            [text],
            measure.random_pieces(text, seed),
            measure.random_pieces(text, seed + 1, longest=40),
        ):
            assert measure.in_pieces(pieces, eager=eager) == one_by_one, text


@pytest.mark.parametrize("name", SETS)
def test_a_cap_cuts_between_words(name: str) -> None:
    for id_, text in measure.load(name).long.items():
        if " " not in text:
            continue  # Chinese and Japanese: a cut may be anywhere
        words = text.split()
        cut = [word for segment in measure.ours(text) for word in segment.split()]
        assert cut == words, id_


@pytest.mark.parametrize("kind", measure.KINDS)
def test_the_cost_of_a_character_does_not_grow_with_the_text(kind: str) -> None:
    short, long = (
        min(measure.microseconds_per_character(kind, length) for _ in range(rounds))
        for length, rounds in ((10_000, 3), (100_000, 2))
    )
    assert long < 3 * short
