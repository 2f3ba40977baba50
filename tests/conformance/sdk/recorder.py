"""What the SDK programs share: a callback that records, and the loop over the named flows.

These programs run in environments that have one version of the SDK and nothing of ours. They
print one JSON object: for each flow its event log and what the SDK itself said (outcomes).
What the client sends is taken from the SDK's own debug log, which it writes before it sends.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

PATIENCE_S = 40
_SENT = " send string: "
_here = threading.local()


class Recorder:
    """Callback of both kinds of SDK session, and the log of one connection."""

    def __init__(self):
        self.log = []
        self.outcome = {}
        self.opened = threading.Event()
        self.closed = threading.Event()
        self.block_s = {}
        self._news = threading.Condition()
        _here.recorder = self

    def on_open(self):
        self.opened.set()

    def on_close(self, close_status_code, close_msg):
        self.outcome["close"] = [close_status_code, close_msg]
        self.closed.set()

    def on_event(self, message):
        with self._news:
            self.log.append(["<", message])
            self._news.notify_all()
        # The SDK calls back on the thread that reads its socket, so this stops reading.
        time.sleep(self.block_s.pop(message["type"], 0))

    def sent(self, event):
        """The client sends this now."""
        with self._news:
            self.log.append([">", event])

    def count(self, kind):
        return sum(1 for way, event in self.log if way == "<" and event["type"] == kind)

    def wait(self, kind, times=1, patience_s=PATIENCE_S):
        """Block until this event came ``times`` times; any ``error`` on the way is recorded."""
        with self._news:
            came = self._news.wait_for(lambda: self.count(kind) >= times, patience_s)
        if not came:
            raise TimeoutError(f"no {kind} number {times} within {patience_s} s")


class _FromDebugLog(logging.Handler):
    """Takes what is sent from the SDK's debug log; the sending thread tells whose it is."""

    def emit(self, record):
        text = record.getMessage()
        recorder = getattr(_here, "recorder", None)
        if _SENT in text and recorder is not None:
            recorder.sent(json.loads(text.split(_SENT, 1)[1]))


def listen_to_debug_log():
    logger = logging.getLogger("dashscope")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(_FromDebugLog())


def play(flow, options):
    """One flow; an exception is an outcome, not a crash."""
    recorder = Recorder()
    began = time.monotonic()
    try:
        flow(recorder, options)
    except Exception as error:  # what the SDK raises is part of the result
        recorder.outcome["raised"] = f"{type(error).__name__}: {error}"
    recorder.outcome["seconds"] = round(time.monotonic() - began, 2)
    return {"log": recorder.log, "outcome": recorder.outcome}


def main(flows):
    """Run the flows named on the command line, a few at a time, and print what came of them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--pcm", help="raw PCM s16le mono 16 kHz")
    parser.add_argument("--image", help="a JPEG file")
    parser.add_argument("--target", default="es")
    parser.add_argument(
        "--speed", type=float, default=0.0, help="1 is real time, 0 as fast as can be"
    )
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("flows", nargs="+", choices=sorted(flows))
    options = parser.parse_args()
    with ThreadPoolExecutor(options.at_once) as pool:
        results = list(pool.map(lambda name: play(flows[name], options), options.flows))
    json.dump(dict(zip(options.flows, results, strict=True)), sys.stdout)
