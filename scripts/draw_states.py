"""Draw the tables of ARCHITECTURE.md and docs/events/turns.md from the code, by asking the code.

The life of a session is found by putting a session into each phase and letting each thing happen
to it; the legal orders are the tables that the sessions obey; one interpreted turn is what a
session sends when its facts come in. ``--check`` only compares (the tests do the same).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from dragoman.protocol.audio_input.events import AudioAppend
from dragoman.protocol.core.commands import Close, Command, Ended, Output, Report, Send
from dragoman.protocol.core.events import ClientEvent, Ids, nonce_from
from dragoman.protocol.core.legal_order import OrderTable
from dragoman.protocol.core.session import Limits, Phase, SessionContext
from dragoman.protocol.interpretation import event_order
from dragoman.protocol.realtime.events import SessionFinish
from dragoman.protocol.realtime.session import RealtimeSession
from dragoman.protocol.recognition import event_order as recognition_order
from dragoman.protocol.registry import lookup, make_session
from dragoman.protocol.synthesis.response import NEXT
from dragoman.speech import (
    Coverage,
    Fact,
    Heard,
    SpeechStarted,
    SpeechStopped,
    Translated,
    TurnDone,
    Voiced,
)

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- drawn by scripts/draw_states.py -->", "<!-- end of what is drawn -->"
LIMITS = Limits(idle_s=100.0, age_s=50.0, linger_s=10.0)
ANYTHING = Coverage(frozenset({"*"}), frozenset({("*", "*")}), frozenset({"*"}))


class Probe(RealtimeSession):
    """A session whose work is a switch."""

    is_busy = False

    def on_open(self) -> None:
        """No greeting: the table is about what comes after."""

    def on_event(self, event: ClientEvent) -> None:
        """New work, as text after ``session.finish`` is for a synthesis session."""
        self.reopen()

    def on_report(self, report: Report) -> None:
        """The work is done."""
        self.is_busy = False

    def on_finish(self) -> None:
        """Nothing to flush."""

    def is_idle(self) -> bool:
        """The switch."""
        return not self.is_busy


def in_phase(phase: Phase) -> Probe:
    """A session in this phase, with work that is not done yet (where that can be)."""
    probe = Probe(SessionContext(model="", ids=Ids(nonce_from(1)), limits=LIMITS))
    probe.open(0.0)
    probe.is_busy = phase is not Phase.FINISHED
    if phase in (Phase.FINISHING, Phase.FINISHED):
        probe.receive(SessionFinish(), 0.0)
    if phase is Phase.CLOSED:
        probe.close(1000)
    assert probe.phase is phase
    return probe


def finish_idle(probe: Probe) -> list[Command]:
    """``session.finish`` when nothing is left to do."""
    probe.is_busy = False
    return probe.receive(SessionFinish(), 1.0)


HAPPENINGS: dict[str, Callable[[Probe], list[Command]]] = {
    "`session.finish`, work left": lambda p: p.receive(SessionFinish(), 1.0),
    "`session.finish`, nothing left": finish_idle,
    "the last work is done": lambda p: p.report(Ended(1), 1.0),
    "new text (synthesis)": lambda p: p.receive(ClientEvent(), 1.0),
    "linger time is up": lambda p: p.tick(LIMITS.linger_s),
    "the session is too old": lambda p: p.tick(LIMITS.age_s),
    "nothing came or went for long": lambda p: p.tick(LIMITS.idle_s),
}


def outcome(probe: Probe, commands: list[Command], before: Phase) -> str:
    """Where it went and what the client saw."""
    seen = [name_of(c) for c in commands if isinstance(c, Send)]
    seen += [f"close {c.code}" for c in commands if isinstance(c, Close)]
    moved = "" if probe.phase is before else f"**{probe.phase.value}**"
    return ", ".join(part for part in (moved, *seen) if part) or "·"


def name_of(command: Send) -> str:
    """The wire name of what was sent."""
    return f"`{command.event.__struct_config__.tag}`"


def life() -> list[str]:
    """The table of phases and happenings."""
    lines = [
        "| what happens | " + " | ".join(phase.value for phase in Phase) + " |",
        "|---" * (len(Phase) + 1) + "|",
    ]
    for what, happen in HAPPENINGS.items():
        cells = []
        for phase in Phase:
            probe = in_phase(phase)
            cells.append(outcome(probe, happen(probe), phase))
        lines.append(f"| {what} | " + " | ".join(cells) + " |")
    return lines


def order(table: OrderTable) -> list[str]:
    """What may follow what; events with the same followers share a row."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for name, following in table.items():
        rows.setdefault(tuple(following), []).append(f"`{name}`" if name else "nothing")
    lines = ["| after | may come |", "|---|---|"]
    for following, names in rows.items():
        later = ", ".join(f"`{name}`" for name in following)
        lines.append(f"| {', '.join(names)} | {later or 'nothing'} |")
    return lines


def needs(names: tuple[str, ...]) -> str:
    """What must have come before."""
    return "comes after " + " or ".join(f"`{name}`" for name in names)


TURN: tuple[Fact, ...] = (
    SpeechStarted(1, 0),
    Heard(1, "My fellow", " Americans", language="en"),
    Heard(1, "My fellow Americans.", final=True, language="en"),
    SpeechStopped(1, 1500),
    Translated(1, "Mis compatriotas.", final=True),
    Voiced(bytes(28_800), 1),
    TurnDone(1, 600),
)


def turn(model: str) -> list[str]:
    """The events of one turn, each beside the fact that brought it."""
    session = make_session(lookup(model), Ids(nonce_from(1)), LIMITS, ANYTHING)
    session.open(0.0)
    session.receive(AudioAppend(audio="AAAA"), 0.0)
    lines = [f"| fact | what a `{model.split('-', maxsplit=1)[0]}` client gets |", "|---|---|"]
    for fact in TURN:
        commands = session.report(Output(1, fact), 1.0)
        names = [name_of(command) for command in commands if isinstance(command, Send)]
        lines.append(f"| `{type(fact).__name__}` | {' '.join(names) or '·'} |")
    return lines


def of_architecture() -> list[list[str]]:
    """The life of a session, and the legal orders."""
    return [
        ["**The life of a session** (bold: the new phase; a dot: nothing)", "", *life()],
        ["**The events of a synthesis response**", "", *order(NEXT)],
        [
            "**The source of an interpreted turn** (an event that may follow itself repeats, any "
            "other comes at most once)",
            "",
            *order(event_order.SOURCE),
        ],
        [
            "**Its response**; "
            + "; ".join(f"`{name}` {needs(names)}" for name, names in event_order.NEEDS.items()),
            "",
            *order(event_order.RESPONSE),
        ],
    ]


def of_turns() -> list[list[str]]:
    """A recognised turn, and which fact becomes which events."""
    return [
        [
            "**A recognised turn**; "
            + "; ".join(
                f"`{name}` {needs(names)}" for name, names in recognition_order.NEEDS.items()
            ),
            "",
            *order(recognition_order.NEXT),
        ],
        ["**One interpreted turn**, snapshots", "", *turn("qwen3.5-livetranslate-flash-realtime")],
        ["The same turn, deltas", "", *turn("qwen3.8-livetranslate-flash-realtime")],
    ]


PAGES = {ROOT / "ARCHITECTURE.md": of_architecture, ROOT / "docs/events/turns.md": of_turns}


def redrawn(page: str, parts: list[list[str]]) -> str:
    """The page with fresh tables."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    tables = "\n\n".join("\n".join(part) for part in parts)
    return f"{head}{BEGIN}\n\n{tables}\n\n{END}{tail}"


def main() -> None:
    """Write the pages, or with ``--check`` say whether they are up to date."""
    for path, parts in PAGES.items():
        page = path.read_text(encoding="utf-8")
        fresh = redrawn(page, parts())
        if "--check" in sys.argv[1:] and fresh != page:
            sys.exit(f"{path.name} is stale: run scripts/draw_states.py")
        path.write_text(fresh, encoding="utf-8")


if __name__ == "__main__":
    main()
