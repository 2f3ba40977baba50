"""What a recogniser said over time, as a file: one JSON object a line.

Law of this file: the format, both ways, and nothing else. Such a log holds what was said, so it is
written only when an operator asks for it (``runtime.cascade.hypothesis_recorder``);
``dragoman_bench.replay`` runs the target policies over it without audio or recogniser. Times ``t``
are seconds since the session began to listen, ``_ms`` is media time of the session's audio. Lines
in the order of their times:

    {"type":"begin","t":1.2,"turn":1,"begin_ms":300}
    {"type":"words","t":2.5,"turn":1,"words":[["And",310,420,false],["so",null,600,false]],
     "tail":[["my",null,700,false]],"source":"en","target":"es"}
    {"type":"end","t":9.0,"turn":1,"end_ms":8100}

A word is its text, its start and end (null where the engine tells none), and whether no space
stands before it. ``words`` is everything committed so far, also in the last line of a turn, which
has ``"final":true``; ``"paused":true`` marks a soft pause. Unknown members are ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from dragoman.speech import Word

Entry = tuple[str, int | None, int | None, bool]


class LoggedStart(msgspec.Struct, tag="begin", frozen=True):
    """A turn was found."""

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
    """One line, with its line end."""
    return msgspec.json.encode(line) + b"\n"


def decode(data: bytes) -> Iterator[Line]:
    """The lines of a log. Raises ``ValueError`` naming the first line that is not one; a last line
    that was cut short by a crash is left out.
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
    """Words as a log has them."""
    return tuple((word.text, word.start_ms, word.end_ms, word.joined) for word in words)


def words_of(found: Sequence[Entry]) -> list[Word]:
    """Words as policies take them."""
    return [Word(text, None, start, end, joined) for text, start, end, joined in found]
