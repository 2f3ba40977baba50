"""The values that sessions, policies and engines share: tasks, inputs, results, coverage.

Scope: values only. A *task* says what a job is to do (``Speak``, ``Interpret``), an
*input* is what a session pushes into a running job, a *result* is a fact that a job reports.
Facts are the one internal stream that feeds every dialect of the wire. Nothing here knows an
event, a session, a socket or an engine; everything that crosses a process border can be
encoded by msgspec as it is.

Units: ``_ms`` is media time, counted in received samples since the start of the session's
audio; rates are in Hz; PCM is signed 16-bit little-endian mono.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import msgspec

HEARING_RATE_HZ = 16_000
"""Every detector and recogniser takes 16 kHz; the cascade resamples other input."""

Status = Literal["completed", "failed", "incomplete"]
Format = Literal["pcm", "wav", "mp3", "opus"]
"""What a stream of speech is packed in: bare s16le mono, RIFF, MPEG layer III, Opus in Ogg."""


# ---------------------------------------------------------------- words and hypotheses
class Word(msgspec.Struct, frozen=True):
    """One word of a hypothesis, with its punctuation (``"Americans,"``), without white space.

    ``joined`` says that no space stands before it (Chinese, Japanese). Times are media time
    within the window or stream of the hypothesis; None if the engine has none.
    """

    text: str
    confidence: float | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    joined: bool = False


class Hypothesis(msgspec.Struct, frozen=True, tag=True):
    """A recogniser's current full guess.

    ``confidence`` in 0..1 judges the whole; below the engine's gate nothing of it is committed.
    ``stable`` counts leading words an append-only engine promises never to change (else 0).
    ``language_confidence`` in 0..1 is how sure an engine is of the ``language`` that it found.
    """

    words: tuple[Word, ...] = ()
    confidence: float = 1.0
    language: str | None = None
    stable: int = 0
    language_confidence: float = 1.0


def joined_text(words: Sequence[Word]) -> str:
    """The words as running text; the space belongs to the later word."""
    text = ""
    for word in words:
        text += word.text if word.joined or not text else " " + word.text
    return text


class Hints(msgspec.Struct, frozen=True):
    """What is known about the content: the client's glossary and free context, and ``onscreen``,
    names and terms read from what is shown. Those may never be said: no more than a choice between
    two readings of one sound may hang on them.
    """

    phrases: Mapping[str, str] = {}
    context: str = ""
    onscreen: tuple[str, ...] = ()


# ---------------------------------------------------------------- synthesis
class Speak(msgspec.Struct, frozen=True):
    """Task: one stream of speech. Segments are pushed as ``Say``; sound comes back as ``Voiced``.

    ``language`` is BCP-47 or None (the engine's pick decides per segment). ``rate`` and
    ``pitch`` are factors (0.5 to 2.0), ``volume`` 0 to 100 with 50 as the engine's own level.
    The whole job is one stream in ``format``; ``bit_rate`` (kbit/s) matters to mp3 and opus.
    """

    voice: str
    language: str | None = None
    format: Format = "pcm"
    sample_rate: int = 24_000
    bit_rate: int = 128
    rate: float = 1.0
    pitch: float = 1.0
    volume: int = 50
    instructions: str | None = None


class Say(msgspec.Struct, frozen=True, tag=True):
    """Input of a ``Speak`` job: one segment, about a sentence, spoken after those before it."""

    text: str


class Said(msgspec.Struct, frozen=True, tag=True):
    """Result of a ``Speak`` job: the oldest segment not yet reported has been voiced in full."""


# ---------------------------------------------------------------- interpretation: task and inputs
class Endpointing(msgspec.Struct, frozen=True):
    """How the detector's probabilities become turns (server VAD).

    ``threshold`` is the detector's probability (0..1) that counts as speech.
    """

    threshold: float = 0.5
    silence_ms: int = 1000
    prefix_ms: int = 300


PolicyName = Literal["auto", "agree", "units", "turn"]
PaceName = Literal["eager", "even", "careful"]


class InterpretationOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How an interpretation trades latency, flicker and completeness: an operator's defaults, which
    a client may override for its session.

    ``policy``: when target text is committed: ``agree`` (two translations in a row share it),
    ``units`` (clause by clause), ``turn`` (sentence by sentence), ``auto`` (by what the engines
    can do and cost). ``pace``: how long clause units are. ``step_ms``: media time between two
    decodes, 0 for adaptive. ``top_rate``: the highest speaking rate used to catch up, as a factor.
    ``skip_after_s``: when more speech than this is queued for playback, speech skips to the next
    sentence while text stays complete; 0 for never. ``turn_s`` and ``turn_most_s``: a turn
    without a long silence ends at a sentence break after the first, at any pause after the second.
    """

    policy: PolicyName = "auto"
    pace: PaceName = "even"
    step_ms: Annotated[int, msgspec.Meta(ge=0, le=2000)] = 0
    top_rate: Annotated[float, msgspec.Meta(ge=1, le=2)] = 1.3
    skip_after_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 6.0
    turn_s: Annotated[float, msgspec.Meta(ge=2, le=30)] = 15.0
    turn_most_s: Annotated[float, msgspec.Meta(ge=2, le=30)] = 25.0


Conduct = InterpretationOptions
"""The former name, for engines of other distributions."""


class Interpret(msgspec.Struct, frozen=True, tag=True):
    """Task: interpret a stream of speech. Pushed again while running, it changes the settings
    from the next turn on. ``endpointing=None`` is manual mode: the client ends turns.
    ``by_speaker``: a turn ends where the speaker changes, too. Without a ``target`` ("") speech is
    only recognised: ``Translated`` and ``Voiced`` never come.
    """

    target: str
    source: str | None = None
    voice: str = ""
    speak: bool = True
    rate_in: int = HEARING_RATE_HZ
    opus_in: bool = False
    rate_out: int = 24_000
    endpointing: Endpointing | None = Endpointing()
    hints: Hints = Hints()
    by_speaker: bool = False
    conduct: InterpretationOptions = InterpretationOptions()


class Audio(msgspec.Struct, frozen=True, tag=True):
    """Input: speech, PCM at the task's ``rate_in``, always whole samples; or, where the task's
    ``opus_in`` says so, one Opus packet (it is decoded to ``rate_in``) that lasts ``opus_ms``.
    """

    pcm: bytes
    opus_ms: float = 0.0

    def size(self, rate_hz: int) -> int:
        """How many bytes of PCM at this rate it is or becomes."""
        return int(self.opus_ms * rate_hz / 1000) * 2 if self.opus_ms else len(self.pcm)


class Image(msgspec.Struct, frozen=True, tag=True):
    """Input: a picture the speaker shows (JPEG or PNG bytes), context only."""

    data: bytes
    at_ms: int


class EndTurn(msgspec.Struct, frozen=True, tag=True):
    """Input: close the open turn here (manual commit). Without an open turn: no effect."""


class Clear(msgspec.Struct, frozen=True, tag=True):
    """Input: drop audio not yet recognised; an open turn ends with what was committed."""


# ---------------------------------------------------------------- interpretation: facts
class SpeechStarted(msgspec.Struct, frozen=True, tag=True):
    """Fact: a turn opened. ``turn`` counts from 1.

    ``at_ms`` is where its speech begins. A detector needs some speech to find it: ``found_ms`` is
    how much audio had been examined by then; the turn has the settings that were in force there.
    None: the same as ``at_ms``. ``speaker`` counts the voices of the session from 0.
    """

    turn: int
    at_ms: int
    found_ms: int | None = None
    speaker: int = 0


class SpeechStopped(msgspec.Struct, frozen=True, tag=True):
    """Fact: the speech of the turn ended (not yet its text). ``refused``: it will fail because more
    people speak than the engines carry.
    """

    turn: int
    at_ms: int
    refused: bool = False


class Heard(msgspec.Struct, frozen=True, tag=True):
    """Fact: source text of a turn. ``text`` is committed and only ever grows; ``stash`` is the
    tentative tail, to be shown right behind it (it brings its own leading space).
    """

    turn: int
    text: str
    stash: str = ""
    final: bool = False
    language: str | None = None


class Translated(msgspec.Struct, frozen=True, tag=True):
    """Fact: target text of a turn; ``text`` and ``stash`` as in ``Heard``."""

    turn: int
    text: str
    stash: str = ""
    final: bool = False


class Voiced(msgspec.Struct, frozen=True, tag=True):
    """Fact: target speech of a turn (0 for a ``Speak`` job), PCM at the task's output rate.

    In another format than pcm, ``pcm`` holds the next bytes of the encoded stream and
    ``samples`` says how many samples (at the task's rate) went into the encoder for them.
    """

    pcm: bytes
    turn: int = 0
    samples: int | None = None


class TurnDone(msgspec.Struct, frozen=True, tag=True):
    """Fact: nothing more comes for this turn. ``audio_ms`` is the length of its speech."""

    turn: int
    audio_ms: int
    status: Status = "completed"


Input = Audio | Image | Interpret | EndTurn | Clear | Say
Fact = SpeechStarted | SpeechStopped | Heard | Translated | Voiced | TurnDone
Result = Fact | Said
Task = Speak | Interpret


# ---------------------------------------------------------------- what the engines can do
class Coverage(msgspec.Struct, frozen=True):
    """What the loaded engines cover, in BCP-47 primary tags (``en``, ``zh``, ``yue``).

    ``"*"`` stands for every language (scripted engines). ``pairs`` holds (source, target).
    """

    hears: frozenset[str] = frozenset()
    pairs: frozenset[tuple[str, str]] = frozenset()
    speaks: frozenset[str] = frozenset()

    def can_hear(self, language: str) -> bool:
        """Whether some recogniser knows the language."""
        return "*" in self.hears or language in self.hears

    def can_translate(self, source: str, target: str) -> bool:
        """Whether text of ``source`` can come out as ``target``; the same language always can."""
        return source == target or ("*", "*") in self.pairs or (source, target) in self.pairs

    def can_speak(self, language: str) -> bool:
        """Whether some voice speaks the language."""
        return "*" in self.speaks or language in self.speaks

    def targets(self, source: str | None) -> list[str]:
        """The target languages reachable from ``source``, or from any language that is heard."""
        sources = self.hears if source is None else {source}
        reachable = {t for s, t in self.pairs if s in sources or s == "*" or "*" in sources}
        return sorted((reachable | set(sources)) - {"*"})
