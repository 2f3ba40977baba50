"""What the demo plays: a reading in English into Spanish, and a foreign recording into English.

Scope: which recording, in which languages, and which of a server's engines take part. Nothing is
downloaded: the reading lies in a package, foreign recordings are the user's or lie beside the
checkout.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from dragoman.client.errors import ClientError
from dragoman.engines import registry
from dragoman.engines.base import Info, Role
from dragoman.engines.shared.model_catalogue import MODELS
from dragoman.engines.shared.model_files import pip_install
from dragoman.runtime.routing.measured_routes import DETOURS
from dragoman.text.language_names import language_name

BESIDE = Path(__file__).resolve().parents[4] / "shared" / "data" / "speech"
LANGUAGES = ("es", "fr", "de", "pt")
"""Foreign languages that are looked for, in this order."""
AUTO = "auto"
_WORKING = {"ready", "idle"}


class DemoScene(msgspec.Struct, frozen=True, kw_only=True):
    """A recording and its direction. ``source`` is None where the server is to find out."""

    recording: Path
    source: str | None
    target: str

    @property
    def title(self) -> str:
        """The direction in English: ``German into English``."""
        source = "a language to be detected" if self.source is None else named(self.source)
        return f"{source} into {named(self.target)}"


def named(tag: str) -> str:
    """The English name of a language, or its tag."""
    return language_name(tag) or tag


# ---------------------------------------------------------------- recordings
def dickens() -> Path:
    """The reading of "A Tale of Two Cities" in the ``moonshine_voice`` wheel, not imported.

    Raises:
        ClientError: the wheel is not installed.

    """
    spec = importlib.util.find_spec("moonshine_voice")
    folders = [] if spec is None else spec.submodule_search_locations or []
    for folder in folders:
        found = sorted(Path(folder).glob("assets/*two_cities*.wav"))
        if found:
            return found[0]
    package = MODELS["moonshine-tiny-en"].requirements
    raise ClientError(
        f"the recording is missing: install it with `{pip_install(*package)}`, "
        "or name a file of your own"
    )


def foreign(languages: Sequence[str] = LANGUAGES) -> tuple[Path, str] | None:
    """The longest recording of a person in the first of these languages of which there is one
    beside the checkout, and its language.
    """
    manifest = BESIDE / "manifest.json"
    listed = json.loads(manifest.read_text("utf-8")) if manifest.is_file() else []
    for language in languages:
        found = [one for one in listed if one["language"] == language and _is_human(one)]
        if found:
            longest = max(found, key=lambda one: float(one["duration_s"]))
            return BESIDE / longest["file"], language
    return None


def _is_human(entry: Mapping[str, Any]) -> bool:
    return str(entry.get("human_speech", "yes")).startswith("yes")


# ---------------------------------------------------------------- engines
class Cast(msgspec.Struct, frozen=True):
    """The engines of a scene in words, or in ``lacks`` what keeps it from being played."""

    line: str = ""
    lacks: str = ""


def cast(scene: DemoScene, health: Mapping[str, Any]) -> Cast:
    """Which engines a server takes for a scene, from the body of its ``/health``."""
    there = _engines(health)
    source, target = scene.source, scene.target
    hears = next((one for one in there["asr"] if source is None or _knows(one, source)), None)
    if hears is None:
        return Cast(
            lacks=f"Nothing here recognises {named(source or '')}. To install a recogniser of many "
            "languages (Whisper, 180 MB): dragoman setup multilingual"
        )
    if source is None:
        hearing = ", ".join(one.name for one in there["asr"])
        return Cast(f"recognition by {hearing}; then as for the language that they find")
    parts = [f"recognition by {_graded(hears)}"]
    if translation := _translation(there["mt"], source, target):
        parts.append(f"translation by {translation}")
    voice = next((one for one in there["tts"] if _knows(one, target)), None)
    parts.append("no voice" if voice is None else f"voice {_graded(voice)}")
    return Cast("; ".join(parts))


def _engines(health: Mapping[str, Any]) -> dict[Role, list[Info]]:
    """What works, by role, first choice first."""
    known = set(registry.names())
    found: dict[Role, list[Info]] = {role: [] for role in registry.ROLES}
    for one in health.get("engines", ()):
        if one["state"] in _WORKING and one["name"] in known:
            info: Info = registry.make(one["name"]).info
            found[info.role].append(info)
    return found


def _translation(engines: Sequence[Info], source: str, target: str) -> str:
    detour = DETOURS.get((source, target))
    by_name = {one.name: one for one in engines}
    if detour is not None and {detour.first, detour.second} <= by_name.keys():
        steps = f"{detour.first} and {detour.second}, by way of {named(detour.middle)}"
        return f"{steps} ({by_name[detour.neural].quality})"
    pairs = {(source, target), ("*", "*")}
    return next((_graded(one) for one in engines if pairs & set(one.pairs)), "")


def _knows(info: Info, language: str) -> bool:
    return bool({"*", language} & set(info.languages))


def _graded(info: Info) -> str:
    return f"{info.name} ({info.quality})"
