"""Names of languages and their tags."""

from __future__ import annotations

import pytest

from dragoman.text.language_names import NAMES, language_name, language_tag


def test_every_name_leads_back_to_its_tag() -> None:
    assert {tag: language_tag(name) for tag, name in NAMES.items()} == {tag: tag for tag in NAMES}
    assert len(NAMES) > 90


@pytest.mark.parametrize("tag", ["es", "es-MX", "ES_es"])
def test_a_tag_has_a_name(tag: str) -> None:
    assert language_name(tag) == "Spanish"
    assert language_tag(tag) == "es"


@pytest.mark.parametrize("name", ["auto", "None", "", None, "xx", "Klingon"])
def test_what_is_no_language_has_none(name: str | None) -> None:
    assert language_tag(name) is None
    assert language_name(name) is None


def test_names_are_found_in_any_case() -> None:
    assert [language_tag(name) for name in ("english", "CHINESE", "Haitian creole")] == [
        *("en", "zh", "ht")
    ]
