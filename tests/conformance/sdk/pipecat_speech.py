"""Speech through `pipecat-dashscope`, the service of Pipecat for this API, in a real pipeline.

Runs in an environment of its own, which sends it through a proxy: the service knows no URL. Behind
it in the pipeline stands the application, which collects what reaches it. Every flow has a key of
its own, by which the log of its connections is found. Prints one JSON object: for each flow the
utterances (base64 of the PCM that came between "started" and "stopped", and what came behind), and
what was logged.

Pipecat cuts the text of a language model into sentences with Punkt, and downloads Punkt's tables
when it is imported and finds none. Here it finds empty tables: no abbreviations are known.
"""

import argparse
import asyncio
import base64
import json
import os
import sys
import tempfile
from pathlib import Path

from loguru import logger

TABLES = ("collocations.tab", "sent_starters.txt", "abbrev_types.txt", "ortho_context.tab")


def prepare(folder):
    """Empty tables for Punkt, so that nothing is downloaded."""
    tables = Path(folder) / "tokenizers" / "punkt_tab" / "english"
    tables.mkdir(parents=True)
    for name in TABLES:
        (tables / name).touch()
    os.environ["NLTK_DATA"] = folder


def tokens(text):
    """The text in the pieces in which a language model writes it."""
    return text.replace(" ", "| ").split("|")


def load():
    """The flows; Pipecat must not be imported before Punkt's tables are there."""
    from pipecat.frames import frames  # noqa: PLC0415
    from pipecat.pipeline.pipeline import Pipeline  # noqa: PLC0415
    from pipecat.pipeline.runner import PipelineRunner  # noqa: PLC0415
    from pipecat.pipeline.task import PipelineTask  # noqa: PLC0415
    from pipecat.processors.frame_processor import FrameProcessor  # noqa: PLC0415
    from pipecat_dashscope import DashScopeQwenRealtimeTTSService  # noqa: PLC0415

    class Application(FrameProcessor):
        """Collects speech, utterance by utterance."""

        def __init__(self):
            super().__init__()
            self.utterances = {}

        async def process_frame(self, frame, direction):
            await super().process_frame(frame, direction)
            match frame:
                case frames.TTSStartedFrame():
                    self.utterances[frame.context_id] = {"speech": b"", "stopped": 0, "late": 0}
                case frames.TTSAudioRawFrame():
                    heard = self.utterances[frame.context_id]
                    heard["speech"] += frame.audio
                    heard["late"] += heard["stopped"]
                case frames.TTSStoppedFrame():
                    self.utterances[frame.context_id]["stopped"] += 1
            await self.push_frame(frame, direction)

        def result(self):
            return [
                heard | {"speech": base64.b64encode(heard["speech"]).decode()}
                for heard in self.utterances.values()
            ]

    def spoken(text):
        """The application's own words, as one string."""
        return [frames.TTSSpeakFrame(text)]

    def written(text):
        """The answer of a language model, token by token."""
        words = [frames.LLMTextFrame(token) for token in tokens(text)]
        return [frames.LLMFullResponseStartFrame(), *words, frames.LLMFullResponseEndFrame()]

    async def play(flow, options):
        application = Application()
        service = DashScopeQwenRealtimeTTSService(
            api_key=f"sk-{flow.__name__}", model=options.model, voice="Cherry"
        )
        task = PipelineTask(Pipeline([service, application]))
        await task.queue_frames([*flow(options.text), frames.EndFrame()])
        await PipelineRunner(handle_sigint=False).run(task)
        return application.result()

    return play, (spoken, written)


async def main(options):
    complaints = []
    logger.remove()
    logger.add(complaints.append, level="WARNING", format="{name}: {message}")
    play, flows = load()
    result = {}
    for flow in flows:
        complaints.clear()
        utterances = await play(flow, options)
        result[flow.__name__] = {"utterances": utterances, "complaints": list(map(str, complaints))}
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--text", required=True)
    with tempfile.TemporaryDirectory() as tables:
        prepare(tables)
        asyncio.run(main(parser.parse_args()))
