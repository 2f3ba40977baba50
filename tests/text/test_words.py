"""Words for comparing, and where sentences end."""

from __future__ import annotations

import pytest

from dragoman.text.clause_data import COMMAS
from dragoman.text.words import bare, ends_sentence, ends_with_mark, fold


def test_fold_and_bare() -> None:
    assert fold("Americans,") == "americans"
    assert fold("...") == "..."
    assert bare("“Yes!”") == "“Yes"
    assert bare("—") == "—"


@pytest.mark.parametrize(
    ("text", "language", "following", "ends"),
    [
        ("It rains.", "en", "", True),
        ("rains.", "en", "but", False),
        ("rains!", "en", "but", True),
        ("“Rains?” ", "en", "", True),
        ("rains,", "en", "But", False),
        ("This is Mr.", "en", "Hale", False),
        ("the sig.", "en", "", True),  # an abbreviation in Italian only
        ("il sig.", "it", "", False),
        ("下雨了。", "zh", "", True),
        ("", "en", "", False),
        (".", "en", "", True),
    ],
)
def test_where_a_sentence_ends(text: str, language: str, following: str, ends: bool) -> None:
    assert ends_sentence(text, language, following) is ends


def test_other_marks() -> None:
    assert ends_with_mark("well,", COMMAS, "en")
    assert not ends_with_mark("well.", COMMAS, "en")
