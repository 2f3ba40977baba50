"""Profiles: named bundles of settings, so that nobody has to know every switch.

Scope: the one table of what each profile sets. Profiles of one family exclude each other; those of
different families may be combined (``--profile cloud,cpu``). A setting that is given anywhere else
wins over a profile; ``engines`` that only name roles replace those roles of it. Tests hold
``docs/serving.md`` against the table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any


@dataclass(frozen=True)
class Profile:
    """Settings by their full names, and the family that the profile belongs to."""

    family: str
    settings: dict[str, Any] = field(default_factory=dict)


_AS_RECORDED: dict[str, Any] = {
    "synthesis.hold_tail": True,
    "synthesis.cancel_finishes": True,
    "synthesis.lower_case_language": True,
}
"""What the cloud was seen to do and no document asks for."""

PROFILES: dict[str, Profile] = {
    "friendly": Profile("fidelity"),
    "cloud": Profile("fidelity", _AS_RECORDED),
    "strict": Profile("fidelity", {**_AS_RECORDED, "strict": True}),
    "embedded": Profile("engines", {"engines": "embedded"}),
    "cpu": Profile("engines", {"engines": "cpu"}),
    "gpu": Profile("engines", {"engines": "gpu"}),
    "endpoints": Profile("engines", {"engines": "endpoints"}),
}
"""``friendly``: the defaults, which help a client where they can. ``cloud``: as the cloud was
seen to behave. ``strict``: that, and what the cloud is documented to refuse is refused. The others
choose the preset of engines of the same name."""


def settings_of(names: Iterable[str]) -> dict[str, tuple[Any, str]]:
    """What these profiles set: the value and the profile's name, by setting.

    Raises ``ValueError`` with a phrase for the operator.
    """
    families: dict[str, str] = {}
    found: dict[str, tuple[Any, str]] = {}
    for name in names:
        if name not in PROFILES:
            near = get_close_matches(name, PROFILES, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(PROFILES)}"
            raise ValueError(f"there is no profile {name!r}; {hint}")
        profile = PROFILES[name]
        other = families.setdefault(profile.family, name)
        if other != name:
            raise ValueError(f"the profiles {other!r} and {name!r} exclude each other")
        found |= {setting: (value, name) for setting, value in profile.settings.items()}
    return found
