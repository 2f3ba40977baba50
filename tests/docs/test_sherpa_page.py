"""docs/engines/sherpa.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from dragoman.engines import registry
from dragoman.engines.base import Role
from dragoman.engines.sherpa import offline, streaming, tts

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "engines" / "sherpa.md").read_text(
    encoding="utf-8"
)
ENGINES = {
    "sherpa-asr": streaming,
    "sherpa-offline-asr": offline,
    "sherpa-tts": tts,
}


def test_the_configurations_on_the_page_are_understood() -> None:
    seen = set()
    for text in re.findall(r'--engines "([^"]+)"', PAGE):
        choice = registry.parse_choice(text)
        roles: tuple[Role, ...] = ("asr", "tts")
        for role in roles:
            for spec in choice.specs(role):
                if spec.startswith("sherpa"):
                    engine = registry.make(spec, role)
                    assert engine.info.languages != ("*",)
                    seen.add(engine.info.name)
    assert seen == set(ENGINES)


def test_every_kind_and_option_is_in_its_section() -> None:
    for name, module in ENGINES.items():
        section = PAGE.partition(f": `{name}`")[2].partition("\n##")[0]
        listed = section.partition("Kinds: ")[2].partition(".")[0]
        assert set(re.findall(r"`([\w-]+)`", listed)) == {kind.name for kind in module.KINDS}, name
        for option, (_, default) in registry.options(registry.factory(name)).items():
            assert f"`{option}`" in section, (name, option)
            if isinstance(default, int | float) and option != "threads":
                assert re.search(rf"\| `{option}` \| {default:g} \|", section), (name, option)
