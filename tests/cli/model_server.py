"""A server of model files for tests, with the faults of real ones."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Faults:
    """What the server does wrong. ``cut_after``: bytes of each answer, then the line is closed;
    ``cut_times``: of how many answers (None: of all). ``statuses``: the first answers. ``stalls``:
    answers that stop after ``cut_after`` bytes and keep the line open. ``wrong_range``: an answer
    begins elsewhere than asked for; ``unasked_range``: it is partial though all was asked for.
    """

    cut_after: int | None = None
    cut_times: int | None = None
    statuses: list[int] = field(default_factory=list)
    stalls: int = 0
    no_ranges: bool = False
    wrong_range: bool = False
    unasked_range: bool = False


@dataclass
class ModelServer:
    """``asked`` has the path, the ``Range`` and the ``If-Range`` of each request."""

    url: str
    files: dict[str, bytes]
    faults: Faults
    version: str = '"v1"'
    asked: list[tuple[str, str, str]] = field(default_factory=list)


@contextmanager
def serving(files: Mapping[str, bytes]) -> Iterator[ModelServer]:
    """A server of these files by path, on loopback."""
    over = threading.Event()

    class Answers(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            faults = state.faults
            asked = self.headers.get("Range", "")
            state.asked.append((self.path, asked, self.headers.get("If-Range", "")))
            content = state.files.get(self.path.lstrip("/"))
            status = faults.statuses.pop(0) if faults.statuses else 200 if content else 404
            if status != 200 or content is None:
                self.send_error(status)
                return
            start = 0
            found = re.fullmatch(r"bytes=(\d+)-", asked)
            fits = self.headers.get("If-Range") in {None, state.version}
            if found and fits and not faults.no_ranges:
                start = int(found[1])
                if start >= len(content):
                    self.send_error(416)
                    return
                self.send_response(206)
                told = start + 1 if faults.wrong_range else start
                self.send_header("Content-Range", f"bytes {told}-{len(content) - 1}/{len(content)}")
            else:
                self.send_response(206 if faults.unasked_range else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.send_header("ETag", state.version)
            self.end_headers()
            self._send(content[start:])

        def _send(self, content: bytes) -> None:
            faults = state.faults
            cuts = faults.cut_after is not None and faults.cut_times != 0
            if not cuts:
                self.wfile.write(content)
                return
            if faults.cut_times:
                faults.cut_times -= 1
            self.wfile.write(content[: faults.cut_after])
            if faults.stalls:
                faults.stalls -= 1
                over.wait(60)

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.daemon_threads = True
        state = ModelServer(f"http://127.0.0.1:{server.server_port}", dict(files), Faults())
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield state
        finally:
            over.set()
            server.shutdown()
