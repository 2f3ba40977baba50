"""Engines in worker processes: each text gets its own audio, and nothing that a worker
does (die, hang, raise, run ahead) fails more than the one job it had.
"""

import asyncio
import errno
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from dragoman.engines.base import EngineUnavailable, Translation, Utterance, Window
from dragoman.runtime.hosts.engine_calls import batching_of
from dragoman.runtime.hosts.framing import LONGEST_FRAME
from dragoman.runtime.hosts.host import EngineFailed
from dragoman.runtime.hosts.job_queue import Batching
from dragoman.runtime.hosts.process import jobs
from dragoman.runtime.hosts.process.host import ProcessHost
from dragoman.runtime.hosts.process.jobs import SegmentJob
from dragoman.runtime.hosts.requests import StartRecognition
from dragoman.speech import Hypothesis
from tests.runtime.hosts import tiny_engines as tiny

pytestmark = [pytest.mark.anyio, pytest.mark.live]
HERE = str(Path(tiny.__file__).parent)


@pytest.fixture(autouse=True)
def _workers_find_the_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", HERE)


def say(text: str) -> Utterance:
    return Utterance(text, "", "en")


@asynccontextmanager
async def hosted(
    spec: str = tiny.SPEAKER, engine: Any = None, **options: Any
) -> AsyncIterator[ProcessHost]:
    engine = engine or tiny.Speaker()
    host = ProcessHost(
        engine.info, spec=spec, batching=batching_of(engine), **{"workers": 1, **options}
    )
    await host.start()
    try:
        yield host
    finally:
        await host.close()


async def spoken(host: ProcessHost, text: str, rate_hz: int = tiny.RATE_HZ) -> bytes:
    return b"".join([piece async for piece in host.speak(say(text), rate_hz)])


async def failed(work: Coroutine[Any, Any, Any]) -> str:
    with pytest.raises(EngineFailed) as caught:
        await work
    return str(caught.value)


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0.001)


def os_times(pid: int) -> float:
    """Seconds of CPU that the process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def gone(pid: int) -> bool:
    """Whether the process has ended (a zombie that nobody has reaped yet counts)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


async def test_many_jobs_at_once_keep_their_own_sound() -> None:
    async with hosted(workers=2) as host:
        texts = [f"job {n} " + chr(0xC0 + n) * (n % 7) for n in range(40)]
        results = await asyncio.gather(*(spoken(host, text) for text in texts))
        assert results == [tiny.pcm_of(text) for text in texts]
        assert host.waiting == 0


async def test_speech_is_resampled_to_the_exact_length() -> None:
    async with hosted() as host:
        for rate_hz in (8_000, 24_000, 48_000):
            assert len(await spoken(host, "abcde", rate_hz)) == 5 * 2 * rate_hz // 10
        assert await spoken(host, "") == b""


async def test_a_killed_worker_fails_its_job_only_and_is_replaced() -> None:
    async with hosted(window_ms=200) as host:
        (old,) = host.pids
        pieces = host.speak(say("x" * 1000), tiny.RATE_HZ)
        await anext(pieces)
        behind = asyncio.create_task(spoken(host, "behind"))
        await until(lambda: host.waiting == 1)
        os.kill(old, signal.SIGKILL)
        with pytest.raises(EngineFailed, match="SIGKILL"):
            async for _ in pieces:
                pass
        assert await behind == tiny.pcm_of("behind")
        (new,) = host.pids
        assert new != old


async def test_killing_an_idle_worker_fails_no_job() -> None:
    async with hosted() as host:
        (old,) = host.pids
        os.kill(old, signal.SIGKILL)
        await until(lambda: old not in host.pids)
        assert await spoken(host, "fine") == tiny.pcm_of("fine")


@pytest.mark.parametrize("workers", [1, 2])
async def test_speech_given_to_a_worker_that_was_just_killed_is_made_by_another(
    workers: int,
) -> None:
    async with hosted(workers=workers) as host:
        for pid in host.pids:
            os.kill(pid, signal.SIGKILL)
        # At once, before the host can know of it.
        assert await spoken(host, "fine") == tiny.pcm_of("fine")


async def test_speech_that_gets_every_worker_killed_fails_in_the_end() -> None:
    async with hosted(workers=1) as host:
        assert "SIGKILL" in await failed(spoken(host, "!killed"))
        await until(lambda: bool(host._idle))
        assert await spoken(host, "fine") == tiny.pcm_of("fine")


async def test_a_stuck_worker_is_replaced_after_the_limit() -> None:
    async with hosted(limit_s=0.3) as host:
        (old,) = host.pids
        assert "time limit" in await failed(spoken(host, "!hang"))
        assert await spoken(host, "after") == tiny.pcm_of("after")
        assert old not in host.pids


async def test_a_segment_may_work_only_so_long() -> None:
    async with hosted(tiny.IMPATIENT, tiny.Impatient()) as host:
        assert "the time limit of 0.3 s" in await failed(spoken(host, "!hang"))
        assert await spoken(host, "after") == tiny.pcm_of("after")


async def test_a_segment_may_use_only_so_much_cpu() -> None:
    """Also inside a C library that never comes back, and however long it may take."""
    async with hosted(tiny.THRIFTY, tiny.Thrifty()) as host:
        (old,) = host.pids
        async with asyncio.timeout(15):
            assert "the limit of CPU time (signal SIGPROF)" in await failed(spoken(host, "!burn"))
        assert await spoken(host, "after") == tiny.pcm_of("after")
        assert old not in host.pids


async def test_every_segment_has_its_own_cpu_time() -> None:
    async with hosted(tiny.THRIFTY, tiny.Thrifty()) as host:
        pids = host.pids
        used = 0.0
        while used < 1.0:  # three times what one of them may use
            assert await spoken(host, "k" * 300, 48_000)
            used = sum(os_times(pid) for pid in pids)
        assert host.pids == pids


async def test_a_segment_may_last_only_so_long() -> None:
    async with hosted(tiny.TERSE, tiny.Terse()) as host:
        pids = host.pids
        assert len(await spoken(host, "t" * 10)) == 2 * tiny.RATE_HZ
        assert "beyond 1 s" in await failed(spoken(host, "t" * 11))
        assert await spoken(host, "on") == tiny.pcm_of("on")
        assert host.pids == pids, "no process has to die for that"


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_stuck_text_delays_no_other_for_long(workers: int) -> None:
    """Their segments are spoken in the order in which they came, all of them, soon."""
    async with hosted(tiny.IMPATIENT, tiny.Impatient(), workers=workers) as host:
        finished: list[str] = []

        async def other(text: str) -> None:
            assert await spoken(host, text) == tiny.pcm_of(text)
            finished.append(text)

        stuck = asyncio.create_task(spoken(host, "!hang"))
        await until(lambda: bool(host._running))
        async with asyncio.timeout(15):
            if workers == 2:
                await other("while it hangs")
                assert not stuck.done()
            texts = [f"other {n}" for n in range(8)]
            await asyncio.gather(*(other(text) for text in texts))
            assert "time limit" in await failed(stuck)
            await until(lambda: len(host._idle) == workers)
        assert [text for text in finished if text in texts] == texts or workers == 2
        assert sorted(finished[-8:]) == texts
        assert len(host.pids) == workers


async def test_texts_that_hang_again_and_again_do_not_refuse_others() -> None:
    """Workers that were killed at a limit do not count as crashes of the engine."""
    async with hosted(tiny.IMPATIENT, tiny.Impatient()) as host:
        hostile = [asyncio.create_task(spoken(host, "!hang")) for _ in range(2)]
        honest = asyncio.create_task(spoken(host, "honest"))
        async with asyncio.timeout(30):
            for task in hostile:
                assert "time limit" in await failed(task)
            assert await honest == tiny.pcm_of("honest")


async def test_a_stuck_text_nobody_waits_for_is_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ProcessHost, "_CANCEL_S", 0.3)
    async with hosted() as host:
        (old,) = host.pids
        stuck = asyncio.create_task(spoken(host, "!hang"))
        await until(lambda: bool(host._running))
        stuck.cancel()
        async with asyncio.timeout(15):
            assert await spoken(host, "next") == tiny.pcm_of("next")
        assert old not in host.pids


async def test_a_worker_leaves_no_core_dump() -> None:
    async with hosted() as host:
        assert resource.prlimit(host.pids[0], resource.RLIMIT_CORE) == (0, 0)


async def test_waiting_for_a_slow_listener_is_not_being_stuck() -> None:
    async with hosted(limit_s=0.5, window_ms=200) as host:
        text = "y" * 200
        got = []
        async with aclosing(host.speak(say(text), tiny.RATE_HZ)) as pieces:
            got.append(await anext(pieces))
            await until(lambda: all(r.job.stalled for r in host._running.values()))
            await asyncio.sleep(1.0)  # longer than the limit: time itself is what is tested
            got += [piece async for piece in pieces]
        assert b"".join(got) == tiny.pcm_of(text)


async def test_a_slow_listener_bounds_what_the_worker_sends() -> None:
    async with hosted(window_ms=500) as host:
        async with aclosing(host.speak(say("z" * 1000), tiny.RATE_HZ)) as pieces:
            await anext(pieces)
            (running,) = host._running.values()
            assert isinstance(running.job, SegmentJob)
            await until(lambda: running.job.stalled)
            assert running.job._not_taken <= (500 + 960) * 32  # window and one piece, in bytes
            assert host.waiting == 0
        assert await spoken(host, "next") == tiny.pcm_of("next")


async def test_a_stalled_worker_gets_room_while_others_wait() -> None:
    async with hosted(window_ms=1_000) as host:
        text = "w" * 25  # 2.5 s: more than one window, less than the widest
        async with aclosing(host.speak(say(text), tiny.RATE_HZ)) as pieces:
            first = await anext(pieces)
            assert await spoken(host, "other") == tiny.pcm_of("other")  # though nobody reads on
            assert first + b"".join([piece async for piece in pieces]) == tiny.pcm_of(text)


async def test_cancelling_keeps_the_worker() -> None:
    async with hosted(window_ms=200) as host:
        pids = host.pids
        for _ in range(5):
            async with aclosing(host.speak(say("c" * 5000), tiny.RATE_HZ)) as pieces:
                await anext(pieces)
        assert await spoken(host, "still") == tiny.pcm_of("still")
        assert host.pids == pids


async def test_cancelling_a_queued_job_takes_it_out_of_the_queue() -> None:
    async with hosted(window_ms=200) as host:
        long = host.speak(say("c" * 5000), tiny.RATE_HZ)
        async with aclosing(long) as pieces:
            await anext(pieces)
            queued = asyncio.create_task(spoken(host, "never"))
            await until(lambda: host.waiting == 1)
            queued.cancel()
            await asyncio.wait([queued])
            assert host.waiting == 0


async def test_an_engine_that_raises_fails_the_call_and_lives_on() -> None:
    async with hosted() as host:
        pids = host.pids
        assert "as asked" in await failed(spoken(host, "!raise"))
        assert await spoken(host, "ok") == tiny.pcm_of("ok")
        assert host.pids == pids


async def test_after_crashes_calls_wait_for_the_replacement() -> None:
    async with hosted() as host, asyncio.timeout(60):
        for _ in range(3):
            assert "SIGSEGV" in await failed(spoken(host, "!crash"))
        assert await spoken(host, "healed") == tiny.pcm_of("healed")
        assert (host.vitals.workers, host.vitals.crashes, host.vitals.restarts) == (1, 3, 3)


async def test_idle_workers_that_are_killed_again_and_again_are_replaced_for_a_call() -> None:
    async with hosted(workers=2) as host, asyncio.timeout(60):
        for crashes in (2, 4):
            await until(lambda: host.vitals.workers == 2)
            for pid in host.pids:
                os.kill(pid, signal.SIGKILL)
            await until(lambda: host.vitals.workers == 0)
            assert host.vitals.crashes == crashes
        assert await spoken(host, "fine") == tiny.pcm_of("fine")


async def test_without_a_worker_streams_wait_for_the_replacement_too() -> None:
    async with hosted(tiny.COUNTER, tiny.Counter()) as host, asyncio.timeout(60):
        os.kill(host.pids[0], signal.SIGKILL)
        await until(lambda: host.vitals.workers == 0)
        (await host.open(StartRecognition("s"))).abort()


async def test_calls_fail_at_once_while_replacements_do_not_start_and_work_again_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch = tmp_path / "broken"
    monkeypatch.setenv("TINY_BROKEN", str(switch))
    async with hosted(tiny.BREAKS, tiny.Breaks()) as host, asyncio.timeout(60):
        switch.touch()
        os.kill(host.pids[0], signal.SIGKILL)
        await until(lambda: host.vitals.workers == 0)
        assert "starts" in await failed(spoken(host, "waits"))
        assert "starts" in await failed(spoken(host, "too early"))
        assert "no worker" in await failed(host.open(StartRecognition("s")))
        switch.unlink()
        await until(lambda: host.vitals.workers == 1)
        assert await spoken(host, "healed") == tiny.pcm_of("healed")


# ---------------------------------------------------------------- workers that hang
async def test_a_call_outlives_a_replacement_that_hangs_while_it_starts() -> None:
    async with hosted() as host, asyncio.timeout(60):
        (old,) = host.pids
        os.kill(old, signal.SIGKILL)
        await until(lambda: bool(set(host.pids) - {old}))
        os.kill((set(host.pids) - {old}).pop(), signal.SIGSTOP)
        assert await spoken(host, "fine") == tiny.pcm_of("fine")


async def test_workers_that_hang_before_the_first_sound_cost_their_job_only_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """SIGSTOP stands for everything that stops a process without ending it."""
    monkeypatch.setattr(jobs, "PROBE_S", 0.3)
    async with hosted(tiny.PROMPT, tiny.Prompt(), workers=2) as host, asyncio.timeout(60):
        for pid in host.pids:
            os.kill(pid, signal.SIGSTOP)
        assert await spoken(host, "said") == tiny.pcm_of("said")


async def test_a_text_that_hangs_in_two_workers_fails() -> None:
    async with hosted(tiny.PROMPT, tiny.Prompt()) as host, asyncio.timeout(60):
        assert "time limit of 0.3 s" in await failed(spoken(host, "!hang"))
        assert host.vitals.crashes == 2
        assert await spoken(host, "fine") == tiny.pcm_of("fine")


async def test_behind_its_first_sound_a_segment_may_take_longer() -> None:
    async with hosted(tiny.PROMPT, tiny.Prompt()) as host:
        pids = host.pids
        assert await spoken(host, "slow!") == tiny.pcm_of("slow!")
        assert host.pids == pids


async def test_an_idle_worker_that_hangs_is_replaced_before_a_job_needs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs, "PROBE_S", 0.3)
    async with hosted(probe_every_s=0.05) as host, asyncio.timeout(60):
        (old,) = host.pids
        os.kill(old, signal.SIGSTOP)
        await until(lambda: host.vitals.restarts == 1)
        assert gone(old)
        assert await spoken(host, "fine") == tiny.pcm_of("fine")


@pytest.mark.parametrize("stop", [signal.SIGSTOP, signal.SIGKILL])
async def test_a_call_whose_worker_hangs_or_dies_is_answered_by_another(stop: int) -> None:
    async with hosted(tiny.TRANSLATOR, tiny.UpperCase(), limit_s=0.3) as host, asyncio.timeout(60):
        os.kill(host.pids[0], stop)
        assert await host.call(Translation("hola", "es", "en")) == "HOLA"


async def test_a_window_that_kills_every_worker_fails_alone_in_its_batch() -> None:
    async with hosted(tiny.LISTENER, tiny.Listener()) as host, asyncio.timeout(60):
        languages = (None, "killed", None, None)
        calls = [host.call(Window(bytes(4), language)) for language in languages]
        answers = await asyncio.gather(host.call(Window(b"")), *calls, return_exceptions=True)
        assert [isinstance(a, Hypothesis) for a in answers] == [True, True, False, True, True]


async def test_a_replacement_that_finds_no_room_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Descriptors run out under load and come back; the pool must not stay smaller for that."""
    real, refused = socket.socketpair, False

    def pair() -> tuple[socket.socket, socket.socket]:
        nonlocal refused
        if not refused:
            refused = True
            raise OSError(errno.EMFILE, "Too many open files")
        return real()

    async with hosted() as host:
        monkeypatch.setattr(socket, "socketpair", pair)
        os.kill(host.pids[0], signal.SIGKILL)
        async with asyncio.timeout(20):
            await until(lambda: refused)
            assert await spoken(host, "back") == tiny.pcm_of("back")
        assert len(host.pids) == 1


async def test_workers_do_not_know_the_keys_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRAGOMAN_API_KEYS", "sk-not-for-engines")
    async with hosted() as host:
        environment = Path(f"/proc/{host.pids[0]}/environ").read_bytes()
    assert b"PYTHONPATH" in environment
    assert b"sk-not-for-engines" not in environment


async def test_close_ends_jobs_and_leaves_no_process() -> None:
    async with hosted(workers=3, window_ms=200, limit_s=60) as host:
        pids = host.pids
        assert len(pids) == 3
        hanging = [asyncio.create_task(spoken(host, "!hang")) for _ in range(2)]
        streaming = host.speak(say("s" * 5000), tiny.RATE_HZ)
        await anext(streaming)
        waiting = asyncio.create_task(spoken(host, "queued"))
        await until(lambda: host.waiting == 1)
        await host.close()
        for task in (*hanging, waiting):
            assert "closed" in await failed(task)
        assert "not open" in await failed(spoken(host, "late"))
        assert host.pids == []
        assert all(gone(pid) for pid in pids)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (tiny.MISSING, "install the tiny thing"),
        (tiny.DIES_LOADING, "SIGKILL"),
        ("no_such_module:Engine", "no_such_module"),
        ("no-such-engine", "no-such-engine"),
    ],
)
async def test_an_engine_that_cannot_start_says_why(spec: str, message: str) -> None:
    host = ProcessHost(tiny.Speaker().info, spec=spec, workers=2)
    with pytest.raises(EngineUnavailable, match=message):
        await host.start()
    assert host.pids == []


async def test_an_engine_that_does_not_become_ready_in_time_is_unavailable() -> None:
    host = ProcessHost(tiny.Speaker().info, spec=tiny.NEVER_READY, workers=1, start_limit_s=0.2)
    with pytest.raises(EngineUnavailable, match=r"not ready after 0\.2 seconds"):
        await host.start()
    assert host.pids == []


async def test_an_incomplete_batch_waits_while_another_worker_is_busy() -> None:
    batching = Batching(max_batch=3, max_wait_s=0.2, kinds=frozenset({Window}))
    host = ProcessHost(tiny.Listener().info, spec=tiny.LISTENER, workers=2, batching=batching)
    await host.start()
    try:
        async with asyncio.timeout(20):
            first, *others = [host.call(Window(bytes(4))) for _ in range(3)]
            answers = await asyncio.gather(first, *others)
    finally:
        await host.close()
    assert [a.words[1].text for a in answers if isinstance(a, Hypothesis)] == ["1", "2", "2"]


async def test_a_request_that_is_too_long_for_a_frame_fails_alone() -> None:
    async with hosted(tiny.LISTENER, tiny.Listener()) as host:
        assert "longer than" in await failed(host.call(Window(bytes(LONGEST_FRAME))))
        assert isinstance(await host.call(Window(bytes(4))), Hypothesis)


async def test_windows_and_translations_are_answered_in_batches() -> None:
    async with hosted(tiny.LISTENER, tiny.Listener()) as host:
        answers = await asyncio.gather(*(host.call(Window(bytes(4 * n))) for n in range(6)))
        words = [[w.text for w in a.words] for a in answers if isinstance(a, Hypothesis)]
        assert words == [["0", "1"], ["4", "4"], ["8", "4"], ["12", "4"], ["16", "4"], ["20", "1"]]
        assert "as asked" in await failed(host.call(Window(b"", "raise")))
    async with hosted(tiny.TRANSLATOR, tiny.UpperCase()) as host:
        assert await host.call(Translation("hola", "es", "en")) == "HOLA"
        assert "does not speak" in await failed(spoken(host, "x"))


async def test_the_queue_has_a_bound() -> None:
    async with hosted(window_ms=200, most_waiting=2) as host:
        async with aclosing(host.speak(say("q" * 5000), tiny.RATE_HZ)) as pieces:
            await anext(pieces)
            queued = [asyncio.create_task(spoken(host, "in")) for _ in range(2)]
            await until(lambda: host.waiting == 2)
            assert "too many" in await failed(spoken(host, "out"))
        assert await asyncio.gather(*queued) == [tiny.pcm_of("in")] * 2


async def test_it_works_on_uvloop_too() -> None:
    code = (
        "import uvloop\nfrom dragoman.runtime.hosts.process.host import ProcessHost\n"
        "from dragoman.engines.base import Utterance\nimport tiny_engines as tiny\n"
        "async def main():\n"
        "    host = ProcessHost(tiny.Speaker().info, spec=tiny.SPEAKER, workers=1, limit_s=5)\n"
        "    await host.start()\n"
        "    said = host.speak(Utterance('uv', '', 'en'), tiny.RATE_HZ)\n"
        "    assert b''.join([p async for p in said]) == tiny.pcm_of('uv')\n"
        "    await host.close()\n"
        "uvloop.run(main())"
    )
    done = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code], check=False)
    assert done.returncode == 0


async def test_workers_end_when_their_host_is_killed() -> None:
    code = (
        "import asyncio\nfrom dragoman.runtime.hosts.process.host import ProcessHost\n"
        "from dragoman.engines.base import Utterance\nimport tiny_engines as tiny\n"
        "async def main():\n"
        "    host = ProcessHost(tiny.Speaker().info, spec=tiny.SPEAKER, workers=2, limit_s=60)\n"
        "    await host.start()\n"
        "    print(*host.pids, flush=True)\n"
        "    async for _ in host.speak(Utterance('!hang', '', 'en'), 16000): pass\n"
        "asyncio.run(main())"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        line = await asyncio.to_thread(parent.stdout.readline)
        parent.kill()
    pids = [int(pid) for pid in line.split()]
    assert len(pids) == 2
    await until(lambda: all(gone(pid) for pid in pids))


# ---------------------------------------------------------------- the order of what waits
async def test_a_listener_without_audio_goes_before_one_with_slack() -> None:
    async with hosted() as host:
        begun: list[str] = []

        async def listen(text: str, slack_s: float) -> None:
            async for _ in host.speak(say(text), tiny.RATE_HZ, slack_s=slack_s):
                if text not in begun:
                    begun.append(text)

        async with aclosing(host.speak(say("b" * 5000), tiny.RATE_HZ)) as busy:
            await anext(busy)
            tasks = []
            for text, slack_s in (("hears", 1.5), ("hears long", 60.0), ("new", 0.0), ("newer", 0)):
                tasks.append(asyncio.create_task(listen(text, slack_s)))
                await until(lambda: host.waiting == len(tasks))
        await asyncio.gather(*tasks)
        assert begun == ["new", "newer", "hears", "hears long"]
