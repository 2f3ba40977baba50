"""Rule-based translation with Apertium, as Debian packages it: gist quality in milliseconds.

Law of this file: languages, directions and text; the processes are in ``apertium_stages``.

* What is installed decides what can be done: every mode file ``eng-spa``, ``es-fr`` … is a
  direct pair, and two of them that meet in the pivot language (Spanish) make another.
* A direction's chain of programs starts with its first text and then stays. At most
  ``max_directions`` are alive; the one that was idle longest makes room for a new one, and when
  all of them work the call waits.
* A chain that died is started again and the text tried once more. One that does not answer in
  ``timeout_s`` is killed and the call fails; the next call starts anew.
* A text may be the beginning of a sentence: the translation ends in a full stop only if it did.
"""

from __future__ import annotations

import re
import shutil
import threading
import time
from functools import cached_property
from pathlib import Path

from dragoman.engines.apertium.pipeline import Pipeline, PipelineFailed, PipelineStuck
from dragoman.engines.base import EngineUnavailable, Info, Translation

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
"""Names that every pair leaves as they are: the sentence around them keeps its grammar, genitive
and all, which it does not around words that no dictionary knows."""
_MODE = re.compile(r"([a-z]{2,3})-([a-z]{2,3})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_SENTENCE_ENDS = (".", "!", "?", "…", ".”", '."', ".)", "?”", '?"', "!”", '!"')
_LETTER = re.compile(r"[^\W\d_]")


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
        text = _CONTROL.sub(" ", request.text).strip()
        source, target = (tag.split("-")[0].lower() for tag in (request.source, request.target))
        if source == target or not text:
            return text
        route = self.routes.get((source, target))
        if route is None:
            raise ValueError(f"no installed Apertium pair translates {source} to {target}")
        if len(text) > self._max_chars:
            raise ValueError(f"a text has at most {self._max_chars} characters")
        for mode in route:
            text = mended(text, self._pool.translate(mode, text))
        return text


class _Leg:
    """One direction of the pool: its chain when it runs, its lock, who uses it."""

    def __init__(self, mode: Path) -> None:
        self.mode = mode
        self.lock = threading.Lock()
        self.stages: Pipeline | None = None
        self.users = 0
        self.used_at_s = 0.0

    def translate(self, text: str, timeout_s: float) -> str:
        with self.lock:
            again = self.stages is not None  # a chain that was idle may have died meanwhile
            try:
                return self._once(text, timeout_s)
            except PipelineFailed as failure:
                self.kill()
                if isinstance(failure, PipelineStuck) or not again:
                    raise  # stuck, or broken from the start: trying again would only cost time
                return self._once(text, timeout_s)

    def _once(self, text: str, timeout_s: float) -> str:
        if self.stages is None:
            self.stages = Pipeline(self.mode)
        return self.stages.translate(text, timeout_s)

    def kill(self) -> None:
        if self.stages is not None:
            self.stages.kill()
            self.stages = None


class _Pool:
    """The directions that are alive: at most ``most``, and only idle ones make room."""

    def __init__(self, most: int, timeout_s: float) -> None:
        self._most, self._timeout_s = most, timeout_s
        self._legs: dict[Path, _Leg] = {}
        self._changed = threading.Condition()
        self._open = False

    def open(self) -> None:
        with self._changed:
            self._open = True

    def close(self) -> None:
        """No new work; chains that are idle die now, busy ones when their text is done."""
        with self._changed:
            self._open = False
            idle = [leg for leg in self._legs.values() if not leg.users]
            self._legs = {leg.mode: leg for leg in self._legs.values() if leg.users}
        for leg in idle:
            leg.kill()

    def translate(self, mode: Path, text: str) -> str:
        leg = self._take(mode)
        try:
            return leg.translate(text, self._timeout_s)
        finally:
            self._give_back(leg)

    def _take(self, mode: Path) -> _Leg:
        """The leg of a mode, counted as in use. What had to make room is killed here."""
        out: _Leg | None = None
        deadline_s = time.monotonic() + self._timeout_s
        with self._changed:
            while True:
                if not self._open:
                    raise EngineUnavailable("The engine apertium is not loaded.")
                leg = self._legs.get(mode)
                if leg is not None or len(self._legs) < self._most:
                    break
                idle = [other for other in self._legs.values() if not other.users]
                if idle:
                    out = self._legs.pop(min(idle, key=lambda other: other.used_at_s).mode)
                    break
                if not self._changed.wait(deadline_s - time.monotonic()):
                    raise PipelineFailed("every translation direction is busy")
            leg = leg or self._legs.setdefault(mode, _Leg(mode))
            leg.users += 1
        if out is not None:
            out.kill()
        return leg

    def _give_back(self, leg: _Leg) -> None:
        with self._changed:
            leg.users -= 1
            leg.used_at_s = time.monotonic()
            dead = not self._open and not leg.users
            if dead:
                self._legs.pop(leg.mode, None)
            self._changed.notify_all()
        if dead:
            leg.kill()


def mended(source: str, target: str) -> str:
    """Apertium's output in the shape of its input: no doubled spaces, the sentinel full stop
    off again, a full stop at the end only if the source has one, the first letter as large.
    """
    text = " ".join(target.split())
    if text.endswith("."):
        text = text[:-1].rstrip()
    if source.endswith(".") and not text.endswith(_SENTENCE_ENDS):
        text += "."
    if not source.endswith(_SENTENCE_ENDS):
        text = text.rstrip(".")
    return _same_case(source, text)


def _same_case(source: str, text: str) -> str:
    """The text with a first letter as large as the source's; ``EE.UU.`` stays as it is."""
    first, ours = _LETTER.search(source), _LETTER.search(text)
    if first is None or ours is None:
        return text
    at, after = ours.start(), text[ours.end() : ours.end() + 1]
    if first.group().isupper():
        return text[:at] + text[at].upper() + text[at + 1 :]
    if after.islower() or after in {"", " "}:
        return text[:at] + text[at].lower() + text[at + 1 :]
    return text
