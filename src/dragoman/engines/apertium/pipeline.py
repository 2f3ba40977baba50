"""One Apertium direction as a chain of programs that stay alive between texts.

Scope: processes and bytes. Apertium's programs are GPL and therefore only ever run as
programs of their own. Each is started with ``-z`` ("null flush": answer when a NUL byte comes),
so a text costs a few milliseconds instead of half a second of start-up. The ``apertium`` wrapper
script cannot be used for that: it does not pass the flag on to every stage.

* All stages share one process group of their own, so that one signal ends them all. What tells the
  server to stop does not reach them (``engines.shared.stop_signals``).
* When our process dies, the first stage reads the end of its input and ends, and so does the next:
  no stage outlives the server.
* Writing and reading happen in one loop with a deadline, so neither a full pipe nor a stuck
  stage can block a thread for ever. After any failure the chain is unusable; make a new one.

Stream format: https://wiki.apertium.org/wiki/Apertium_stream_format
"""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import shlex
import signal
import subprocess
import time
from pathlib import Path

from dragoman.engines.shared.stop_signals import stop_signals_blocked

NULL_FLUSH = frozenset(
    {
        "apertium-anaphora", "apertium-interchunk", "apertium-postchunk", "apertium-posttransfer",
        "apertium-pretransfer", "apertium-tagger", "apertium-transfer", "cg-proc", "lrx-proc",
        "lsx-proc", "lt-proc", "rtx-proc",
    }
)  # fmt: skip
_PIECE = 65_536
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": os.environ.get("PATH", "/usr/bin:/bin")}
_SPECIAL = re.compile(r"([\[\]{}^$/\\@<>])")
_ESCAPED = re.compile(r"\\(.)")
_SENTENCE_END = ".[][\n]"
"""A full stop that Apertium's own tools add and take off again: it flushes rules that wait for
the end of a sentence. The empty superblank marks it as not part of the text."""
_FLUSHED = "[][\n]"


class PipelineFailed(Exception):
    """The chain died, could not be started or did not answer in time."""


class Pipeline:
    """A running chain for one mode file. Not thread-safe: one text at a time."""

    def __init__(self, mode: Path) -> None:
        """Start the programs. Raises ``PipelineFailed``."""
        self._processes: list[subprocess.Popen[bytes]] = []
        try:
            self._start(stage_commands(mode.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            self.kill()
            raise PipelineFailed(f"cannot start {mode.stem}: {error}") from error
        first, last = self._processes[0].stdin, self._processes[-1].stdout
        assert first is not None
        assert last is not None
        self._in, self._out = first, last
        os.set_blocking(first.fileno(), False)
        os.set_blocking(last.fileno(), False)

    def _start(self, commands: list[list[str]]) -> None:
        group = 0  # the first stage leads the group of all
        for command in commands:
            before = self._processes[-1].stdout if self._processes else None
            with stop_signals_blocked():
                process = subprocess.Popen(
                    command,
                    stdin=before or subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    bufsize=0,
                    env=_ENVIRONMENT,
                    process_group=group,
                )
            if before is not None:
                before.close()
            group = group or process.pid
            self._processes.append(process)

    @property
    def pids(self) -> list[int]:
        """Process ids of the stages."""
        return [process.pid for process in self._processes]

    def translate(self, text: str, timeout_s: float) -> str:
        """One text through the chain, as Apertium writes it. Raises ``PipelineFailed``."""
        data = (escaped(text) + _SENTENCE_END).encode() + b"\0"
        answer = self._exchange(data, time.monotonic() + timeout_s)
        if not answer.rstrip().endswith(_FLUSHED.encode().rstrip()):
            # What a dying chain flushes looks like an answer, but our own mark is not in it.
            raise PipelineFailed("a stage ended")
        plain = answer.decode("utf-8", "replace").replace(_FLUSHED, "").rstrip()
        return _ESCAPED.sub(r"\1", plain)

    def _exchange(self, data: bytes, deadline_s: float) -> bytes:
        answer, rest = bytearray(), memoryview(data)
        with selectors.DefaultSelector() as ready:
            ready.register(self._out, selectors.EVENT_READ)
            ready.register(self._in, selectors.EVENT_WRITE)
            while not answer.endswith(b"\0"):
                left_s = deadline_s - time.monotonic()
                events = ready.select(left_s) if left_s > 0 else []
                if not events:
                    raise PipelineFailed("no answer in time")
                for key, _ in events:
                    if key.fileobj is self._out:
                        answer += _read(self._out.fileno())
                        continue
                    rest = rest[_write(self._in.fileno(), rest) :]
                    if not rest:
                        ready.unregister(self._in)
        return bytes(answer[:-1])

    def kill(self) -> None:
        """End every stage and collect it; harmless when they are gone already."""
        if self._processes:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._processes[0].pid, signal.SIGKILL)
        for process in self._processes:
            process.kill()  # one that is not in the group because its start went wrong
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
            process.wait()
        self._processes = []


def stage_commands(mode: str) -> list[list[str]]:
    """The commands of a mode file, made for null flush. Raises ``ValueError``.

    ``$1`` stands for the generator's mode (``-n``: no marks on unknown words), ``$2`` for an
    option of the tagger that is not needed.
    """
    text = " ".join(line for line in mode.splitlines() if line and not line.startswith("#"))
    commands = []
    for stage in text.split("|"):
        words = ["-n" if word == "$1" else word for word in shlex.split(stage) if word != "$2"]
        if not words or Path(words[0]).name not in NULL_FLUSH:
            raise ValueError(f"a stage has no null-flush mode: {stage.strip()[:60]!r}")
        commands.append([words[0], "-z", *words[1:]])
    return commands


def escaped(text: str) -> str:
    """Text with the characters escaped that mean something in Apertium's streams."""
    return _SPECIAL.sub(r"\\\1", text)


def _read(descriptor: int) -> bytes:
    try:
        piece = os.read(descriptor, _PIECE)
    except BlockingIOError:
        return b""
    if not piece:
        raise PipelineFailed("a stage ended")
    return piece


def _write(descriptor: int, data: memoryview) -> int:
    try:
        return os.write(descriptor, data[:_PIECE])
    except BlockingIOError:
        return 0
    except BrokenPipeError as error:
        raise PipelineFailed("a stage ended") from error
