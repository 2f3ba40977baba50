"""What a recogniser wrote over time, as a file: one JSON object a line.

Scope: the format, both ways. Such a log holds what was said, so it is written only when an operator
asks for it (``runtime.cascade.hypothesis_recorder``); ``dragoman_bench.replay`` runs the target
policies over it without audio or recogniser. ``t`` is in seconds since the session began, ``_ms``
is media time of the session's audio. Lines are in the order of their times:

    {"type":"begin","t":1.2,"turn":1,"begin_ms":300}
    {"type":"words","t":2.5,"turn":1,"words":[["And",310,420,false],["so",null,600,false]],
     "tail":[["my",null,700,false]],"source":"en","target":"es"}
    {"type":"end","t":9.0,"turn":1,"end_ms":8100}

A word is its text, its start and end (null where the engine gives none), and whether it is written
without a space before it. ``words`` is everything committed so far, also in the last line of a
turn, which has ``"final":true``; ``"paused":true`` marks a soft pause. Unknown members are ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from dragoman.speech import Word

Entry = tuple[str, int | None, int | None, bool]


class LoggedStart(msgspec.Struct, tag="begin", frozen=True):
    """A turn began."""

    t: float
    turn: int
    begin_ms: int


class LoggedWords(msgspec.Struct, tag="words", frozen=True, omit_defaults=True):
    """The words of a turn as they were known at a moment."""

    t: float
    turn: int
    words: tuple[Entry, ...] = ()
    tail: tuple[Entry, ...] = ()
    source: str | None = None
    target: str | None = None
    paused: bool = False
    final: bool = False


class LoggedEnd(msgspec.Struct, tag="end", frozen=True):
    """The speech of a turn ended."""

    t: float
    turn: int
    end_ms: int


Line = LoggedStart | LoggedWords | LoggedEnd

_decoder = msgspec.json.Decoder(Line)


def encode(line: Line) -> bytes:
    """One line of the file, with its line end."""
    return msgspec.json.encode(line) + b"\n"


def decode(data: bytes) -> Iterator[Line]:
    """The lines of a log. A last line that a crash cut short is left out. Raises ``ValueError``
    with the number of the first other line that is none.
    """
    rows = data.split(b"\n")
    for number, row in enumerate(rows, 1):
        if not row.strip():
            continue
        try:
            yield _decoder.decode(row)
        except msgspec.MsgspecError as error:
            if number == len(rows):
                return
            raise ValueError(f"line {number} is not of a hypothesis log: {error}") from None


def entries(words: Iterable[Word]) -> tuple[Entry, ...]:
    """Words in the form of a log."""
    return tuple((word.text, word.start_ms, word.end_ms, word.joined) for word in words)


def words_of(found: Sequence[Entry]) -> list[Word]:
    """Words in the form that policies take."""
    return [Word(text, None, start, end, joined) for text, start, end, joined in found]
