"""Plays a session that is written as text: without socket, clock or engine.

One line for each thing that happens; five sigils:

    > input_text_buffer.append text="Hello. " event_id="e1"   the client sends an event
    < response.created response.id=$r                          the server sends an event
    ! start $j Speak voice="Cherry"                            any other command of the session
    @ Voiced $j pcm=100ms                                      a fact or an end from the engines
    + 60s                                                      time passes (deadlines in order)

The first line is the header: ``model=NAME [strict] [FIELD=NUMBER ...] [speaks=en,zh]``, where
FIELD is a field of ``Limits`` or ``rate`` / ``rate_in`` (Hz of the PCM for ``pcm=`` / ``audio=``).
A field of the API's options is given likewise (``hold_tail=true``).
An API with a path of its own is found by ``path=/PATH``, with or without a model.
``speaks``, ``hears`` (``en,zh``) and ``pairs`` (``en-es,en-fr``) narrow the coverage from "*".

Everything the session does must be matched, in order, before the next ``>``, ``@`` or ``+``;
only ``Note`` and ``Used`` may go unmentioned. On ``<`` and ``!`` lines just the fields that are
written are compared. Values are JSON, a bare word, ``$name`` (bound at its first use, equal after
that), ``absent``, or ``100ms`` of sound. Paths are dotted, list indices are numbers;
``bytes=N`` is the size of the audio of an event or a push. ``> raw "text"`` and
``> binary "text"`` send a frame that is no event. ``#`` starts a comment line.
"""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import msgspec

from dragoman import speech
from dragoman.protocol.core.api import Api
from dragoman.protocol.core.commands import (
    Abort,
    Close,
    Command,
    End,
    Ended,
    Failed,
    Note,
    Output,
    Push,
    Report,
    Send,
    Start,
    Used,
)
from dragoman.protocol.core.events import Ids, ServerEvent
from dragoman.protocol.core.session import Limits
from dragoman.protocol.registry import REALTIME_PATH, lookup, make_session
from dragoman.testing.validators.rules import Log

_MISSING = "absent"
_SOUND = re.compile(r"(\d+)ms")


class TranscriptMismatch(AssertionError):
    """The session did something else than the transcript says."""


class TranscriptPlayer:
    """One transcript in play, line by line.

    ``frames`` has every text frame that the server sent, ``log`` what client and server sent
    each other, as the validators read it (frames that are no event are left out).
    """

    def __init__(self, header: str) -> None:
        words, fields = parse(header)
        path = fields.pop("path", REALTIME_PATH)
        model = fields.pop("model", "")
        self.model: str = model
        self.rates = {"pcm": fields.pop("rate", 24_000), "audio": fields.pop("rate_in", 16_000)}
        served = lookup(model, path=path)
        self.codec = served.api.codec
        coverage = _coverage(fields)
        options = _options(served.api, fields)
        limits = Limits(**fields)
        ids = Ids("transcript00000")
        strict = "strict" in words
        self.session = make_session(
            served,
            ids,
            limits,
            coverage,
            strict=strict,
            options=options,
        )
        self.now = 1000.0
        self.names: dict[str, Any] = {}
        self.frames: list[str] = []
        self.log: Log = []
        self.pending: list[Command] = list(self.session.open(self.now))

    def play(self, line: str) -> None:
        """Play one line. Raises ``TranscriptMismatch`` when the session does something else."""
        sigil, rest = line[0], line[1:].strip()
        if sigil in ">@+":
            self.nothing_pending()
        match sigil:
            case ">":
                frame = self.frame(rest)
                if not rest.startswith(("raw", "binary")):
                    self.log.append((">", json.loads(frame)))
                self.pending += self.session.receive(self.codec.decode(frame), self.now)
            case "@":
                self.pending += self.session.report(self.fact(rest), self.now)
            case "+":
                self.wait(float(rest.removesuffix("s")))
            case "<":
                self.expect_event(rest)
            case "!":
                self.expect_command(rest)
            case _:
                raise TranscriptMismatch(f"no such sigil: {sigil!r}")

    def nothing_pending(self) -> None:
        """The session did nothing that the transcript does not mention."""
        left = [command for command in self.pending if not isinstance(command, Note | Used)]
        need(not left, f"not in the transcript: {[_readable(c) for c in left]}")
        self.pending.clear()

    def frame(self, rest: str) -> str | bytes:
        """The frame a ``>`` line stands for."""
        words, fields = parse(rest)
        if words[0] == "raw":
            return str(json.loads(rest.removeprefix("raw")))
        if words[0] == "binary":
            return str(json.loads(rest.removeprefix("binary"))).encode()
        event: dict[str, Any] = {"type": words[0]}
        for path, value in fields.items():
            *parents, last = path.split(".")
            inner = event
            for parent in parents:
                inner = inner.setdefault(parent, {})
            inner[last] = self.value(last, value)
        return json.dumps(event)

    def value(self, key: str, value: Any) -> Any:
        """A value on its way in: names looked up, ``100ms`` made into sound."""
        if isinstance(value, str) and value.startswith("$"):
            return self.names[value]
        sound = _SOUND.fullmatch(value) if isinstance(value, str) else None
        if key in self.rates and sound:
            pcm = b"\x01\x02" * (self.rates[key] * int(sound[1]) // 1000)
            return pcm if key == "pcm" else base64.b64encode(pcm).decode()
        return value

    def fact(self, rest: str) -> Report:
        """The report an ``@`` line stands for."""
        words, fields = parse(rest)
        job = self.names[words[1]]
        if words[0] == "ended":
            return Ended(job)
        if words[0] == "failed":
            return Failed(job, fields.get("reason", "it broke"), fields.get("refusal", ""))
        given = {key: self.value(key, value) for key, value in fields.items()}
        return Output(job, msgspec.convert(given, getattr(speech, words[0])))

    def wait(self, seconds: float) -> None:
        """Time passes; the session is called at each of its deadlines, as the driver does."""
        until = self.now + seconds
        while (deadline := self.session.deadline()) is not None and self.now < deadline <= until:
            self.now = deadline
            self.pending += self.session.tick(self.now)
        self.now = until

    def next_command(self, *, note: bool) -> Command:
        """The oldest command not yet matched; notes are passed over unless one is wanted."""
        while self.pending:
            command = self.pending.pop(0)
            if not isinstance(command, Note | Used) or (note and isinstance(command, Note)):
                return command
        raise TranscriptMismatch("the session did nothing more")

    def expect_event(self, rest: str) -> None:
        """A ``<`` line: the next command sends this event."""
        command = self.next_command(note=False)
        if not isinstance(command, Send):
            raise TranscriptMismatch(f"no event: {_readable(command)}")
        frame = self.codec.encode(command.event, command.event_id)
        self.frames.append(frame)
        event = json.loads(frame)
        self.log.append(("<", event))
        words, fields = parse(rest)
        need(event["type"] == words[0], f"it is {frame[:400]}")
        self.compare(event, fields, _audio(command.event, event))

    def expect_command(self, rest: str) -> None:
        """A ``!`` line: the next command is this one."""
        words, fields = parse(rest)
        command = self.next_command(note=words[0] == "note")
        kind = type(command).__name__.lower()
        need(kind == words[0], f"it is {_readable(command)}")
        match command:
            case Start(job=job, task=item) | Push(job=job, item=item):
                self.same(words[1], job)
                need(type(item).__name__ == words[2], f"it is {_readable(command)}")
                content = msgspec.to_builtins(item)
                self.compare(content, fields, content.get("pcm", content.get("data", "")))
            case End(job=job) | Abort(job=job):
                self.same(words[1], job)
            case Close(code=code, reason=reason):
                need(str(code) == words[1], f"it is {_readable(command)}")
                self.compare({"reason": reason}, fields, "")
            case Note(name=name):
                need(name == words[1], f"it is {_readable(command)}")

    def compare(self, content: dict[str, Any], fields: dict[str, Any], audio: str) -> None:
        """The written fields are as written."""
        for path, wanted in fields.items():
            if path == "bytes":
                self.same(wanted, len(base64.b64decode(audio, validate=True)))
                continue
            found: Any = content
            for step in path.split("."):
                if isinstance(found, list):
                    found = found[int(step)] if int(step) < len(found) else _MISSING
                else:
                    found = found.get(step, _MISSING) if isinstance(found, dict) else _MISSING
            self.same(wanted, found, path)

    def same(self, wanted: Any, found: Any, what: str = "") -> None:
        """Equal, or the first use of a name."""
        if isinstance(wanted, str) and wanted.startswith("$"):
            wanted = self.names.setdefault(wanted, found)
        need(found == wanted, f"{what}: {found!r} is not {wanted!r}")


def play(path: Path) -> TranscriptPlayer:
    """Play a whole file; the player at its end.

    Raises ``TranscriptMismatch``, whose message has the line.
    """
    player: TranscriptPlayer | None = None
    for number, raw in enumerate(path.read_text("utf-8").splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        try:
            if player is None:
                player = TranscriptPlayer(line)
            else:
                player.play(line)
        except TranscriptMismatch as error:
            raise TranscriptMismatch(f"{path.name}:{number}: {line}\n    {error}") from None
    if player is None:
        raise TranscriptMismatch(f"{path.name} is empty")
    player.nothing_pending()
    return player


def need(is_so: bool, otherwise: str) -> None:
    """Raise ``TranscriptMismatch`` unless it is so."""
    if not is_so:
        raise TranscriptMismatch(otherwise)


def parse(text: str) -> tuple[list[str], dict[str, Any]]:
    """Bare words, and ``key=value`` fields with JSON or bare values."""
    words: list[str] = []
    fields: dict[str, Any] = {}
    at, decoder = 0, json.JSONDecoder()
    while token := re.compile(r"\s*(?:([\w.$]+)=|(\S+))").match(text, at):
        at = token.end()
        if token[1] is None:
            words.append(token[2])
            continue
        try:
            fields[token[1]], end = decoder.raw_decode(text, at)
            if end < len(text) and not text[end].isspace():
                raise ValueError  # "24ms" begins like a number
        except ValueError:
            bare = text[at:].split(maxsplit=1)[0] if text[at : at + 1].strip() else ""
            fields[token[1]], end = bare, at + len(bare)
        at = end
    return words, fields


def _options(api: Api[Any], fields: dict[str, Any]) -> tuple[msgspec.Struct, ...]:
    """The API's options, as far as the header has them."""
    kind = api.options
    if kind is None:
        return ()
    return (kind(**{name: fields.pop(name) for name in kind.__struct_fields__ if name in fields}),)


def _coverage(fields: dict[str, Any]) -> speech.Coverage:
    hears, speaks, pairs = (fields.pop(key, "*") for key in ("hears", "speaks", "pairs"))
    return speech.Coverage(
        hears=frozenset(hears.split(",")),
        speaks=frozenset(speaks.split(",")),
        pairs=frozenset(
            {("*", "*")} if pairs == "*" else {tuple(pair.split("-")) for pair in pairs.split(",")}
        ),
    )


def _audio(sent: ServerEvent, event: dict[str, Any]) -> str:
    """The base64 of an event's sound, whatever its API calls the field."""
    fields = (name for name in sent.__struct_fields__ if isinstance(getattr(sent, name), bytes))
    return next((event[name] for name in fields), "")


def _readable(command: Command) -> str:
    return repr(command)[:400]
