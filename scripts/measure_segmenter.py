"""Print how well texts are cut and read, as the Markdown tables of docs/segmentation.md.

``--failures SET`` lists what is cut or read wrong in one set instead. Whoever works on the rules
looks at ``development`` only.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.policy.segmentation import measure

SETS = {"development": "development", "held_out": "held-out"}
LENGTHS = (1_000, 10_000, 100_000, 1_000_000)
ROUNDS = 3
"""The best of these counts: other processes can only add time."""
FEW = 4
"""Languages with fewer cases than this share a line."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """One Markdown table, all columns but the first to the right."""
    print(f"| {' | '.join(head)} |")
    print(f"|---|{'--:|' * (len(head) - 1)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    print()


def share(part: int, whole: int) -> str:
    """``180 / 200 (90 %)``."""
    return f"{part} / {whole} ({100 * part / whole:.0f} %)"


def overall(name: str) -> None:
    """Every segmenter over one set."""
    cases = measure.load(name).sentences
    rows = []
    for who, cut in measure.CUTTERS.items():
        s = measure.score(cases, cut)
        on_a_line = measure.score((c for c in cases if "\n" not in c.text), cut)
        exact = (share(s.exact, s.cases), share(on_a_line.exact, on_a_line.cases))
        rows.append((who, *exact, f"{s.precision:.3f}", f"{s.recall:.3f}", f"{s.f1:.3f}"))
    languages = len({c.language for c in cases})
    print(f"Sentences, {SETS[name]} set: {len(cases)} cases, {languages} languages\n")
    head = ("", "cases exactly right", "without line breaks", "precision", "recall", "F1")
    table(head, rows)


def by_language(name: str) -> None:
    """The three segmenters for each language of one set."""
    groups: dict[str, list[measure.Case]] = defaultdict(list)
    for case in measure.load(name).sentences:
        groups[case.language].append(case)
    few = [language for language, cases in groups.items() if len(cases) < FEW]
    lines = {language: groups[language] for language in groups if language not in few}
    lines[f"{len(few)} others"] = [case for language in few for case in groups[language]]
    whos = list(measure.CUTTERS)[:3]
    rows = []
    for language, cases in lines.items():
        scores = [measure.score(cases, measure.CUTTERS[who]) for who in whos]
        exact = [str(s.exact) for s in scores]
        rows.append((language, str(len(cases)), *exact, *(f"{s.f1:.2f}" for s in scores)))
    print(f"By language, {SETS[name]} set: cases exactly right, then F1 of the boundaries\n")
    table(("", "cases", *whos, *(f"F1 {who}" for who in whos)), rows)


def aloud() -> None:
    """The reader over all sets."""
    rows = []
    for name, title in {**SETS, "afterwards": "written after the rules"}.items():
        cases = measure.load(name).aloud
        rows.append((title, share(len(cases) - len(list(measure.misread(cases))), len(cases))))
    print("Reading aloud\n")
    table(("set", "cases exactly right"), rows)


def speed() -> None:
    """CPU time for each character."""
    rows = []
    for kind in measure.KINDS:
        for piece in (1, 4):
            costs = [
                min(measure.microseconds_per_character(kind, n, piece) for _ in range(ROUNDS))
                for n in LENGTHS
            ]
            rows.append((f"{kind}, {piece} at a time", *(f"{cost:.2f}" for cost in costs)))
    print(f"µs of CPU for each character, by the length of the text (best of {ROUNDS})\n")
    table(("", *(f"{n:,}" for n in LENGTHS)), rows)


def failures(name: str) -> None:
    """The cases that are wrong."""
    cases = measure.load(name)
    for case, segments in measure.inexact(cases.sentences, measure.ours):
        print(f"{case.id}\n  due  {[s.strip() for s in case.segments]}")
        print(f"  made {[s.strip() for s in segments]}")
    for spoken, result in measure.misread(cases.aloud):
        print(f"aloud {spoken.id}\n  due  {spoken.spoken!r}\n  read {result!r}")


def main() -> None:
    """All tables, or one set's failures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--failures", choices=SETS, metavar="SET")
    parser.add_argument("--no-speed", action="store_true")
    options = parser.parse_args()
    if options.failures:
        failures(options.failures)
        return
    for name in SETS:
        overall(name)
    for name in SETS:
        by_language(name)
    aloud()
    if not options.no_speed:
        speed()


if __name__ == "__main__":
    main()
