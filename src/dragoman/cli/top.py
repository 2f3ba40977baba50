"""``dragoman top``: a running server, live in the terminal.

Scope: it reads ``/health`` and ``/metrics`` of one server and draws them; ``cli.metrics_page`` does
the arithmetic. Rates and percentiles are those of the last minute; the first picture, and the only
one of ``--once``, has them since the server started.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections import deque
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from dragoman.cli.metrics_page import MetricsPage
from dragoman.cli.screen import complain
from dragoman.client.connection import LOCAL_URL, key_for

_TIMEOUT_S = 5.0
_WINDOW_S = 60.0
_LAGS = (
    ("recognition", "dragoman_recognition_lag_seconds", "word said to word committed"),
    (
        "translation",
        "dragoman_translation_lag_seconds",
        "source committed to translation committed",
    ),
    ("speech", "dragoman_voice_lag_seconds", "translation committed to speech heard"),
    ("first audio", "dragoman_first_audio_seconds", "response.created to response.audio.delta"),
    ("event loop", "dragoman_loop_lag_seconds", "how late the event loop wakes up"),
)
_NO_KEY = (
    "wants a key: --api-key KEY, or DASHSCOPE_API_KEY, which is not sent in the clear to another "
    "machine; a server without keys shows it to its own machine only"
)
_WRONG_KEY = "does not take this key; temporary tokens do not count here"


class CannotRead(Exception):
    """The server does not answer as one; the message is for the user."""


def top(
    url: Annotated[
        str, typer.Option(help="Address of the server.", envvar="DRAGOMAN_URL")
    ] = LOCAL_URL,
    *,
    api_key: Annotated[
        str | None, typer.Option(help="API key; default: DASHSCOPE_API_KEY.", show_default=False)
    ] = None,
    interval: Annotated[float, typer.Option(min=0.2, help="Seconds between two pictures.")] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Print one picture and end.")] = False,
) -> None:
    """Watch a running server: sessions, lags, engines, refusals."""
    console, base = Console(highlight=False), http_address(url)
    key = key_for(base, api_key)
    try:
        if once:
            console.print(picture(base, *read(base, key)))
            return
        _watch(console, base, key, interval)
    except CannotRead as failure:
        complain(str(failure))
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        return


def http_address(url: str) -> str:
    """The server's HTTP address, for an address of its WebSocket or its own."""
    parts = urlsplit(url if "//" in url else f"//{url}")
    scheme = "https" if parts.scheme in {"wss", "https"} else "http"
    return f"{scheme}://{parts.netloc}"


def read(base: str, key: str | None) -> tuple[dict[str, Any], MetricsPage]:
    """The server's health and metrics. Raises ``CannotRead``."""
    health = _get(f"{base}/health", key, also=503)
    try:
        content = json.loads(health)
    except ValueError:
        raise CannotRead(f"what answers at {base} is no Dragoman server") from None
    page = _get(f"{base}/metrics", key)
    return content, MetricsPage(page, time.monotonic(), float(content.get("uptime_s", 0)))


def _get(address: str, key: str | None, also: int | None = None) -> str:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    request = urllib.request.Request(address, headers=headers)  # noqa: S310  # http or https, see above
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310  # see above
            return str(answer.read().decode("utf-8", "replace"))
    except urllib.error.HTTPError as refusal:
        if refusal.code == also:
            return refusal.read().decode("utf-8", "replace")
        if refusal.code in {401, 403}:
            raise CannotRead(f"{address} {_WRONG_KEY if key else _NO_KEY}") from None
        raise CannotRead(f"{address} answers with status {refusal.code}") from None
    except (OSError, ValueError) as failure:
        reason = getattr(failure, "reason", failure)
        raise CannotRead(f"{address} cannot be read: {reason}") from None


def _watch(console: Console, base: str, key: str | None, interval_s: float) -> None:
    pages: deque[MetricsPage] = deque(maxlen=max(2, round(_WINDOW_S / interval_s)))
    with Live(console=console, auto_refresh=False, screen=console.is_terminal) as live:
        while True:
            try:
                health, page = read(base, key)
            except CannotRead as failure:
                if not pages:
                    raise
                live.update(Text(f"{failure}; trying again", style="red"), refresh=True)
            else:
                pages.append(page)
                since = page.since(pages[0]) if len(pages) > 1 else page
                live.update(picture(base, health, since), refresh=True)
            time.sleep(interval_s)


# ---------------------------------------------------------------- the picture
def picture(base: str, health: dict[str, Any], page: MetricsPage) -> RenderableType:
    """All that is shown."""
    return Group(
        _head(base, health), _traffic(health, page), "", _lags(page), "", _engines(health, page)
    )


def _head(base: str, health: dict[str, Any]) -> Text:
    status = str(health.get("status", "?"))
    style = "bold green" if status == "ready" else "bold red"
    up_s = int(health.get("uptime_s", 0))
    up = f"{up_s // 3600}:{up_s // 60 % 60:02d}:{up_s % 60:02d}"
    text = Text.assemble(("dragoman ", "bold"), str(health.get("version", "")), f"  {base}  ")
    text.append(status, style)
    text.append(f"  up {up}")
    if reason := health.get("failure") or health.get("loading") or health.get("degraded"):
        text.append(f"  {reason}", "red")
    return text


def _traffic(health: dict[str, Any], page: MetricsPage) -> Table:
    table = Table(show_header=False, show_edge=False, box=None, pad_edge=False)
    open_now = page.by("dragoman_sessions_open", "api")
    apis = "  ".join(f"{api} {count:g}" for api, count in open_now.items() if count)
    limit = health.get("sessions", {}).get("limit", "?")
    table.add_row("sessions", f"{sum(open_now.values()):g} of {limit}", apis)
    if page.has("dragoman_speakers"):
        carried = page.by("dragoman_speakers_capacity", "stage")
        most = f" of {min(carried.values()):.0f}" if carried else ""
        shedding = f"shedding {page.total('dragoman_shedding'):g}"
        table.add_row("speakers", f"{page.total('dragoman_speakers'):g}{most}", shedding)
    refused = page.by("dragoman_refused_total", "code")
    reasons = "  ".join(f"{code} {count:g}" for code, count in refused.items())
    table.add_row("refused", f"{page.rate('dragoman_refused_total'):.1f}/s", reasons)
    skipped = page.total("dragoman_speech_skipped_seconds_total")
    events = f"{page.rate('dragoman_events_received_total'):.0f} in, "
    events += f"{page.rate('dragoman_events_sent_total'):.0f} out /s"
    table.add_row("events", events, f"speech skipped {skipped:.1f} s")
    memory = page.total("process_resident_memory_bytes") / 2**20
    cpu = page.rate("process_cpu_seconds_total") * 100
    files = page.total("process_open_fds")
    table.add_row("process", f"{memory:.0f} MiB", f"cpu {cpu:.0f} %  files {files:g}")
    return table


def _lags(page: MetricsPage) -> Table:
    table = Table(show_edge=False, box=None, pad_edge=False, header_style="bold")
    table.add_column("lag")
    for heading in ("p50", "p95", "p99"):
        table.add_column(heading, justify="right")
    table.add_column("", style="dim")
    for name, metric, meaning in _LAGS:
        found = [page.quantile(share, metric) for share in (0.5, 0.95, 0.99)]
        table.add_row(name, *map(_seconds, found), meaning)
    return table


def _seconds(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def _engines(health: dict[str, Any], page: MetricsPage) -> Table:
    table = Table(show_edge=False, box=None, pad_edge=False, header_style="bold")
    table.add_column("engine")
    for heading in ("role", "state"):
        table.add_column(heading)
    for heading in ("waiting", "at work", "of", "queue p95", "took p95", "workers"):
        table.add_column(heading, justify="right")
    for engine in health.get("engines", []):
        name = engine["name"]
        busy = page.rate("dragoman_engine_busy_seconds_total", engine=name)
        workers = page.total("dragoman_workers", engine=name)
        table.add_row(
            name,
            engine["role"],
            engine["state"],
            f"{page.total('dragoman_engine_waiting', engine=name):g}",
            f"{busy:.1f}",
            f"{page.total('dragoman_engine_concurrency', engine=name):g}",
            _seconds(page.quantile(0.95, "dragoman_engine_queue_seconds", engine=name)),
            _seconds(page.quantile(0.95, "dragoman_engine_seconds", engine=name)),
            f"{workers:g}" if page.has("dragoman_workers") else "-",
        )
    return table
