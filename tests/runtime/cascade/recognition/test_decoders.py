"""A window transcriber as a stream: nothing lost, nothing said twice, windows short."""

from __future__ import annotations

import asyncio
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.engines.base import Info, Samples, Translation, Window
from dragoman.policy.recognition.local_agreement import LocalAgreement
from dragoman.runtime.cascade.recognition.audio_window import quietest
from dragoman.runtime.cascade.recognition.decode_schedule import DecodeSchedule
from dragoman.runtime.cascade.recognition.window_decoder import WindowDecoder
from dragoman.runtime.hosts.host import EngineFailed
from dragoman.speech import HEARING_RATE_HZ, Hypothesis, Interpret, Word
from tests.runtime.fake_engines import FakeHost, cut, spoken

INFO = Info(name="levels", role="asr", licence="-", quality="scripted", languages=("en",),
            confidence_gate=0.5, max_window_s=4.0)  # fmt: skip
PER_MS = HEARING_RATE_HZ // 1000


def decoder_on(host: FakeHost, fixed_ms: int | None = 320) -> WindowDecoder:
    agreement = LocalAgreement(host.info.confidence_gate)
    settings = Interpret(target="es", source="en")
    return WindowDecoder(host, settings, agreement, DecodeSchedule(fixed_ms))


async def feed(decoder: WindowDecoder, samples: Samples, sizes: list[int], at_ms: int = 0) -> None:
    for piece in cut(samples, sizes):
        await decoder.feed(piece, at_ms)
        at_ms += len(piece) // PER_MS


def text(decoder: WindowDecoder) -> list[str]:
    return [word.text for word in decoder.agreement.committed]


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.integers(2, 90), min_size=1, max_size=40),
    st.lists(st.integers(1, 300).map(lambda ms: ms * PER_MS), min_size=1, max_size=5),
    st.sampled_from([320, 640, None]),
    st.integers(0, 99),
)
def test_every_word_comes_once_in_order_whatever_the_chunks_and_the_pace(
    levels: list[int], sizes: list[int], fixed_ms: int | None, seed: int
) -> None:
    names = [f"w{level}" for level in levels]

    async def main() -> None:
        host = FakeHost(INFO, rng=random.Random(seed))
        decoder = decoder_on(host, fixed_ms)
        await feed(decoder, spoken(*names, 300), sizes)
        await decoder.finish()
        assert text(decoder) == names
        longest = max(len(w.samples) // 4 for w in host.windows)
        assert longest <= INFO.max_window_s * HEARING_RATE_HZ + max(sizes)

    asyncio.run(main())


def test_words_are_committed_while_the_speaker_talks() -> None:
    async def main() -> list[str]:
        decoder = decoder_on(FakeHost(INFO))
        await feed(decoder, spoken("w1", "w2", "w3", "w4", "w5"), [1600])
        return text(decoder)

    assert asyncio.run(main()) == ["w1", "w2", "w3"]


def test_committed_words_of_the_window_are_the_prefix_of_the_next_call() -> None:
    async def main() -> FakeHost:
        host = FakeHost(INFO)
        await feed(decoder_on(host), spoken("w1", "w2", "w3", "w4", "w5"), [1600])
        return host

    host = asyncio.run(main())
    assert host.windows[0].prefix == ""
    assert host.windows[-1].prefix in {"w1 w2", "w1 w2 w3"}


def test_the_end_after_a_pause_costs_no_second_decode() -> None:
    async def main() -> None:
        host = FakeHost(INFO)
        decoder = decoder_on(host)
        await feed(decoder, spoken("w1", "w2", "w3", "w4", "w5", "w6", 320), [5120])
        await decoder.pause()
        assert text(decoder) == ["w1", "w2", "w3", "w4", "w5", "w6"]
        calls = len(host.windows)
        await decoder.finish()
        assert len(host.windows) == calls

    asyncio.run(main())


def test_a_pause_commits_nothing_of_a_mere_snippet() -> None:
    async def main() -> None:
        decoder = decoder_on(FakeHost(INFO))
        await feed(decoder, spoken("w1", "w2", 320), [5120])
        await decoder.pause()
        assert text(decoder) == ["w1"]  # as any step would: the last word is still held back
        await decoder.finish()
        assert text(decoder) == ["w1", "w2"]

    asyncio.run(main())


def test_audio_after_a_long_pause_begins_a_new_window_at_its_own_time() -> None:
    async def main() -> FakeHost:
        host = FakeHost(INFO)
        decoder = decoder_on(host)
        await feed(decoder, spoken("w1", "w2", 320), [5120])
        await decoder.pause()
        decoder.resume(9000)
        await feed(decoder, spoken("w3", "w4", "w5"), [5120], at_ms=20_000)
        await decoder.finish()
        assert text(decoder) == ["w1", "w2", "w3", "w4", "w5"]
        return host

    assert asyncio.run(main()).windows[-1].at_ms == 20_000


def test_a_split_gives_back_the_audio_of_the_word_it_would_have_cut() -> None:
    async def main() -> None:
        decoder = decoder_on(FakeHost(INFO))
        samples = spoken("w1", "w2", "w3", "w4", "w5", "w6")[: -200 * PER_MS]
        await feed(decoder, samples, [1600])
        rest = await decoder.split()
        follower = decoder_on(FakeHost(INFO))
        await feed(follower, np.concatenate((rest, spoken("w6")[200 * PER_MS :])), [1600])
        await follower.finish()
        assert [*text(decoder), *text(follower)] == ["w1", "w2", "w3", "w4", "w5", "w6"]

    asyncio.run(main())


class Closing(FakeHost):
    """Ends every window with a full stop, as real recognisers do."""

    async def call(self, request: Window | Translation) -> Hypothesis | str:
        hypothesis = await super().call(request)
        assert isinstance(hypothesis, Hypothesis)
        *before, last = hypothesis.words or (Word("w0"),)
        return Hypothesis((*before, Word(last.text + ".")))


@pytest.mark.parametrize("ends", [False, True])
def test_a_split_does_not_close_the_speakers_sentence_but_the_end_does(ends: bool) -> None:
    async def main() -> list[str]:
        decoder = decoder_on(Closing(INFO))
        await feed(decoder, spoken("w1", "w2", "w3", "w4"), [1600])
        await (decoder.finish() if ends else decoder.split())
        return text(decoder)

    assert asyncio.run(main()) == ["w1", "w2", "w3", "w4." if ends else "w4"]


def test_a_failing_decode_is_raised_where_audio_is_fed_and_abandon_keeps_the_rest() -> None:
    async def main() -> None:
        failing = False
        decoder = decoder_on(FakeHost(INFO, fail=lambda _request: failing))
        await feed(decoder, spoken("w1", "w2", "w3", "w4"), [1600])
        failing = True
        with pytest.raises(EngineFailed):
            await feed(decoder, spoken("w5", "w6"), [1600], at_ms=1600)
        decoder.abandon()
        assert text(decoder)[:2] == ["w1", "w2"]

    asyncio.run(main())


def test_the_step_grows_with_the_time_decodes_take_and_is_bounded() -> None:
    schedule = DecodeSchedule()
    assert schedule.step_ms == DecodeSchedule.SHORTEST_MS
    schedule.decode_took(0.12)
    assert schedule.step_ms == DecodeSchedule.SHORTEST_MS  # alone it can afford that
    schedule.decode_took(0.25)
    schedule.decode_took(0.25)
    assert DecodeSchedule.SHORTEST_MS < schedule.step_ms < 600
    for _ in range(20):
        schedule.decode_took(5.0)
    assert schedule.step_ms == DecodeSchedule.LONGEST_MS
    for _ in range(40):
        schedule.decode_took(0.01)
    assert schedule.step_ms == DecodeSchedule.SHORTEST_MS


def test_the_quietest_moment_is_between_words() -> None:
    samples = spoken("w5", "w6", "w7")
    at_ms = quietest(samples, 200 * PER_MS, 500 * PER_MS) // PER_MS
    assert 260 <= at_ms <= 400
