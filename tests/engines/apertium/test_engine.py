"""Apertium's chains: directions, the pool, and what happens when programs die or hang."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dragoman.engines.apertium.engine import Apertium, restored_shape
from dragoman.engines.apertium.pipeline import PipelineFailed, escaped, stage_commands
from dragoman.engines.base import EngineUnavailable, Translation
from tests.engines.installed import needs_apertium

pytestmark = pytest.mark.engine


@pytest.fixture
def engine():
    engine = Apertium(max_directions=2)
    engine.load()
    yield engine
    engine.close()


def pids(engine: Apertium) -> list[int]:
    return [
        pid
        for direction in engine._pool._directions.values()
        if direction.pipeline
        for pid in direction.pipeline.pids
    ]


def runs(pid: int) -> bool:
    """Whether the process exists and is not a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def gone(pids: list[int], seconds: float = 5.0) -> bool:
    """Wait, bounded, until none of the processes runs."""
    until = time.monotonic() + seconds
    for pid in pids:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            select.select([handle], [], [], max(0, until - time.monotonic()))
        finally:
            os.close(handle)
    return not any(runs(pid) for pid in pids)


# ---------------------------------------------------------------- text only
@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("Good morning", "buenos  días.", "Buenos días"),
        ("Good morning.", "Buenos días..", "Buenos días."),
        ("and so,", "Y tan,.", "y tan,"),
        ("in the U.S.", "En los EE.UU..", "en los EE.UU."),
        ("in the US", "EE.UU..", "EE.UU"),
        ("Wait...", "Espera....", "Espera..."),
        ('He said "no."', 'Dijo "no.".', 'Dijo "no."'),
        ("3 dogs", "3 perros.", "3 perros"),
    ],
)
def test_output_takes_the_shape_of_its_input(source: str, target: str, expected: str) -> None:
    assert restored_shape(source, target) == expected


def test_modes_become_commands_with_null_flush() -> None:
    assert stage_commands("# note\nlt-proc '/a b' | apertium-tagger -g $2 x | lt-proc $1 y") == [
        ["lt-proc", "-z", "/a b"],
        ["apertium-tagger", "-z", "-g", "x"],
        ["lt-proc", "-z", "-n", "y"],
    ]
    with pytest.raises(ValueError, match="null-flush"):
        stage_commands("lt-proc x | sh -c 'rm'")


def test_what_means_something_in_the_stream_is_escaped() -> None:
    assert escaped("[a] ^b$") == r"\[a\] \^b\$"


def test_modes_decide_pairs_and_meet_in_the_pivot(tmp_path: Path) -> None:
    (tmp_path / "modes").mkdir()
    for name in ("eng-spa", "spa-eng", "es-fr", "spa-eng_US", "eco-es-fr", "eng-cat", "por-cat"):
        (tmp_path / "modes" / f"{name}.mode").write_text("lt-proc x")
    pairs = Apertium(root=str(tmp_path)).info.pairs
    assert pairs == (
        ("en", "ca"), ("en", "es"), ("en", "fr"), ("es", "en"), ("es", "fr"), ("pt", "ca"),
    )  # fmt: skip
    assert ("en", "fr") not in Apertium(root=str(tmp_path), pivot="").info.pairs


def test_without_any_pair_load_names_the_packages(tmp_path: Path) -> None:
    engine = Apertium(root=str(tmp_path))
    assert engine.info.pairs == ()
    with pytest.raises(EngineUnavailable, match=r"apt-get install .*apertium-eng-spa"):
        engine.load()


# ---------------------------------------------------------------- programs
@needs_apertium
def test_prefixes_of_a_sentence_keep_their_end(engine: Apertium) -> None:
    words = ["I", "would", "like", "to", "book", "a", "table", "for", "four", "people", "tonight."]
    for count in range(1, len(words) + 1):
        found = engine.translate(Translation(" ".join(words[:count]), "en", "es"))
        assert found.endswith(".") == (count == len(words))


@needs_apertium
def test_long_texts_do_not_jam_the_pipes(engine: Apertium) -> None:
    text = "The house is big and the dog is small. " * 500
    found = engine.translate(Translation(text, "en", "es"))
    assert found.count("casa") == 500
    with pytest.raises(ValueError, match="at most"):
        engine.translate(Translation("a" * 20_001, "en", "es"))


@needs_apertium
def test_a_chain_that_died_is_started_again(engine: Apertium) -> None:
    expected = engine.translate(Translation("The dog sleeps.", "en", "es"))
    for victim in range(3):
        before = pids(engine)
        os.kill(before[victim], signal.SIGKILL)
        assert engine.translate(Translation("The dog sleeps.", "en", "es")) == expected
        assert not set(before) & set(pids(engine))
        assert gone(before)


@needs_apertium
def test_a_chain_that_hangs_is_killed_and_another_one_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dragoman.engines.apertium.engine._HANGS_S", 0.3)
    engine = Apertium()
    engine.load()
    try:
        expected = engine.translate(Translation("The dog sleeps.", "en", "es"))
        stuck = pids(engine)
        os.kill(stuck[4], signal.SIGSTOP)
        assert engine.translate(Translation("The dog sleeps.", "en", "es")) == expected
        assert gone(stuck)
    finally:
        engine.close()


@needs_apertium
def test_a_text_that_no_chain_answers_in_time_fails_and_leaves_no_program() -> None:
    engine = Apertium(timeout_s=0.0)
    engine.load()
    try:
        for _ in range(2):
            with pytest.raises(PipelineFailed, match="in time"):
                engine.translate(Translation("The dog sleeps.", "en", "es"))
            assert pids(engine) == []
    finally:
        engine.close()


@needs_apertium
def test_directions_beyond_the_bound_replace_the_one_idle_longest(engine: Apertium) -> None:
    engine.warm("en", "es")
    first = pids(engine)
    engine.warm("es", "en")
    engine.warm("en", "es")  # used again: the other one is older now
    other = [pid for pid in pids(engine) if pid not in first]
    pairs = [pair for pair in engine.info.pairs if len(engine.routes[pair]) == 1]
    third = next(pair for pair in pairs if pair not in {("en", "es"), ("es", "en")})
    engine.warm(*third)
    assert len(engine._pool._directions) == 2
    assert set(first) <= set(pids(engine))
    assert gone(other)


@needs_apertium
def test_many_threads_over_many_directions_stay_within_the_bound(engine: Apertium) -> None:
    pairs = [pair for pair in engine.info.pairs if "en" in pair][:6]

    def one(number: int) -> str:
        source, target = pairs[number % len(pairs)]
        return engine.translate(Translation("radio", source, target))

    with ThreadPoolExecutor(6) as threads:
        assert all(threads.map(one, range(24)))
    assert len(engine._pool._directions) <= 2


@needs_apertium
def test_close_ends_every_program_and_load_begins_anew(engine: Apertium) -> None:
    engine.warm("en", "es")
    before = pids(engine)
    engine.close()
    assert gone(before)
    with pytest.raises(EngineUnavailable):
        engine.translate(Translation("Hello", "en", "es"))
    engine.load()
    assert engine.translate(Translation("Hello", "en", "es"))


@needs_apertium
def test_no_program_outlives_a_server_that_was_killed() -> None:
    code = (
        "from dragoman.engines.apertium.engine import Apertium; import sys; "
        "a = Apertium(); a.load(); "
        "a.warm('en', 'es'); a.warm('es', 'en'); "
        "print(*[p for l in a._pool._directions.values() for p in l.pipeline.pids], flush=True); "
        "sys.stdin.read()"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    stages = [int(pid) for pid in server.stdout.readline().split()]
    assert len(stages) > 10
    assert all(runs(pid) for pid in stages)
    server.kill()
    server.communicate()
    assert gone(stages)
