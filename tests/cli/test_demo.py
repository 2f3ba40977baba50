"""``dragoman demo``: a whole run with scripted engines, and how it ends."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import wave
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner, Result

from dragoman.cli.demo import demo, dickens
from dragoman.cli.spawn import ServerFailed, _loading, running_server
from dragoman.testing.live_server import LiveServer, command, environment
from tests.client.fake_server import FLAT, ServerSide, accept, fake_server, interpreting, opening
from tests.client.media_files import make_media

pytestmark = pytest.mark.live

APP = typer.Typer()
APP.command()(demo)


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(APP, [str(arg) for arg in args])


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    return make_media(
        tmp_path / "talk.wav", seconds=4, codec="pcm_s16le", rate_hz=16_000, channels=1
    )


def test_the_recording_is_found_without_importing_its_package() -> None:
    before = "moonshine_voice" in sys.modules
    assert dickens().name == "two_cities.wav"
    assert ("moonshine_voice" in sys.modules) is before


def test_a_whole_run_starts_a_server_and_stops_it(tmp_path: Path) -> None:
    """The real demo but for its engines: the recording in real time through the official SDK."""
    done = subprocess.run(
        [*command(), "demo", "--seconds", "3", "--engines", "scripted", "--to", "ca"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "two_cities.wav, 3 s, to ca" in done.stdout
    assert "-ca" in done.stdout
    for words in ("first text", "first translated text", "first voice", "longest gap", "Saved:"):
        assert words in done.stdout
    assert "rule-based" not in done.stdout, "only for embedded engines"
    with wave.open(str(tmp_path / "out" / "demo-ca.wav")) as found:
        assert found.getnframes() > 12_000
        assert any(found.readframes(found.getnframes()))


def test_a_running_server_can_be_used(
    scripted_server: LiveServer, talk: Path, tmp_path: Path
) -> None:
    result = run(
        *("--file", talk, "--fast", "--out", tmp_path / "o", "--url", scripted_server.url),
        *("--model", "qwen3.8-livetranslate-flash-realtime"),
    )
    assert result.exit_code == 0, result.output
    assert "-es" in result.stdout
    assert "no latencies" in result.stdout
    assert scripted_server.health()[0] == 200


def test_the_sdk_and_our_client_send_what_the_fake_expects(talk: Path, tmp_path: Path) -> None:
    with fake_server(interpreting(FLAT)) as fake:
        result = run("--file", talk, "--fast", "--out", tmp_path, "--url", fake.url)
    assert result.exit_code == 0, result.output
    assert "en: It was the best.\nes: Era el mejor.\n" in result.stdout
    assert fake.received[0]["session"]["translation"] == {"language": "es"}
    assert len(fake.pcm()) == 4 * 32_000


def test_errors_of_the_server_end_it(talk: Path, tmp_path: Path) -> None:
    async def refuse(server: ServerSide) -> None:
        await opening(server, FLAT)
        await server.receive_until("session.update")
        await server.error("invalid_value", "No such language: 'tlh'.", "invalid_request_error")
        await server.wait_for_close()

    async def hang_up(server: ServerSide) -> None:
        await accept(server, FLAT)
        await server.receive_until("input_audio_buffer.append")
        await server.socket.close(1011, "")

    for script, words in ((refuse, "No such language"), (hang_up, "closed the connection")):
        with fake_server(script) as fake:
            result = run("--file", talk, "--out", tmp_path, "--url", fake.url)
        assert result.exit_code == 1
        assert words in result.stderr


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    result = run("--file", tmp_path / "missing.wav", "--engines", "scripted")
    assert result.exit_code == 1
    assert "there is no file" in result.stderr


def test_the_last_output_of_a_server_that_does_not_start_is_shown() -> None:
    console = Console(file=None, quiet=True)
    with pytest.raises(ServerFailed, match="no-such-engines"):  # noqa: SIM117  # clearer so
        with running_server(console, "no-such-engines"):
            pass


def test_the_server_is_stopped_afterwards() -> None:
    with running_server(Console(quiet=True), "scripted") as url:
        port = int(url.split(":")[2].split("/")[0])
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_health_says_what_is_loading() -> None:
    parts = ["asr moonshine", "mt apertium"]
    assert _loading({"status": "loading", "loading": parts}) == "asr moonshine, mt apertium"
    assert _loading({"status": "ready"}) == ""
    assert _loading(["x"]) == ""


def interrupted(folder: Path, when: Callable[[IO[str]], None], *args: str) -> tuple[int, str]:
    """Run the demo, send Ctrl-C once ``when`` returns; the exit code and standard error."""
    with subprocess.Popen(
        [*command(), "demo", *args],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        watchdog = threading.Timer(60, child.kill)
        watchdog.start()
        assert child.stdout is not None
        when(child.stdout)
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate()
        watchdog.cancel()
    return child.returncode, errors


def test_ctrl_c_during_the_session_keeps_the_wav(talk: Path, tmp_path: Path) -> None:
    speaking = threading.Event()

    async def script(server: ServerSide) -> None:
        await accept(server, FLAT)
        await server.receive_until("input_audio_buffer.append")
        speaking.set()
        await server.wait_for_close()

    with fake_server(script) as fake:
        args = ("--file", str(talk), "--url", fake.url)
        code, errors = interrupted(tmp_path, lambda _: assert_(speaking.wait(30)), *args)
    assert (code, errors.strip()) == (130, "Error: stopped")
    with wave.open(str(tmp_path / "out" / "demo-es.wav")) as found:
        assert found.getframerate() == 24_000


def test_ctrl_c_stops_the_server_too(tmp_path: Path) -> None:
    def named(output: IO[str]) -> None:
        assert any("two_cities.wav" in line for line in output)

    code, errors = interrupted(tmp_path, named, "--engines", "scripted")
    assert code == 130, errors
    assert "stopped" in errors
    assert "Traceback" not in errors


def assert_(truth: bool) -> None:
    assert truth
