"""From lines of a slide to names and terms, and how long they stay fresh."""

from __future__ import annotations

import pytest

from dragoman.engines.base import Line
from dragoman.policy.vision.onscreen import (
    FRESH_S,
    MOST_LINES,
    MOST_TERMS,
    SHOWN_S,
    OnscreenTerms,
    looks_the_same,
    terms_of,
)


def lines(*texts: str) -> list[Line]:
    return [Line(text, 0.95, 0.05) for text in texts]


@pytest.mark.parametrize(
    ("text", "sure", "unsure"),
    [
        ("The Brandywell Report", ["Brandywell Report"], []),
        ("Dr. Wislawa Szymborska's letters", ["Wislawa Szymborska"], []),
        ("Kowalczyk et al., Nature", ["Nature"], ["Kowalczyk"]),
        ("Results of the second quarter", [], ["Results"]),
        ("nothing worth a listener's trouble here", [], []),
        ("iPhone, McDonald, GPT-4 and CERN", ["iPhone", "McDonald", "GPT-4", "CERN"], []),
        ("DR. OKONKWO SPEAKS", [], ["Okonkwo Speaks"]),
        ("42 % in 2024, 3.5x, 10:30", [], []),
        ("write to Anna@example.org, www.Example.org/Talks", [], []),
        ("Frau Müller und Herr Özdemir", ["Frau Müller", "Herr Özdemir"], []),
        ("深度学习", [], ["深度学习"]),
        ("", [], []),
        ("— … !", [], []),
    ],
)
def test_names_and_terms_of_a_line(text: str, sure: list[str], unsure: list[str]) -> None:
    found = terms_of(text)
    names = [t for s, t in found if s]
    assert names == sure
    assert [t for s, t in found if not s] == unsure


def test_phrases_are_kept_together_up_to_a_length() -> None:
    assert [t for _, t in terms_of("The Ada Lovelace Charles Babbage Mary Shelley Club")] == [
        "Ada Lovelace Charles Babbage",
        "Mary Shelley Club",
    ]


def test_lines_of_low_confidence_and_small_print_are_dropped() -> None:
    seen = OnscreenTerms()
    seen.read([Line("Veltrano", 0.5, 0.1), Line("Achterberg", 0.9, 0.01)], 0.0)
    assert seen.terms(0.0) == ()
    assert seen.lines(0.0) == ()


def test_fresh_while_shown_and_for_a_while_after_it_was_replaced() -> None:
    seen = OnscreenTerms()
    seen.read(lines("The Veltrano group"), 0.0)
    assert seen.terms(SHOWN_S) == ("Veltrano",)
    assert seen.terms(SHOWN_S + 1) == (), "no picture for minutes: it may no longer be shown"
    seen.repeat(SHOWN_S + 2)
    assert seen.terms(SHOWN_S + 2 + FRESH_S) == ("Veltrano",), "the same picture came again"
    replaced = SHOWN_S + 100
    seen.read(lines("And then Achterberg"), replaced)
    assert seen.terms(replaced) == ("Veltrano", "Achterberg")
    assert seen.lines(replaced) == ("And then Achterberg", "The Veltrano group")
    assert seen.terms(replaced + FRESH_S + 1) == ("Achterberg",)


def test_a_picture_without_text_ends_what_was_shown() -> None:
    seen = OnscreenTerms()
    seen.read(lines("The Veltrano group"), 0.0)
    seen.read([], 10.0)
    assert seen.terms(10.0 + FRESH_S) == ("Veltrano",)
    assert seen.terms(10.1 + FRESH_S) == ()


def test_certain_terms_come_first_and_the_number_is_bounded() -> None:
    seen = OnscreenTerms()
    for picture in range(200):
        name = chr(97 + picture % 26) * 3 + chr(97 + picture // 26) * 3
        seen.read(
            lines(*(f"A{name}{x * 'x'} and B{name}{x * 'y'}" for x in range(40))), float(picture)
        )
    terms = seen.terms(199.0)
    assert len(terms) == MOST_TERMS
    assert all(term.startswith("B") for term in terms)
    assert len(seen.lines(199.0)) == MOST_LINES
    assert len(seen._seen_s) <= 120


def test_fingerprints_differ_where_a_word_changed_and_not_for_noise() -> None:
    one = bytes([200] * 100)
    assert looks_the_same(one, bytes([200 + (n % 7) - 3 for n in range(100)]))
    assert not looks_the_same(one, bytes([200] * 99 + [180]))
    assert not looks_the_same(one, b"")
    assert not looks_the_same(b"", b"")
