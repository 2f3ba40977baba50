"""Speech that comes as Opus is heard as well as PCM, in both framings, cut anywhere."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from fractions import Fraction

import av
import jiwer
import numpy as np
import pytest
import websockets

from dragoman.protocol.audio_input.opus_packets import OpusFraming
from dragoman.testing.live_server import LiveServer
from tests.recordings import DICKENS, read, spoken_words, two_cities

MODEL = "qwen3.5-livetranslate-flash-realtime"
SECONDS = 14


def ogg(samples: np.ndarray) -> bytes:
    """The speech as Ogg/Opus at 24 kbit/s."""
    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=48_000, layout="mono")
        stream.bit_rate = 24_000
        frame = av.AudioFrame.from_ndarray(
            (np.clip(samples, -1, 1) * 32767).astype("<i2").reshape(1, -1), "s16", "mono"
        )
        frame.sample_rate, frame.time_base, frame.pts = 16_000, Fraction(1, 16_000), 0
        resampler = av.AudioResampler("s16", "mono", 48_000)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            for packet in stream.encode(piece):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return file.getvalue()


async def heard(server: LiveServer, appends: list[bytes]) -> tuple[str, int]:
    """The final transcript, and where the last speech ended."""
    async with websockets.connect(f"{server.url}?model={MODEL}", max_size=None) as socket:

        async def send(kind: str, **rest: object) -> None:
            await socket.send(json.dumps({"type": kind, **rest}))

        session = {
            "input_audio_format": "opus",
            "modalities": ["text"],
            "translation": {"language": "es"},
        }
        await send("session.update", session=session)
        for append in appends:
            await send("input_audio_buffer.append", audio=base64.b64encode(append).decode())
        await send("session.finish")
        words, end_ms = [], 0
        async for frame in socket:
            event = json.loads(frame)
            assert event["type"] != "error", event
            if event["type"].endswith("transcription.completed"):
                words.append(event["transcript"])
            elif event["type"] == "input_audio_buffer.speech_stopped":
                end_ms = event["audio_end_ms"]
            elif event["type"] == "session.finished":
                break
    return " ".join(words), end_ms


@pytest.mark.parametrize("framing", ["packets", "pages", "cut anywhere"])
def test_opus_is_understood(embedded_server: LiveServer, framing: str) -> None:
    stream = ogg(read(two_cities())[: SECONDS * 16_000])
    if framing == "packets":
        appends = [packet.data for packet in OpusFraming().feed(stream)]
    else:
        size = 4096 if framing == "pages" else 777
        appends = [stream[at : at + size] for at in range(0, len(stream), size)]
    text, end_ms = asyncio.run(heard(embedded_server, appends))
    words = spoken_words(text).split()
    said = spoken_words(DICKENS).split()[: len(words)]
    assert len(said) > 25
    assert jiwer.wer(" ".join(said), " ".join(words)) < 0.2
    assert abs(end_ms - SECONDS * 1000) < 1_000
