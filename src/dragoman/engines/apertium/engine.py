"""Rule-based translation with Apertium, as Debian packages it: gist quality in milliseconds.

Scope: languages, directions and text; the processes are in ``pipeline``.

* What is installed decides what can be done: every mode file ``eng-spa``, ``es-fr`` … is a
  direct pair, and two of them that meet in the pivot language (Spanish) make another.
* A direction's chain of programs starts with its first text and then stays. At most
  ``max_directions`` are alive; the one idle longest is ended to make room for a new one; when all
  of them are busy the call waits.
* A chain that has answered before and died, or does not answer within 3 s, is started again and the
  text tried once more. A new one that does not answer in ``timeout_s`` is killed and the call
  fails; the next call starts anew.
* A text may be the beginning of a sentence: the translation ends in a full stop only if it did.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import threading
import time
from functools import cached_property
from pathlib import Path

from dragoman.engines.apertium.pipeline import Pipeline, PipelineFailed
from dragoman.engines.base import EngineUnavailable, Info, Translation
from dragoman.engines.shared.sentence_shape import same_case, same_stop
from dragoman.text.language_tags import primary_tag
from dragoman.text.words import without_controls

PACKAGES = (
    "apertium-eng-spa apertium-eng-cat apertium-en-gl "
    "apertium-fr-es apertium-es-pt apertium-spa-ita"
)
CODES = {
    "afr": "af", "arg": "an", "bel": "be", "bre": "br", "bul": "bg", "cat": "ca", "dan": "da",
    "eng": "en", "epo": "eo", "eus": "eu", "fra": "fr", "glg": "gl", "hin": "hi", "ind": "id",
    "isl": "is", "ita": "it", "kaz": "kk", "mkd": "mk", "mlt": "mt", "nld": "nl", "nno": "nn",
    "nob": "nb", "nor": "no", "oci": "oc", "pol": "pl", "por": "pt", "ron": "ro", "rus": "ru",
    "slv": "sl", "spa": "es", "srd": "sc", "swe": "sv", "tat": "tt", "ukr": "uk", "urd": "ur",
    "zlm": "ms",
}  # fmt: skip
"""ISO 639-3 names in mode files, as BCP-47 tags; a language without a short tag keeps its own."""
STAND_INS = (
    "Robert", "Alan", "Gilbert", "Edwin", "Victor", "Edgar", "Daniel", "Ethan", "Gabriel", "Oscar",
    "Ronald", "Donald", "Norman", "Nelson", "Gerard", "Harold", "Kevin", "Bruce", "Walter", "Ryan",
)  # fmt: skip
"""Placeholders: names that every pair leaves as they are. The sentence around a name keeps its
grammar (a genitive, for example); around a word that no dictionary knows it does not."""
_HANGS_S = 3.0
_MODE = re.compile(r"([a-z]{2,3})-([a-z]{2,3})")


class Apertium:
    """``Translator`` over the Apertium pairs installed on this machine.

    ``root`` holds the ``modes`` folder, ``pivot`` is the language in which two pairs may meet
    (empty: none), ``max_chars`` bounds one text.
    """

    def __init__(
        self,
        *,
        root: str = "/usr/share/apertium",
        pivot: str = "es",
        max_directions: int = 4,
        timeout_s: float = 10.0,
        max_chars: int = 20_000,
    ) -> None:
        if max_directions < 1:
            raise ValueError("max_directions is at least 1")
        self._root, self._pivot, self._max_chars = Path(root), pivot, max_chars
        self._pool = _Pool(max_directions, timeout_s)

    @cached_property
    def routes(self) -> dict[tuple[str, str], tuple[Path, ...]]:
        """The mode files to pass through, for every pair of languages."""
        direct: dict[tuple[str, str], tuple[Path, ...]] = {}
        for path in sorted((self._root / "modes").glob("*.mode")):
            if match := _MODE.fullmatch(path.stem):
                source, target = (CODES.get(code, code) for code in match.groups())
                direct[source, target] = (path,)
        routes = dict(direct)
        for (source, middle), first in direct.items():
            for (start, target), second in direct.items():
                if middle == start == self._pivot and source != target:
                    routes.setdefault((source, target), first + second)
        return routes

    @property
    def info(self) -> Info:
        """Self-description; looks into the modes folder once."""
        return Info(
            name="apertium",
            role="mt",
            licence="GPL-2.0-or-later (separate programs)",
            quality="gist",
            languages=tuple(sorted({source for source, _ in self.routes})),
            pairs=tuple(sorted(self.routes)),
            placeholders=STAND_INS,
            about="Apertium's rules in persistent pipes; languages by Debian packages",
        )

    def load(self) -> None:
        """Check what is installed; directions start on first use or ``warm``."""
        if not self.routes or shutil.which("lt-proc") is None:
            raise EngineUnavailable(
                "Apertium is not installed, or no language pair of it. Mend it with: "
                f"apt-get install --no-install-recommends {PACKAGES}"
            )
        self._pool.open()

    def close(self) -> None:
        """End every program that was started."""
        self._pool.close()

    def warm(self, source: str, target: str) -> None:
        """Start the direction and send one word through it."""
        if source != target:
            self.translate(Translation(text="no", source=source, target=target))

    def translate(self, request: Translation) -> str:
        """The translation of one sentence or of the beginning of one. Thread-safe.

        Raises ``ValueError`` for a pair that is not installed or a text beyond ``max_chars``,
        ``PipelineFailed`` when the programs failed or did not answer.
        """
        text = without_controls(request.text).strip()
        source, target = primary_tag(request.source), primary_tag(request.target)
        if source == target or not text:
            return text
        route = self.routes.get((source, target))
        if route is None:
            raise ValueError(f"no installed Apertium pair translates {source} to {target}")
        if len(text) > self._max_chars:
            raise ValueError(f"a text has at most {self._max_chars} characters")
        for mode in route:
            text = restored_shape(text, self._pool.translate(mode, text))
        return text


class _Direction:
    """One direction of the pool: its running chain, its lock, its number of users."""

    def __init__(self, mode: Path) -> None:
        self.mode = mode
        self.lock = threading.Lock()
        self.pipeline: Pipeline | None = None
        self.users = 0
        self.used_at_s = 0.0

    def translate(self, text: str, timeout_s: float) -> str:
        with self.lock:
            if self.pipeline is not None:  # it has answered before, and may have died since
                with contextlib.suppress(PipelineFailed):
                    return self._once(text, min(timeout_s, _HANGS_S))
            return self._once(text, timeout_s)

    def _once(self, text: str, timeout_s: float) -> str:
        try:
            self.pipeline = self.pipeline or Pipeline(self.mode)
            return self.pipeline.translate(text, timeout_s)
        except PipelineFailed:
            self.kill()
            raise

    def kill(self) -> None:
        if self.pipeline is not None:
            self.pipeline.kill()
            self.pipeline = None


class _Pool:
    """The directions that run: at most ``most``. Only idle ones are ended to make room."""

    def __init__(self, most: int, timeout_s: float) -> None:
        self._most, self._timeout_s = most, timeout_s
        self._directions: dict[Path, _Direction] = {}
        self._changed = threading.Condition()
        self._open = False

    def open(self) -> None:
        with self._changed:
            self._open = True

    def close(self) -> None:
        """Take no new work; idle chains end now, busy ones when their text is done."""
        with self._changed:
            self._open = False
            idle = [direction for direction in self._directions.values() if not direction.users]
            for direction in idle:
                del self._directions[direction.mode]
        for direction in idle:
            direction.kill()

    def translate(self, mode: Path, text: str) -> str:
        direction = self._take(mode)
        try:
            return direction.translate(text, self._timeout_s)
        finally:
            self._give_back(direction)

    def _take(self, mode: Path) -> _Direction:
        """The direction of a mode, counted as in use. The one that has to make room is ended."""
        evicted: _Direction | None = None
        deadline_s = time.monotonic() + self._timeout_s
        with self._changed:
            while True:
                if not self._open:
                    raise EngineUnavailable("The engine apertium is not loaded.")
                direction = self._directions.get(mode)
                if direction is not None or len(self._directions) < self._most:
                    break
                idle = [other for other in self._directions.values() if not other.users]
                if idle:
                    evicted = min(idle, key=lambda other: other.used_at_s)
                    del self._directions[evicted.mode]
                    break
                if not self._changed.wait(deadline_s - time.monotonic()):
                    raise PipelineFailed("every translation direction is busy")
            direction = direction or self._directions.setdefault(mode, _Direction(mode))
            direction.users += 1
        if evicted is not None:
            evicted.kill()
        return direction

    def _give_back(self, direction: _Direction) -> None:
        with self._changed:
            direction.users -= 1
            direction.used_at_s = time.monotonic()
            dead = not self._open and not direction.users
            if dead:
                self._directions.pop(direction.mode, None)
            self._changed.notify_all()
        if dead:
            direction.kill()


def restored_shape(source: str, target: str) -> str:
    """Apertium's output in the shape of its input: no doubled spaces, the sentinel full stop
    removed, a full stop at the end only if the source has one, the first letter in the same case.
    """
    text = " ".join(target.split())
    if text.endswith("."):
        text = text[:-1].rstrip()
    return same_case(source, same_stop(source, text))
