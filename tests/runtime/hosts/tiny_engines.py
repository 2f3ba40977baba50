"""Deterministic engines for the tests of hosts; their sound says which text it came from.

They live in a file of their own because worker processes import them, by the spec strings
``SPEAKER`` and so on; ``PYTHONPATH`` has to hold this folder then.
"""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import structs

from dragoman.engines.base import (
    Caps,
    EngineUnavailable,
    Info,
    Samples,
    Translation,
    Unspeakable,
    Utterance,
    Window,
)
from dragoman.engines.cancellation import Cancellation
from dragoman.speech import Hints, Hypothesis, Word

SPEAKER = "tiny_engines:Speaker"
LISTENER = "tiny_engines:Listener"
TRANSLATOR = "tiny_engines:UpperCase"
COUNTER = "tiny_engines:Counter"
MISSING = "tiny_engines:Missing"
DIES_LOADING = "tiny_engines:DiesLoading"
NEVER_READY = "tiny_engines:NeverReady"
BREAKS = "tiny_engines:Breaks"
PROMPT = "tiny_engines:Prompt"
IMPATIENT = "tiny_engines:Impatient"
THRIFTY = "tiny_engines:Thrifty"
TERSE = "tiny_engines:Terse"
REFUSAL = "This voice reads no runes."
RATE_HZ = 16_000
PIECE_SAMPLES = 1_600


def pcm_of(text: str) -> bytes:
    """What ``Speaker`` says: for every character a tenth of a second of its code point. Quiet, for
    code points below 328: an end that is louder is not left as it is.
    """
    return b"".join(ord(c).to_bytes(2, "little") * PIECE_SAMPLES for c in text)


class _Tiny:
    def load(self) -> None:
        pass

    def close(self) -> None:
        pass


class Speaker(_Tiny):
    """Text is spoken character by character, or is one of a few commands."""

    def __init__(self) -> None:
        self.info = Info(
            name="tiny", role="tts", licence="Apache-2.0", quality="scripted", runs_in="process",
            languages=("*",), rate_hz=RATE_HZ,
        )  # fmt: skip
        self.made = 0
        self.stopped = threading.Event()

    def synthesize(self, utterance: Utterance) -> Iterator[bytes]:
        text = utterance.text
        if text == "!hang":
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
            threading.Event().wait()
        if text == "!crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if text == "!killed":  # as when the system is out of memory, in every worker
            os.kill(os.getpid(), signal.SIGKILL)
        if text == "!raise":
            raise ValueError("as asked")
        try:
            for character in text:
                if character == "ᚠ":
                    raise Unspeakable(REFUSAL)
                self.made += 1
                yield pcm_of(character)
        finally:
            self.stopped.set()


class Stopper(_Tiny):
    """A translator whose calls never end unless they are cancelled."""

    info = Info(name="stopper", role="mt", licence="-", quality="scripted", cancellable=True)

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.stopped = threading.Semaphore(0)

    def translate_cancellable(self, request: Translation, cancellation: Cancellation) -> str:
        ended = threading.Event()
        with cancellation.stops(ended.set):
            self.entered.release()
            ended.wait(60)
        self.stopped.release()
        return ""


class Listener(_Tiny):
    """Hypotheses whose words are the length of the window and the size of its batch."""

    def __init__(self) -> None:
        self.info = Info(
            name="ears", role="asr", licence="Apache-2.0", quality="scripted", runs_in="process",
            languages=("*",), max_batch=4,
        )  # fmt: skip
        self.batches: list[int] = []
        self.entered = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()

    def transcribe(self, windows: Sequence[Window]) -> list[Hypothesis]:
        self.entered.release()
        self.gate.wait()
        if any(window.language == "raise" for window in windows):
            raise ValueError("as asked")
        if any(window.language == "killed" for window in windows):
            os.kill(os.getpid(), signal.SIGKILL)
        self.batches.append(len(windows))
        return [Hypothesis((Word(f"{len(w.samples)}"), Word(f"{len(windows)}"))) for w in windows]


class Counter(_Tiny):
    """A stateful recogniser: it counts the samples of each stream, and what became of streams."""

    def __init__(self) -> None:
        self.info = Info(
            name="counter", role="asr", licence="Apache-2.0", quality="scripted",
            runs_in="process", languages=("*",),
        )  # fmt: skip
        self.events: list[str] = []
        self.threads: set[str] = set()
        self.entered = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()

    def start(self, language: str | None, hints: Hints) -> CountedStream:
        if language == "raise":
            raise ValueError("as asked")
        return CountedStream(self, language or "-")


class CountedStream:
    """One stream of ``Counter``. Silence (all zero) changes nothing; 1.0 kills the process, 2.0
    raises.
    """

    def __init__(self, engine: Counter, name: str) -> None:
        self._engine, self._name, self._count = engine, name, 0

    def _note(self, what: str) -> None:
        self._engine.events.append(f"{what} {self._name}")
        self._engine.threads.add(threading.current_thread().name)

    def feed(self, samples: Samples) -> Hypothesis | None:
        self._note("feed")
        self._engine.entered.release()
        self._engine.gate.wait()
        if not samples.any():
            return None
        if samples[0] == 1.0:
            os.kill(os.getpid(), signal.SIGKILL)
        if samples[0] == 2.0:
            raise ValueError("as asked")
        self._count += len(samples)
        return Hypothesis((Word(str(self._count)), Word(str(os.getpid()))))

    def finish(self) -> Hypothesis:
        self._note("finish")
        return Hypothesis(tuple(Word(event) for event in self._engine.events))

    def abort(self) -> None:
        self._note("abort")


class UpperCase(_Tiny):
    """A translator to upper case."""

    def __init__(self) -> None:
        self.info = Info(
            name="shout", role="mt", licence="Apache-2.0", quality="scripted", runs_in="process",
            pairs=(("*", "*"),),
        )  # fmt: skip

    def translate(self, request: Translation) -> str:
        if request.text == "!raise":
            raise ValueError("as asked")
        return request.text.upper()

    def warm(self, source: str, target: str) -> None:
        pass


class Missing(Speaker):
    """Cannot be loaded."""

    def load(self) -> None:
        raise EngineUnavailable("install the tiny thing")


class DiesLoading(Speaker):
    """Takes its process down while loading."""

    def load(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class Breaks(Speaker):
    """Cannot be loaded while there is a file of the name in ``TINY_BROKEN``."""

    def load(self) -> None:
        if Path(os.environ["TINY_BROKEN"]).exists():
            raise EngineUnavailable("broken")


class NeverReady(Speaker):
    """Loads for ever."""

    def load(self) -> None:
        threading.Event().wait()


class _Capped(Speaker):
    caps = Caps()

    def __init__(self) -> None:
        super().__init__()
        self.info = structs.replace(self.info, caps=self.caps)


class Impatient(_Capped):
    """May work for 0.3 s a segment; waiting for its listener is not work."""

    caps = Caps(wall_s=0.3)


class Prompt(_Capped):
    """Has to begin within 0.3 s. "!" takes twice as long, which is fine later on."""

    caps = Caps(first_sound_s=0.3)

    def synthesize(self, utterance: Utterance) -> Iterator[bytes]:
        for pcm in super().synthesize(utterance):
            if pcm == pcm_of("!"):
                threading.Event().wait(0.6)
            yield pcm


class Late(_Capped):
    """Has to begin within 0.2 s. "late" waits for the gate."""

    caps = Caps(first_sound_s=0.2)

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def synthesize(self, utterance: Utterance) -> Iterator[bytes]:
        if utterance.text == "late":
            self.gate.wait()
        return super().synthesize(utterance)


class Thrifty(_Capped):
    """May use 0.3 s of CPU a segment. "!burn" keeps a C library busy for ever, in a thread."""

    caps = Caps(cpu_s=0.3)

    def synthesize(self, utterance: Utterance) -> Iterator[bytes]:
        if utterance.text == "!burn":
            pattern = re.compile("(a+)+$")  # one call into C that does not come back
            burning = threading.Thread(target=pattern.match, args=("a" * 60 + "b",), daemon=True)
            burning.start()
            burning.join()
        return super().synthesize(utterance)


class Terse(_Capped):
    """May speak for one second."""

    caps = Caps(audio_s=1.0)
