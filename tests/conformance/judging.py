"""Judge many flows, and show all faults at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tests.conformance.run_sdk import Flow


def judge(flows: Iterable[Flow], check: Callable[[Flow], None]) -> None:
    """Run ``check`` on every flow; one assertion with a line for each that fails."""
    wrong = []
    for flow in flows:
        try:
            check(flow)
        except (AssertionError, KeyError, ValueError) as error:
            wrong.append(f"{flow.name}: {type(error).__name__}: {error}\n    ended {tail(flow)}")
    assert not wrong, "\n" + "\n".join(wrong)


def tail(flow: Flow) -> str:
    """The last events, for the message."""
    last = [f"{way}{event.get('type')}" for way, event in flow.log[-4:]]
    return f"{' '.join(last)} {flow.outcome}"
