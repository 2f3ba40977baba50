"""A scripted end-to-end interpreter: audio in, facts out, without the cascade.

Scope: it takes the place of a speech-to-speech model in tests. It works on frames of 20 ms, so
the chunking of the audio makes no difference. Its words are per *turn*: the first turn of every
session speaks the script's first utterance, the second the second, and so on; without a script (or
after its last utterance) every 400 ms of a turn give a word from the fixed list.

Turns follow loudness: one opens with the first loud frame and, unless the client ends turns
itself, closes after the task's ``silence_ms``. A scripted utterance is complete when its turn
ends, even when the audio was too short for all its words.
"""

from __future__ import annotations

import msgspec
import numpy as np

from dragoman.engines.base import Info, Interpretation, Samples
from dragoman.engines.scripted.engines import LICENCE, Scripted
from dragoman.engines.scripted.rules import CELL_MS, is_loud, rule_word, tones, translated
from dragoman.engines.scripted.script_file import Scene, Script, ScriptedFailure
from dragoman.speech import (
    Audio,
    Clear,
    EndTurn,
    Heard,
    Input,
    Interpret,
    Result,
    SpeechStarted,
    SpeechStopped,
    Translated,
    TurnDone,
    Voiced,
)

FRAME_MS = 20
SCALE = np.float32(1 / 32_768)


class ScriptedInterpreter(Scripted):
    """``Interpreter`` that says what the script says."""

    info = Info(
        name="scripted-interpreter",
        role="interpreter",
        licence=LICENCE,
        quality="scripted",
        languages=("*",),
        pairs=(("*", "*"),),
        voices=("tone",),
        rate_hz=24_000,
        about="A script in the place of an end-to-end speech translator",
    )

    def start(self, task: Interpret) -> Interpretation:
        """A new session. Raises ``ScriptedFailure`` during an outage."""
        self._suffer()
        return _Session(self._script, task)


class _Turn(msgspec.Struct):
    """The open turn: the settings it began with, its words so far and how long it lasts."""

    number: int
    task: Interpret
    started_ms: int
    scene: Scene | None
    words: list[str] = []
    language: str | None = None
    length_ms: int = 0
    quiet_ms: int = 0


class _Session:
    """One session: audio not yet a whole frame, the media time, the open turn."""

    def __init__(self, script: Script, task: Interpret) -> None:
        self._script, self._task = script, task
        self._rest = b""
        self._now_ms = 0
        self._turns = 0
        self._turn: _Turn | None = None

    def feed(self, item: Input) -> list[Result]:
        """The facts that follow from one input."""
        match item:
            case Audio(pcm=pcm):
                return self._feed_audio(pcm)
            case Interpret():
                if item.rate_in != self._task.rate_in:
                    self._rest = b""
                self._task = item
            case EndTurn():
                return self._end()
            case Clear():
                self._rest = b""
                return self._end(complete=False)
            case _:
                pass  # a script does not look at pictures
        return []

    def finish(self) -> list[Result]:
        """The last facts."""
        return self._end()

    def _feed_audio(self, pcm: bytes) -> list[Result]:
        size = self._task.rate_in * FRAME_MS // 1000 * 2
        data, facts = self._rest + pcm, list[Result]()
        whole = len(data) - len(data) % size
        for at in range(0, whole, size):
            samples = np.frombuffer(data, "<i2", size // 2, at).astype(np.float32) * SCALE
            facts += self._frame(samples)
        self._rest = data[whole:]
        return facts

    def _frame(self, samples: Samples) -> list[Result]:
        loud, facts = is_loud(samples), list[Result]()
        if self._turn is None and loud:
            facts.append(self._open())
        self._now_ms += FRAME_MS
        turn = self._turn
        if turn is None:
            return facts
        turn.length_ms += FRAME_MS
        turn.quiet_ms = 0 if loud else turn.quiet_ms + FRAME_MS
        word = None if not loud and turn.scene is None else self._next_word(turn)
        if word is not None:
            facts += self._say(turn, word)
        ends = self._task.endpointing
        if ends is not None and turn.quiet_ms >= ends.silence_ms:
            facts += self._end()
        return facts

    def _open(self) -> Result:
        self._turns += 1
        scenes = self._script.scenes
        scene = scenes[self._turns - 1] if self._turns <= len(scenes) else None
        language = (scene.language if scene else None) or self._task.source or "en"
        self._turn = _Turn(self._turns, self._task, self._now_ms, scene, [], language)
        return SpeechStarted(self._turns, self._now_ms)

    def _next_word(self, turn: _Turn) -> str | None:
        """The word that is due by now; at most one in a frame."""
        done = len(turn.words)
        if turn.scene is None:
            due_ms = (done + 1) * CELL_MS
            return rule_word(done) if turn.length_ms >= due_ms else None
        words = turn.scene.words
        if done == len(words) or turn.length_ms < words[done].end_ms - words[0].start_ms:
            return None
        return words[done].text

    def _say(self, turn: _Turn, word: str) -> list[Result]:
        if turn.scene is not None and turn.scene.fail_at_word == len(turn.words) + 1:
            raise ScriptedFailure(f"the script fails at word {turn.scene.fail_at_word}, {word!r}")
        turn.words.append(word)
        facts: list[Result] = [
            Heard(turn.number, " ".join(turn.words), language=turn.language),
            Translated(turn.number, self._translation(turn)),
        ]
        if turn.task.speak:
            spoken = self._translate(turn, word)
            pieces = tones(
                spoken,
                voice=turn.task.voice,
                rate_hz=turn.task.rate_out,
                lengths=self._script.speech,
            )
            facts += [Voiced(pcm, turn.number) for pcm in pieces]
        return facts

    def _end(self, *, complete: bool = True) -> list[Result]:
        turn = self._turn
        if turn is None:
            return []
        facts: list[Result] = []
        if complete and turn.scene is not None:
            for word in turn.scene.words[len(turn.words) :]:
                facts += self._say(turn, word.text)
        self._turn = None
        speech_ms = turn.length_ms - turn.quiet_ms
        return [
            SpeechStopped(turn.number, turn.started_ms + speech_ms),
            *facts,
            Heard(turn.number, " ".join(turn.words), final=True, language=turn.language),
            Translated(turn.number, self._translation(turn), final=True),
            TurnDone(turn.number, speech_ms),
        ]

    def _translation(self, turn: _Turn) -> str:
        """Word by word, so that it only ever grows, also with a dictionary of phrases."""
        return " ".join(self._translate(turn, word) for word in turn.words)

    def _translate(self, turn: _Turn, word: str) -> str:
        if turn.language == turn.task.target:
            return word
        dictionary = self._script.translation.words.get(turn.task.target, {})
        return translated(word, turn.task.target, dictionary)
