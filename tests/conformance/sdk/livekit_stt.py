"""Recognition through `livekit-plugins-lehui`, the plugin of LiveKit Agents for this API.

Runs in an environment of its own and reads PCM (s16le, mono, 16,000 Hz) from standard input, one
turn after the other, each `--turn-ms` long. The flows, each with a key of its own by which the log
of its connection is found:

    vad             the server finds the turns
    manual          the application ends each turn; the end of the input ends the last one
    manual_flushed  it ends the last turn, too, and then the input: the plugin commits once more,
                    without any audio

Prints one JSON object: for each flow the events that the application got, in their order, and what
was logged.
"""

import argparse
import asyncio
import json
import logging
import sys

import aiohttp
from livekit import rtc
from livekit.plugins.aliyun import STT

RATE_HZ = 16_000
FRAME_MS = 50


class Complaints(logging.Handler):
    """Every warning and error of any package."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []
        logging.getLogger().addHandler(self)

    def emit(self, record):
        self.lines.append(f"{record.name}: {record.getMessage()}")


def cut(pcm, length_ms):
    """Pieces of this length."""
    size = 2 * RATE_HZ * length_ms // 1000
    return [pcm[at : at + size] for at in range(0, len(pcm), size)]


async def send(stream, options, *, flushed):
    """Turn by turn in frames as of a microphone. `flush` ends a turn; `end_input` does so, too."""
    turns = cut(options.pcm, options.turn_ms)
    for number, turn in enumerate(turns, 1):
        for piece in cut(turn, FRAME_MS):
            stream.push_frame(rtc.AudioFrame(piece, RATE_HZ, 1, len(piece) // 2))
        if flushed or number < len(turns):
            stream.flush()
    stream.end_input()


def result(event):
    """One event, as plain values."""
    usage = event.recognition_usage
    return {
        "type": event.type.value,
        "item": event.request_id,
        "text": event.alternatives[0].text if event.alternatives else None,
        "language": str(event.alternatives[0].language) if event.alternatives else None,
        "seconds": round(usage.audio_duration, 3) if usage else None,
    }


async def play(name, options, http, complaints):
    """One flow."""
    before = len(complaints.lines)
    settings = {} if name == "vad" else {"turn_detection": None}
    stt = STT(
        api_key=f"sk-{name}",
        model=options.model,
        base_url=options.url,
        http_session=http,
        **settings,
    )
    outcome = {"events": []}
    try:
        async with stt.stream() as stream:
            await send(stream, options, flushed=name == "manual_flushed")
            async for event in stream:
                outcome["events"].append(result(event))
    except Exception as error:  # what the package raises is part of the result
        outcome["raised"] = f"{type(error).__name__}: {error}"
    await stt.aclose()
    return outcome | {"complaints": complaints.lines[before:]}


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--turn-ms", type=int, required=True)
    parser.add_argument("flows", nargs="+", choices=["vad", "manual", "manual_flushed"])
    options = parser.parse_args()
    options.pcm = sys.stdin.buffer.read()
    complaints = Complaints()
    async with aiohttp.ClientSession() as http:
        flows = {name: await play(name, options, http, complaints) for name in options.flows}
    json.dump(flows, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main())
