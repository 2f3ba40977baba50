"""Speech through AgentScope's realtime TTS model, which drives the SDK's ``QwenTtsRealtime``.

Runs in an environment of AgentScope's own: 1.0.21 takes the URL as a client argument, and its
``push`` wants the whole message so far; 2.0.10 knows no URL (its environment sends it through a
proxy), and its ``push`` wants the next piece. Both are used as their documentation says, and
nothing of them is replaced. Every flow has a key of its own, by which the log of its connection
is found. Prints one JSON object: for each flow the speech it got (base64 of PCM) and what
AgentScope and the SDK logged before they hung up.
"""

import argparse
import asyncio
import base64
import importlib.metadata
import json
import logging
import sys
import threading
import time

from agentscope.tts import DashScopeRealtimeTTSModel

IS_FIRST = importlib.metadata.version("agentscope").startswith("1.")
if IS_FIRST:
    from agentscope.message import Msg
else:
    from agentscope.credential import DashScopeCredential
WAV_HEAD_BYTES = 44


class Complaints(logging.Handler):
    """Every warning and error of either package."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []
        for logger in (logging.getLogger(name) for name in ("as", "dashscope", "")):
            logger.addHandler(self)

    def emit(self, record):
        self.lines.append(f"{record.name}: {record.getMessage()}")


def make(options, key, **settings):
    """A model that speaks here."""
    if IS_FIRST:
        return DashScopeRealtimeTTSModel(
            api_key=key,
            model_name=options.model,
            client_kwargs={"url": options.url},
            **settings,
        )
    return DashScopeRealtimeTTSModel(
        credential=DashScopeCredential(api_key=key), model=options.model, **settings
    )


class Ear:
    """Collects speech from the answers of one utterance, as a user of the package does."""

    def __init__(self):
        self.pcm = b""

    def hear(self, response):
        """1.x gives all base64 so far, joined; 2.x what is new, the first with a WAV header."""
        if response.content is None:
            return
        source = response.content["source"] if IS_FIRST else response.content.source
        data = base64.b64decode(source["data"] if IS_FIRST else source.data, validate=True)
        if IS_FIRST:
            assert data[: len(self.pcm)] == self.pcm, "speech that was there is gone"
            self.pcm = data
        else:
            self.pcm += data if self.pcm else data[WAV_HEAD_BYTES:]


class Utterance:
    """One text for ``push`` and ``synthesize`` in the style of the version."""

    def __init__(self, model):
        self.model, self.ear, self.text = model, Ear(), ""
        if IS_FIRST:
            self.message = Msg("assistant", "", "assistant")

    def _say(self, piece):
        self.text += piece
        if not IS_FIRST:
            return piece
        self.message.content = self.text
        return self.message

    async def push(self, *pieces):
        for piece in pieces:
            self.ear.hear(await self.model.push(self._say(piece)))

    async def synthesize(self, rest=None):
        """The speech of everything; ``rest`` goes along, without it only what was pushed."""
        asked = self._say(rest) if rest is not None else None
        answer = await self.model.synthesize(asked) if asked else await self.model.synthesize()
        if self.model.stream:
            async for response in answer:
                self.ear.hear(response)
        else:
            self.ear.hear(answer)
        return self.ear.pcm


async def pushed(model, pieces):
    """Piece by piece, then "that was all"."""
    utterance = Utterance(model)
    await utterance.push(*pieces)
    return [await utterance.synthesize()]


async def pushed_with_rest(model, pieces):
    """Piece by piece, and the last piece with the request for all speech."""
    utterance = Utterance(model)
    await utterance.push(*pieces[:-1])
    return [await utterance.synthesize(pieces[-1])]


async def whole(model, pieces):
    """Without any push."""
    return [await Utterance(model).synthesize("".join(pieces))]


async def three(model, pieces):
    """Three utterances over one connection, which goes on after ``session.finished``."""
    return [
        *await pushed(model, pieces),
        *await whole(model, pieces),
        *await pushed_with_rest(model, pieces),
    ]


FLOWS = {
    "pushed": (pushed, {}),
    "pushed_with_rest": (pushed_with_rest, {}),
    "pushed_without_stream": (pushed, {"stream": False}),
    "cold_start": (pushed_with_rest, {"cold_start_length": 20, "cold_start_words": 5}),
    "whole": (whole, {}),
    "whole_without_stream": (whole, {"stream": False}),
    "three": (three, {}),
}


def wait_for_hang_up():
    """Until the SDK's thread has ended: what is logged at the end belongs to the flow that ends."""
    for thread in threading.enumerate():
        if "run_forever" in thread.name:
            thread.join(20)


async def play(name, options, complaints):
    """One flow, and what was complained about until it hung up."""
    flow, settings = FLOWS[name]
    result, began = {}, time.monotonic()
    before = len(complaints.lines)
    pieces = options.text.replace(" ", " |").split("|")  # as tokens of a language model come
    try:
        async with make(options, f"sk-{name}", **settings) as model:
            result["speech"] = [base64.b64encode(pcm).decode() for pcm in await flow(model, pieces)]
            result["complaints"] = complaints.lines[before:]
    except Exception as error:  # what the package raises is part of the result
        result["raised"] = f"{type(error).__name__}: {error}"
    wait_for_hang_up()
    result["seconds"] = round(time.monotonic() - began, 2)
    return result


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url")
    parser.add_argument("--model", required=True)
    parser.add_argument("--text", required=True)
    options = parser.parse_args()
    complaints = Complaints()
    result = {name: await play(name, options, complaints) for name in FLOWS}
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main())
