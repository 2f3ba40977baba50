"""What an engine is: plain blocking objects behind small Protocols.

Scope: an engine author needs this file, ``dragoman.speech`` and ``dragoman.audio``, and nothing
else of ours. An engine never sees events, sessions, sockets to clients or asyncio. Making an engine
object is cheap and reads no model; ``load`` does the heavy work and may block for seconds. The
runtime decides which host the object lives in, by ``Info.runs_in`` and the operator's placement:

* ``loop``     the event loop itself. Only for engines whose every call takes microseconds, as
  scripted ones do.
* ``thread``   threads of the server process. Only for engines that release the GIL while they
  work (onnxruntime, CTranslate2, pipes to other programs).
* ``process``  worker processes of their own, reached over framed unix sockets. For everything
  that holds the GIL, may crash or hang, or may not be linked in (GPL).

State belongs to stream objects (``Detection``, ``Recognition``, ``Interpretation``), so one engine
object serves all sessions. A stream object, and the iterator of a synthesizer, is called by one
thread at a time, but not always by the same one. An engine is registered under the entry point
group ``dragoman.engines``.

Errors: ``EngineUnavailable`` from ``load`` when something is not installed, with a sentence that
says how to mend it; anything else an engine raises fails the one call it was raised in. What that
means for a session is in ``docs/engines/writing.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, Protocol, runtime_checkable

import msgspec
import numpy as np
import numpy.typing as npt

from dragoman.engines.cancellation import Cancellation
from dragoman.speech import Hints, Hypothesis, Input, Interpret, Result

ENTRY_POINT_GROUP = "dragoman.engines"

Samples = npt.NDArray[np.float32]
"""Mono audio, float32 in -1..1, at 16 kHz unless said otherwise; shape (n,)."""

Role = Literal["vad", "asr", "mt", "tts", "interpreter", "ocr", "speaker"]
Quality = Literal["scripted", "gist", "basic", "good"]


class EngineUnavailable(Exception):
    """The engine cannot run here; the message says in plain words how to mend that."""


class Unspeakable(Exception):
    """Raised by ``synthesize``: this text cannot be spoken properly with what is installed.

    The message is one plain sentence that reaches the client, so it must not quote the text or
    hold anything private; it says what cannot be read and how to mend it.
    """


Control = Literal["rate", "pitch", "volume", "instructions"]


class Caps(msgspec.Struct, frozen=True, kw_only=True):
    """The most that one ``synthesize`` may take; beyond it the segment fails.

    A session's segments have some 200 characters. The worst of them takes the embedded engines
    4 s of CPU and lasts 160 s, so these bounds tell a slow segment from a stuck one; an engine that
    needs more sets higher ones. ``cpu_s`` (all threads together) and ``wall_s`` (of work: waiting
    for a slow listener does not count) hold in worker processes only: the process is ended and
    replaced. ``first_sound_s`` bounds the work before the first sound: beyond it the engine counts
    as hung, and a worker process is replaced and the segment given to another one, once.
    ``audio_s`` of sound holds everywhere.
    """

    first_sound_s: float = 2.0
    cpu_s: float = 15.0
    wall_s: float = 30.0
    audio_s: float = 300.0


class Info(msgspec.Struct, frozen=True, kw_only=True):
    """An engine's description of itself; available without ``load``.

    ``languages`` and ``pairs`` hold BCP-47 primary tags, ``"*"`` for any. ``quality`` classes:
    scripted (not real), gist (about half of the sentences right), basic (usable, plainly a
    machine), good. ``confidence_gate``: hypotheses below it are not speech in a language of it.
    ``rate_hz`` is the PCM rate a synthesizer yields. ``max_batch`` is how many requests one
    ``transcribe`` or ``translate_batch`` takes. ``max_window_s`` is the longest audio a window
    transcriber does well, ``step_ms`` the fixed step it wants to be called at (None: as its speed
    and the load allow).
    ``takes_images`` asks for the speaker's latest picture with every translation, ``takes_speech``
    for the audio of its text.
    ``answers_later``: an interpreter's facts come from elsewhere, also while it gets no input; then
    it is fed empty ``Audio`` now and then.

    A translator says with ``forces_prefix`` that its answer begins with ``Translation.prefix``,
    with ``takes_glossary`` that it applies ``hints.phrases`` itself, with ``shortens`` that it can
    translate tersely, with ``cancellable`` that it is a ``CancellableTranslator``. A translator
    without a glossary gets placeholders in the text instead of terms: ``placeholders`` are words
    that it leaves as they are and treats as names. ``controls`` names what a synthesizer does
    natively with an ``Utterance``; the runtime does rate, pitch and volume for one that does not,
    and drops instructions. ``caps`` bound what a segment of speech may cost. ``own_threads``: it
    computes on the cores here, but in threads of its own, so that the CPU time of the calling
    thread does not show it.

    ``memory_mb`` is what a loaded copy of the engine takes of the memory of its ``device``, about;
    0 for less than a few dozen. ``concurrency`` is how many calls at the same time are best for it
    (None: the server's usual number). ``remote``: calls leave the machine and may cost money, so
    none is made to warm it up; its ``load`` may see whether the service is there.
    """

    name: str
    role: Role
    licence: str
    quality: Quality
    runs_in: Literal["loop", "thread", "process"] = "thread"
    languages: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    voices: tuple[str, ...] = ()
    rate_hz: int = 16_000
    confidence_gate: float = 0.0
    max_batch: int = 1
    max_window_s: float = 12.0
    step_ms: int | None = None
    takes_images: bool = False
    takes_speech: bool = False
    answers_later: bool = False
    forces_prefix: bool = False
    takes_glossary: bool = False
    placeholders: tuple[str, ...] = ()
    shortens: bool = False
    cancellable: bool = False
    caps: Caps = Caps()
    controls: tuple[Control, ...] = ()
    memory_mb: int = 0
    device: Literal["cpu", "gpu"] = "cpu"
    concurrency: int | None = None
    remote: bool = False
    own_threads: bool = False
    about: str = ""


class Engine(Protocol):
    """The part that every engine shares."""

    @property
    def info(self) -> Info:
        """Self-description; cheap, and right before ``load``."""

    def load(self) -> None:
        """Load models and start helpers; blocks. Raises ``EngineUnavailable``."""

    def close(self) -> None:
        """Stop helpers and free what was loaded; harmless when nothing was."""


@runtime_checkable
class OnDemand(Engine, Protocol):
    """An engine that few sessions need: it is loaded by the first call and closed again after
    some minutes without one.
    """

    def check(self) -> None:
        """Raise ``EngineUnavailable`` where ``load`` would, as far as a look at what is installed
        can tell; cheap.
        """


@runtime_checkable
class Abortable(Protocol):
    """A stream object (``Detection``, ``Recognition``, ``Interpretation``) that holds more than
    memory, say a cache on a GPU, may have this method as well.
    """

    def abort(self) -> None:
        """Nobody wants the rest of this stream: free what it holds. Called where the engine runs,
        at most once, after the step that may still be running, and never behind ``finish``.
        """


# ---------------------------------------------------------------- voice activity
class Detection(Protocol):
    """One stream's voice detection state."""

    def feed(self, frame: Samples) -> float:
        """Probability (0..1) that this frame of exactly ``frame_samples`` holds speech."""


@runtime_checkable
class Detector(Engine, Protocol):
    """Voice activity: probabilities only; ``policy.recognition.endpointing`` finds the turns."""

    frame_samples: int

    def start(self) -> Detection:
        """State for a new stream."""


# ---------------------------------------------------------------- recognition, two shapes
class Recognition(Protocol):
    """One utterance in a stateful recogniser: the audio of one turn."""

    def feed(self, samples: Samples) -> Hypothesis | None:
        """Take more audio, about 0.1 s of it; the new full hypothesis of the utterance, or None if
        unchanged. The session waits for it. If it raises, its turn fails.
        """

    def finish(self) -> Hypothesis:
        """No more audio: the final hypothesis."""


@runtime_checkable
class Recognizer(Engine, Protocol):
    """Shape 1: stateful streams, one per utterance."""

    def start(self, language: str | None, hints: Hints) -> Recognition:
        """A new utterance, in a stream of its own. If it raises, the session fails, so whatever may
        fail belongs into the first ``feed``. ``language`` is what the client declared, or None.
        """


class Window(msgspec.Struct, frozen=True, tag=True):
    """Request value for one window of audio; everything the call depends on is in it.

    ``samples`` are float32 bytes at 16 kHz. ``prefix`` is text already committed for the start
    of this window, which an engine may force; words returned always cover the whole window.
    ``at_ms`` is where the window begins in the session's audio; scripted engines depend on it.
    """

    samples: bytes
    language: str | None = None
    hints: Hints = Hints()
    prefix: str = ""
    at_ms: int = 0


@runtime_checkable
class WindowTranscriber(Engine, Protocol):
    """Shape 2: stateless; the cascade decodes the open turn again and again. Windows of different
    sessions share one call.
    """

    def transcribe(self, windows: Sequence[Window]) -> list[Hypothesis]:
        """One hypothesis for each window, in order; at most ``info.max_batch`` windows."""


# ---------------------------------------------------------------- translation
class Translation(msgspec.Struct, frozen=True, tag=True):
    """Request value for one translation: ``text`` is one sentence or the beginning of one.

    ``before`` holds closed sentence pairs of the same speech; ``prefix`` is target text already
    committed, which an engine may force; the caller aligns the answer with it either way.
    ``image`` is what the speaker last showed (JPEG or PNG), only for engines with
    ``Info.takes_images``; ``onscreen`` are lines read from it, context that may have nothing to do
    with what is said. ``terse`` asks for the shortest wording, only of engines with
    ``Info.shortens``. ``speech`` is the audio in which ``text`` was said, only for engines with
    ``Info.takes_speech``: float32 bytes at 16 kHz, at most 28 s, with a little around it. It is
    empty when the audio is not there any more, and for text that nobody said.
    """

    text: str
    source: str
    target: str
    before: tuple[tuple[str, str], ...] = ()
    prefix: str = ""
    hints: Hints = Hints()
    image: bytes = b""
    onscreen: tuple[str, ...] = ()
    terse: bool = False
    speech: bytes = b""


@runtime_checkable
class Translator(Engine, Protocol):
    """Text to text. Directions may start helpers on first use."""

    def translate(self, request: Translation) -> str:
        """The whole translation of ``request.text``. Thread-safe."""

    def warm(self, source: str, target: str) -> None:
        """Load what the direction needs, so that its first call is not slow."""


@runtime_checkable
class CancellableTranslator(Translator, Protocol):
    """A translator that can stop in the middle of a call, which frees what it works with: a slot
    of a model server, say. Drafts that newer words make useless are cancelled, never what will be
    committed. It is not asked in batches.
    """

    def translate_cancellable(self, request: Translation, cancellation: Cancellation) -> str:
        """As ``translate``. When the call is cancelled it ends soon; what it raises or answers
        then does not matter. Thread-safe.
        """


@runtime_checkable
class BatchTranslator(Translator, Protocol):
    """A translator that answers several requests at once cheaper than one by one."""

    def translate_batch(self, requests: Sequence[Translation]) -> list[str]:
        """One translation for each request, in order; at most ``info.max_batch``, of any
        directions. Thread-safe. If it raises, the requests are tried again one by one.
        """


# ---------------------------------------------------------------- synthesis
class Utterance(msgspec.Struct, frozen=True):
    """Request value for one segment of speech; fields as in ``speech.Speak``.

    ``language`` is always given: the caller has decided it. ``pause`` is a factor on the silence
    that an engine leaves behind the segment.
    """

    text: str
    voice: str
    language: str
    rate: float = 1.0
    pitch: float = 1.0
    volume: int = 50
    instructions: str | None = None
    pause: float = 1.0


@runtime_checkable
class Synthesizer(Engine, Protocol):
    """Text to speech."""

    def synthesize(self, utterance: Utterance) -> Iterator[bytes]:
        """PCM s16le mono at ``info.rate_hz``, piece by piece as it is made, even byte counts.

        Closing the iterator early cancels. Text without words yields nothing. In threads, several
        iterators of one engine are open at once, and one whose listener is slow waits between two
        pieces: it must not hold a lock that another one needs.
        """


# ---------------------------------------------------------------- speakers and pictures
@runtime_checkable
class SpeakerEncoder(Engine, Protocol):
    """Voices as vectors: the same speaker gives nearly the same direction."""

    def encode(self, samples: Samples) -> Samples:
        """A unit vector for the voice in these samples (16 kHz, at least half a second of speech,
        one speaker); shape (d,). Zeros when there is no voice in them. Thread-safe.
        """


class Line(msgspec.Struct, frozen=True):
    """A line of text read from a picture; ``confidence`` in 0..1, ``height`` its share of the
    picture's.
    """

    text: str
    confidence: float = 1.0
    height: float = 0.0


class Picture(msgspec.Struct, frozen=True, tag=True):
    """Request value for one picture to be read, JPEG or PNG. ``like`` is the fingerprint
    (``Reading.sketch``) of one read before: a picture that looks the same is not read again.
    """

    data: bytes
    like: bytes = b""


class Reading(msgspec.Struct, frozen=True, tag=True):
    """Answer to a ``Picture``: fingerprint and lines; None if it looks like the one before."""

    sketch: bytes
    lines: tuple[Line, ...] | None = None


@runtime_checkable
class TextReader(Engine, Protocol):
    """Reads what is written in a picture."""

    def read(self, image: bytes) -> list[Line]:
        """The lines of a JPEG or PNG, top to bottom; none for a picture without text.
        Thread-safe. Raises ``ValueError`` for bytes that are no picture.
        """


# ---------------------------------------------------------------- end-to-end interpreters
class Interpretation(Protocol):
    """One session in an end-to-end interpreter."""

    def feed(self, item: Input) -> list[Result]:
        """Take audio, an image, new settings or the end of a turn; the facts that follow."""

    def finish(self) -> list[Result]:
        """No more input: the last facts. Every open turn ends with ``TurnDone``."""


@runtime_checkable
class Interpreter(Engine, Protocol):
    """End-to-end speech translation: replaces the cascade of the other roles."""

    def start(self, task: Interpret) -> Interpretation:
        """A new session."""
