"""The job Speak: one stream per response in any format, the same as encoding all of it at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from dragoman.audio.encode import FORMATS, RATES_HZ, Format
from dragoman.audio.encoder import Encoder
from dragoman.audio.pcm import samples_in
from dragoman.engines.base import EngineUnavailable, Info, Utterance
from dragoman.engines.flite.engine import Flite
from dragoman.engines.scripted.engines import ScriptedTts
from dragoman.runtime.driver.inbox import Inbox
from dragoman.runtime.hosts.host import EngineFailed, EngineHost, TextRefused
from dragoman.runtime.hosts.loop_host import LoopHost
from dragoman.runtime.hosts.thread_host import ThreadHost
from dragoman.runtime.synthesis import encoding
from dragoman.runtime.synthesis import job as speaking
from dragoman.speech import Coverage, Result, Said, Say, Speak, Voiced
from tests.audio.sounds import by_ffmpeg, delay_and_correlation, encoded, samples_of, speechlike

TEXTS = ("one two three", "four, five six", "seven")
CODECS: tuple[Format, ...] = ("mp3", "opus")


class OneVoice:
    """As much of a ``EngineSet`` as the job needs."""

    coverage = Coverage(speaks=frozenset("*"))

    def __init__(self, host: EngineHost) -> None:
        self._host = host

    def synthesizer(self, _language: str) -> EngineHost:
        return self._host


class Pieces:
    """A host that gives out what it is told, in the pieces it is told, or fails."""

    info = Info(name="pieces", role="tts", licence="-", quality="scripted")

    def __init__(self, pieces: list[bytes], failure: EngineFailed | None = None) -> None:
        self._pieces, self._failure = pieces, failure
        self.slacks: list[float] = []

    async def speak(
        self, _utterance: Utterance, _rate_hz: int, *, slack_s: float = 0.0
    ) -> AsyncGenerator[bytes, None]:
        self.slacks.append(slack_s)
        for piece in self._pieces:
            yield piece
        if self._failure:
            raise self._failure


async def job(
    host: Any, task: Speak, texts: tuple[str, ...], emit: Callable[[Result], Awaitable[None]]
) -> None:
    inbox = Inbox(1 << 20)
    for text in texts:
        inbox.put(Say(text))
    inbox.end()
    await speaking.speak(task, inbox, emit, OneVoice(host))  # type: ignore[arg-type]  # enough of one


async def results(host: Any, task: Speak, texts: tuple[str, ...] = TEXTS) -> list[Result]:
    found: list[Result] = []

    async def emit(result: Result) -> None:
        found.append(result)

    await job(host, task, texts, emit)
    return found


def run(main: Any) -> Any:
    return asyncio.run(asyncio.wait_for(main, 60))


def stream_of(found: list[Result]) -> bytes:
    return b"".join(item.pcm for item in found if isinstance(item, Voiced))


async def spoken(engine: Any, task: Speak, *, threads: int = 0) -> list[Result]:
    host = ThreadHost(engine, threads=threads) if threads else LoopHost(engine)
    await host.start()
    try:
        return await results(host, task)
    finally:
        await host.close()


# ---------------------------------------------------------------- the stream
@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("form", FORMATS)
def test_the_stream_is_what_encoding_it_all_at_once_gives(form: Format, rate_hz: int) -> None:
    engine = ScriptedTts()
    engine.load()
    alone = run(spoken(engine, Speak("tone", "en", sample_rate=rate_hz)))
    wanted = encoded(form, rate_hz, stream_of(alone), [], 128)
    found = run(spoken(engine, Speak("tone", "en", form, rate_hz)))
    assert stream_of(found) == wanted
    assert [item for item in found if isinstance(item, Said)] == [Said()] * len(TEXTS)
    counts = [item.samples for item in found if isinstance(item, Voiced)]
    if form == "pcm":
        assert counts == [None] * len(counts)
    else:
        assert sum(counts) == len(stream_of(alone)) // 2
        assert max(counts) <= rate_hz  # no delta could hold more than a second


@pytest.fixture(scope="module")
def flite() -> Iterator[Flite]:
    engine = Flite()
    try:
        engine.load()
    except EngineUnavailable as reason:
        pytest.skip(str(reason))
    yield engine
    engine.close()


@pytest.mark.parametrize("form", FORMATS)
def test_real_speech_in_threads_gives_the_same_stream_every_time(
    flite: Flite, form: Format
) -> None:
    """Of flite's voices, kal16 (Moon's) is repeatable to the bit."""
    alone = run(spoken(flite, Speak("Moon", "en", sample_rate=22_050), threads=1))
    found = run(spoken(flite, Speak("Moon", "en", form, 22_050, bit_rate=48), threads=1))
    assert stream_of(found) == encoded(form, 22_050, stream_of(alone), [], 48)


@pytest.mark.parametrize("form", ["wav", *CODECS])
@pytest.mark.parametrize("sizes_ms", [[1], [7, 500], [60, 60, 120, 240, 300], [1000]])
def test_the_size_of_pieces_does_not_change_the_stream(form: Format, sizes_ms: list[int]) -> None:
    pcm, pieces = speechlike(24_000, 1.5), []
    at = turn = 0
    while at < len(pcm):
        size = 2 * samples_in(sizes_ms[turn % len(sizes_ms)], 24_000)
        pieces.append(pcm[at : at + size])
        at, turn = at + size, turn + 1
    found = run(results(Pieces(pieces), Speak("", "en", form, bit_rate=64), ("a",)))
    assert stream_of(found) == encoded(form, 24_000, pcm, [], 64)


@pytest.mark.parametrize("form", FORMATS)
def test_no_segments_is_no_stream(form: Format) -> None:
    assert run(results(Pieces([b"\1\0"]), Speak("", "en", form), ())) == []
    assert run(results(Pieces([]), Speak("", "en", form), ("...",))) == [Said()]


@pytest.mark.parametrize("form", CODECS)
def test_the_codecs_work_in_threads_and_the_others_on_the_loop(
    form: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    where: dict[str, set[str]] = {}
    made = encoding.encoder

    def noted(name: Format, *args: int) -> Encoder:
        inner = made(name, *args)
        feed = inner.feed

        def feeding(pcm: bytes) -> bytes:
            where.setdefault(name, set()).add(threading.current_thread().name)
            assert len(pcm) <= 2 * samples_in(encoding.SLICE_MS, 24_000)
            return feed(pcm)

        inner.feed = feeding  # type: ignore[method-assign]  # to look over its shoulder
        return inner

    monkeypatch.setattr(encoding, "encoder", noted)
    for name in (form, "wav"):
        run(results(Pieces([speechlike(24_000, 1.0)]), Speak("", "en", name), ("a",)))
    assert all(thread.startswith("encode") for thread in where[form])
    assert where["wav"] == {threading.main_thread().name}


# ---------------------------------------------------------------- ends of other kinds
@pytest.mark.parametrize("failure", [EngineFailed("dead"), TextRefused("No kanji here.")])
@pytest.mark.parametrize("form", ["wav", *CODECS])
def test_what_the_encoder_holds_goes_out_before_a_failure(
    form: Format, failure: EngineFailed
) -> None:
    pcm = speechlike(24_000, 0.313)
    found: list[Result] = []

    async def emit(result: Result) -> None:
        found.append(result)

    with pytest.raises(type(failure)):
        run(job(Pieces([pcm], failure), Speak("", "en", form), ("a", "b"), emit))
    assert Said() not in found
    heard, _ = by_ffmpeg(stream_of(found))
    if form != "opus":  # which decodes at 48 kHz
        assert delay_and_correlation(samples_of(pcm), heard)[1] > 0.97
    assert heard.size / (48_000 if form == "opus" else 24_000) >= 0.313
    assert sum(item.samples for item in found if isinstance(item, Voiced)) == len(pcm) // 2


class SlowEncoder:
    """An encoder that stays in ``feed`` until it is let go."""

    def __init__(self) -> None:
        self.entered, self.go_on = threading.Event(), threading.Event()
        self.closed = threading.Event()
        self.broken = False

    def feed(self, _pcm: bytes) -> bytes:
        self.entered.set()
        self.go_on.wait(20)
        self.broken = self.closed.is_set()
        return b"x"

    def finish(self) -> bytes:
        return b""

    def close(self) -> None:
        self.closed.set()


def test_a_cancelled_job_ends_at_once_and_its_encoder_is_freed_when_its_thread_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = SlowEncoder()
    monkeypatch.setattr(encoding, "encoder", lambda *_: slow)

    async def main() -> None:
        async def emit(_result: Result) -> None: ...

        host = Pieces([bytes(4_800)] * 3)
        running = asyncio.create_task(job(host, Speak("", "en", "mp3"), ("a",), emit))
        await asyncio.to_thread(slow.entered.wait, 20)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert not slow.closed.is_set()  # the thread is still in it
        slow.go_on.set()
        assert await asyncio.to_thread(slow.closed.wait, 20)
        assert not slow.broken

    run(main())


@pytest.mark.parametrize("form", ["wav", *CODECS])
def test_a_job_cancelled_between_pieces_frees_its_encoder(
    form: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Encoder] = []
    real = encoding.encoder

    def kept(*args: Any) -> Encoder:
        made.append(real(*args))
        return made[-1]

    monkeypatch.setattr(encoding, "encoder", kept)

    async def main() -> None:
        spoke = asyncio.Event()

        async def emit(_result: Result) -> None:
            spoke.set()
            await asyncio.Event().wait()  # a client that takes nothing

        pieces = Pieces([speechlike(24_000, 0.5)])
        running = asyncio.create_task(job(pieces, Speak("", "en", form), ("a",), emit))
        await spoke.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    run(main())
    with pytest.raises(ValueError, match="complete"):
        made[0].feed(b"\0\0")


def test_many_jobs_at_once_keep_their_streams_apart() -> None:
    sounds = [speechlike(24_000, 0.2 + 0.03 * n) for n in range(12)]

    async def main() -> list[list[Result]]:
        tasks = [Speak("", "en", CODECS[n % 2], bit_rate=64) for n in range(len(sounds))]
        return await asyncio.gather(
            *(results(Pieces([s]), t, ("a",)) for s, t in zip(sounds, tasks, strict=True))
        )

    for n, found in enumerate(run(main())):
        assert stream_of(found) == encoded(CODECS[n % 2], 24_000, sounds[n], [], 64)


# ---------------------------------------------------------------- how long the listener can wait
def test_the_host_learns_how_much_speech_is_left_to_play() -> None:
    host = Pieces([bytes(2 * 24_000)] * 3)  # three seconds for each segment
    run(results(host, Speak("tone", "en"), ("One.", "Two.", "Three.")))
    first, second, third = host.slacks
    assert first == 0.0
    assert 2.0 < second <= 3.0
    assert 5.0 < third <= 6.0


@pytest.mark.parametrize(
    ("text", "refused"), [("ሰላም ለዓለም", True), ("(´・ω・)", False), ("12:30", False)]
)
def test_words_without_any_sound_are_refused(text: str, refused: bool) -> None:
    said: list[Result] = []

    async def emit(result: Result) -> None:
        said.append(result)

    async def main() -> None:
        await job(Pieces([]), Speak(voice="Cherry"), (text,), emit)

    if refused:
        with pytest.raises(TextRefused, match="script"):
            asyncio.run(main())
    else:
        asyncio.run(main())
    assert said == ([] if refused else [Said()])
