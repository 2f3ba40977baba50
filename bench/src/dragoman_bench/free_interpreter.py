"""An end-to-end interpreter whose answers cost nothing, to measure the gateway alone.

Scope: the engine ``bench-interpreter`` of ``dragoman bench append``. It does not look at the
audio; it counts it and answers every 100 ms with the next facts of a fixed turn of 4 s: 2.4 s of
speech with a word every 400 ms and 100 ms of target speech for each 100 ms heard, then a pause.
What is left to measure is the server, the session and the driver.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from dragoman.engines.base import Info, Interpretation
from dragoman.speech import (
    Audio,
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

STEP_MS = 100
TURN_STEPS, SPEECH_STEPS, STOP_STEP = 40, 24, 34
"""A turn with its pause, its speech, and when its end is certain; in steps of 100 ms."""
_WORD_STEPS = 4
_STAGGER_STEPS = 7
_SOURCE = ["one", "two", "three", "four", "five", "six"]
_TARGET = ["uno", "dos", "tres", "cuatro", "cinco", "seis"]


class FreeInterpreter:
    """``Interpreter`` that answers with prepared facts."""

    def __init__(self) -> None:
        self._sessions = itertools.count()

    @property
    def info(self) -> Info:
        """Self-description."""
        return Info(
            name="bench-interpreter",
            role="interpreter",
            licence="Apache-2.0",
            quality="scripted",
            runs_in="loop",
            languages=("*",),
            pairs=(("*", "*"),),
            voices=("none",),
            rate_hz=24_000,
            about="Prepared answers, to measure the server without engines (dragoman bench append)",
        )

    def load(self) -> None:
        """Nothing to load."""

    def close(self) -> None:
        """Nothing to free."""

    def start(self, task: Interpret) -> Interpretation:
        """A new session; each starts later in its first pause, so that turns do not coincide."""
        return _Session(task, next(self._sessions) * _STAGGER_STEPS % TURN_STEPS)


class _Session:
    """Audio that was not yet answered, and the facts to come."""

    def __init__(self, task: Interpret, pause_steps: int) -> None:
        self._step_bytes = task.rate_in * 2 * STEP_MS // 1000
        self._voice = bytes(task.rate_out * 2 * STEP_MS // 1000) if task.speak else b""
        self._unanswered = 0
        self._in_turn = False
        self._steps = _facts(self._voice, pause_steps)

    def feed(self, item: Input) -> list[Result]:
        """The facts of as many steps as the audio completes."""
        if not isinstance(item, Audio):
            return []
        count, self._unanswered = divmod(self._unanswered + len(item.pcm), self._step_bytes)
        return self._answer(count)

    def finish(self) -> list[Result]:
        """The rest of the open turn."""
        facts: list[Result] = []
        while self._in_turn:
            facts += self._answer(1)
        return facts

    def _answer(self, steps: int) -> list[Result]:
        facts = [fact for _ in range(steps) for fact in next(self._steps)]
        if facts:
            self._in_turn = not isinstance(facts[-1], TurnDone)
        return facts


def _facts(voice: bytes, pause_steps: int) -> Iterator[list[Result]]:
    """The facts of each step, for ever."""
    for _ in range(pause_steps):
        yield []
    for turn in itertools.count(1):
        start_ms = (pause_steps + (turn - 1) * TURN_STEPS) * STEP_MS
        for step in range(TURN_STEPS):
            yield list(_step(turn, step, start_ms, voice))


def _step(turn: int, step: int, start_ms: int, voice: bytes) -> Iterator[Result]:
    words = step // _WORD_STEPS + 1
    if step == 0:
        yield SpeechStarted(turn, start_ms)
    if step < SPEECH_STEPS:
        if step % _WORD_STEPS == 0:
            yield Heard(turn, " ".join(_SOURCE[:words]), language="en")
            yield Translated(turn, " ".join(_TARGET[:words]))
        if voice:
            yield Voiced(voice, turn)
    if step == STOP_STEP:
        yield SpeechStopped(turn, start_ms + SPEECH_STEPS * STEP_MS)
        yield Heard(turn, " ".join(_SOURCE), final=True, language="en")
        yield Translated(turn, " ".join(_TARGET), final=True)
        yield TurnDone(turn, SPEECH_STEPS * STEP_MS)
