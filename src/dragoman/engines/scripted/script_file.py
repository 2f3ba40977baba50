"""The file that scripts the scripted engines: what is said when, its translation, what fails.

Scope: parsing and values; no audio, no engine. The format is TOML (or JSON with the same shape),
documented with a full example in ``docs/engines/scripted.md``. Unknown keys are errors: a misspelt
key in a test's script would otherwise be a test that checks nothing.

Times are media time in the session's audio. An utterance without ``at_ms`` begins ``gap_ms``
after the end of the one before it; a word lasts until the next one begins.
"""

from __future__ import annotations

import tomllib
from itertools import pairwise
from pathlib import Path

import msgspec

from dragoman.engines.base import EngineUnavailable


class ScriptedFailure(Exception):
    """The failure that a script asked for."""


class WordEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One word with times of its own, counted from the start of its utterance."""

    text: str
    at_ms: int
    lasts_ms: int = 300
    confidence: float | None = None


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One utterance as it stands in the file; ``text`` or ``words`` is given."""

    text: str = ""
    language: str | None = None
    words: tuple[WordEntry, ...] = ()
    words_per_second: float = 2.5
    at_ms: int | None = None
    gap_ms: int = 1500
    confidence: float = 1.0
    fail_at_word: int = 0
    delay_ms: int = 0


class TranslationEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ``[translation]`` table: a dictionary per target language, delay and failures."""

    delay_ms: int = 0
    fail_on: tuple[str, ...] = ()
    words: dict[str, dict[str, str]] = {}


class SpeechEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ``[speech]`` table: delay before the first sound, failures, lengths."""

    delay_ms: int = 0
    fail_on: tuple[str, ...] = ()
    word_ms: int = 60
    letter_ms: int = 30
    gap_ms: int = 40


class ScriptFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    utterances: tuple[Entry, ...] = ()
    translation: TranslationEntry = TranslationEntry()
    speech: SpeechEntry = SpeechEntry()


class Spoken(msgspec.Struct, frozen=True):
    """One word on the time line of the session's audio."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float


class Scene(msgspec.Struct, frozen=True):
    """One utterance on the time line: its words in order, and what happens then.

    ``fail_at_word`` counts from 1, 0 is never.
    """

    words: tuple[Spoken, ...]
    language: str | None = None
    confidence: float = 1.0
    fail_at_word: int = 0
    delay_ms: int = 0


class Script(msgspec.Struct, frozen=True):
    """A parsed file: utterances on their time line and the tables of the other roles."""

    scenes: tuple[Scene, ...] = ()
    translation: TranslationEntry = TranslationEntry()
    speech: SpeechEntry = SpeechEntry()


def read_script(path: str) -> Script:
    """The script in a TOML or JSON file; ``""`` is the empty script (rules instead).

    Raises ``EngineUnavailable`` with the place of the mistake.
    """
    if not path:
        return Script()
    try:
        raw = Path(path).read_bytes()
        return parse_script(raw, json=path.endswith(".json"))
    except OSError as error:
        raise EngineUnavailable(f"The script {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise EngineUnavailable(f"The script {path} is wrong: {error}") from error


def parse_script(raw: bytes, *, json: bool = False) -> Script:
    """The script in the bytes of a file. Raises ``ValueError`` (also for bad UTF-8 and syntax)."""
    tree = msgspec.json.decode(raw) if json else tomllib.loads(raw.decode())
    file = msgspec.convert(tree, ScriptFile)
    scenes: list[Scene] = []
    end_ms = 0
    for number, entry in enumerate(file.utterances, 1):
        scene = _scene(entry, number, end_ms + entry.gap_ms if scenes else 0)
        end_ms = scene.words[-1].end_ms
        scenes.append(scene)
    return Script(tuple(scenes), file.translation, file.speech)


def _scene(entry: Entry, number: int, follows_ms: int) -> Scene:
    if bool(entry.text.split()) == bool(entry.words):
        raise ValueError(f"utterance {number} needs either a text or words")
    if entry.words_per_second <= 0:
        raise ValueError(f"utterance {number}: words_per_second is above 0")
    start_ms = follows_ms if entry.at_ms is None else entry.at_ms
    if entry.words:
        spoken = [
            Spoken(
                text=word.text,
                start_ms=start_ms + word.at_ms,
                end_ms=start_ms + word.at_ms + word.lasts_ms,
                confidence=entry.confidence if word.confidence is None else word.confidence,
            )
            for word in entry.words
        ]
    else:
        step_ms = 1000 / entry.words_per_second
        spoken = [
            Spoken(
                text=text,
                start_ms=start_ms + round(at * step_ms),
                end_ms=start_ms + round((at + 1) * step_ms),
                confidence=entry.confidence,
            )
            for at, text in enumerate(entry.text.split())
        ]
    if any(b.start_ms < a.start_ms for a, b in pairwise(spoken)):
        raise ValueError(f"utterance {number}: its words are not in the order of their times")
    return Scene(
        tuple(spoken), entry.language, entry.confidence, entry.fail_at_word, entry.delay_ms
    )
