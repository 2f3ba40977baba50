"""Speech through `livekit-plugins-lehui`, the plugin of LiveKit Agents for this API.

Runs in an environment of its own. The plugin is used as a voice agent uses it: a stream for each
utterance, text pushed token by token as a language model writes it, then the end of the input.
Streams of one plugin share its pool of connections. Every flow has a key of its own, by which the
log of its connections is found. Prints one JSON object: for each flow the speech of each utterance
(base64 of PCM, all that came before the package said that the utterance was over), which of its
frames it called the last, the tokens it counted, and what it logged.
"""

import argparse
import asyncio
import base64
import json
import logging
import sys

import aiohttp
from livekit.plugins.aliyun import QwenTTSRealtime


class Complaints(logging.Handler):
    """Every warning and error of any package."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []
        logging.getLogger().addHandler(self)

    def emit(self, record):
        self.lines.append(f"{record.name}: {record.getMessage()}")


class Utterance:
    """What an application got of one utterance until the package ended it."""

    def __init__(self):
        self.pcm, self.frames, self.finals = b"", 0, []

    def hear(self, audio):
        self.pcm += bytes(audio.frame.data)
        self.frames += 1
        if audio.is_final:
            self.finals.append(self.frames)

    async def all_of(self, stream):
        async for audio in stream:
            self.hear(audio)
        return self

    def result(self):
        return {
            "speech": base64.b64encode(self.pcm).decode(),
            "frames": self.frames,
            "finals": self.finals,
        }


def tokens(text):
    """The text in the pieces in which a language model writes it."""
    return text.replace(" ", " |").split("|")


async def streamed(tts, text):
    """Every token at once, then the end of the input."""
    async with tts.stream() as stream:
        for token in tokens(text):
            stream.push_text(token)
        stream.end_input()
        return [await Utterance().all_of(stream)]


async def slow_writer(tts, text):
    """A model that writes its second half only when the first half is heard."""
    written, utterance = tokens(text), Utterance()
    async with tts.stream() as stream:
        for token in written[: len(written) // 2]:
            stream.push_text(token)
        utterance.hear(await anext(stream))
        for token in written[len(written) // 2 :]:
            stream.push_text(token)
        stream.end_input()
        return [await utterance.all_of(stream)]


async def whole(tts, text):
    """The text as one string."""
    async with tts.synthesize(text) as stream:
        return [await Utterance().all_of(stream)]


async def three(tts, text):
    """Three utterances one after the other over one connection of the pool."""
    return [*await streamed(tts, text), *await whole(tts, text), *await streamed(tts, text)]


async def interrupted(tts, text):
    """The user speaks: the stream is dropped at its first sound; the next one is complete."""
    async with tts.stream() as stream:
        stream.push_text(text)
        await anext(stream)
    return await streamed(tts, text)


FLOWS = {flow.__name__: flow for flow in (streamed, slow_writer, whole, three, interrupted)}


async def play(name, options, http, complaints):
    """One flow, and what was complained about until it hung up."""
    result, usage, before = {}, [], len(complaints.lines)
    tts = QwenTTSRealtime(
        api_key=f"sk-{name}", model=options.model, base_url=options.url, http_session=http
    )
    tts.on("metrics_collected", lambda m: usage.append([m.input_tokens, m.output_tokens]))
    try:
        result["utterances"] = [heard.result() for heard in await FLOWS[name](tts, options.text)]
    except Exception as error:  # what the package raises is part of the result
        result["raised"] = f"{type(error).__name__}: {error}"
    await tts.aclose()
    return result | {"usage": usage, "complaints": complaints.lines[before:]}


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--text", required=True)
    options = parser.parse_args()
    complaints = Complaints()
    async with aiohttp.ClientSession() as http:
        result = {name: await play(name, options, http, complaints) for name in FLOWS}
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main())
