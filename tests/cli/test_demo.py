"""``dragoman demo``: a whole run with scripted engines, and how it ends."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import wave
from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np
import pytest
import soundfile as sf
import typer
from rich.console import Console
from typer.testing import CliRunner, Result

from dragoman.cli import demo_scenes
from dragoman.cli.demo import demo
from dragoman.cli.demo_scenes import DemoScene, cast, dickens, foreign
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
    assert "recognition by scripted-asr (scripted); translation by scripted-mt" in done.stdout
    assert "gist:" not in done.stdout, "only for embedded engines"
    with wave.open(str(tmp_path / "out" / "demo-ca.wav")) as found:
        assert found.getnframes() > 12_000
        assert any(found.readframes(found.getnframes()))


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Recordings beside the checkout: two in French, one of them longer, and one by a machine."""
    folder = tmp_path / "beside"
    folder.mkdir()
    monkeypatch.setattr(demo_scenes, "BESIDE", folder)
    listed = []
    for name, language, seconds, human in (
        ("short", "fr", 1.0, "yes"),
        ("long", "fr", 1.5, "yes"),
        ("machine", "es", 3.0, "no"),
    ):
        rng = np.random.default_rng(1)
        sound = rng.standard_normal(int(seconds * 16_000)) * 3000
        sf.write(folder / f"{name}.wav", sound.astype("<i2"), 16_000)
        entry = {"file": f"{name}.wav", "language": language, "duration_s": seconds}
        listed.append(entry | {"human_speech": human})
    (folder / "manifest.json").write_text(json.dumps(listed))
    return folder


def test_both_directions_are_shown_where_there_is_a_recording(
    scripted_server: LiveServer, beside: Path, tmp_path: Path
) -> None:
    options = ("--fast", "--seconds", "2", "--out", tmp_path, "--url", scripted_server.url)
    result = run(*options)
    assert result.exit_code == 0, result.output
    first, second = result.stdout.split("Next: French into English.")
    assert "two_cities.wav, 2 s, to es" in first
    assert "long.wav, 2 s, to en" in second
    assert "dragoman demo FILE" not in result.stdout
    for name in ("demo-es.wav", "demo-en.wav"):
        assert (tmp_path / name).is_file()
    only = run(*options, "--from", "fr")
    assert "two_cities" not in only.stdout
    assert "long.wav" in only.stdout


def test_without_a_foreign_recording_it_says_what_to_give(
    scripted_server: LiveServer, beside: Path, tmp_path: Path
) -> None:
    (beside / "manifest.json").unlink()
    options = ("--fast", "--seconds", "2", "--out", tmp_path, "--url", scripted_server.url)
    result = run(*options)
    assert result.exit_code == 0, result.output
    assert "dragoman demo FILE --from de" in result.stdout
    result = run(*options, "--from", "de")
    assert result.exit_code == 1
    assert "no recording in German here" in result.stderr


def test_a_file_and_its_language_go_to_the_server(talk: Path, tmp_path: Path) -> None:
    for source, sent in (("de", {"language": "de"}), ("auto", {})):
        with fake_server(interpreting(FLAT)) as fake:
            result = run(talk, "--from", source, "--fast", "--out", tmp_path, "--url", fake.url)
        assert result.exit_code == 0, result.output
        session = fake.received[0]["session"]
        assert session["translation"] == {"language": "en"}
        heard = session["input_audio_transcription"]
        assert heard == {"model": "qwen3-asr-flash-realtime"} | sent


# ---------------------------------------------------------------- who takes part
def health(*engines: tuple[str, str]) -> dict[str, object]:
    roles = {"whisper": "asr", "moonshine": "asr", "hibari": "tts"}
    return {"engines": [{"name": n, "role": roles.get(n, "mt"), "state": s} for n, s in engines]}


def test_the_engines_of_a_direction_are_named() -> None:
    scene = DemoScene(recording=Path("x"), source="es", target="en")
    ready = [(n, "ready") for n in ("moonshine", "whisper", "firefox", "apertium", "hibari")]
    line = cast(scene, health(*ready)).line
    assert line.startswith("recognition by whisper (gist)")
    assert "apertium and firefox, by way of Portuguese (basic)" in line
    assert line.endswith("voice hibari (good)")


def test_without_a_recogniser_of_the_language_it_says_how_to_get_one() -> None:
    scene = DemoScene(recording=Path("x"), source="es", target="en")
    found = cast(scene, health(("moonshine", "ready"), ("whisper", "unavailable")))
    assert "Nothing here recognises Spanish" in found.lacks
    assert "dragoman setup multilingual" in found.lacks


def test_the_longest_recording_of_a_person_is_taken(beside: Path) -> None:
    assert foreign() == (beside / "long.wav", "fr")
    assert foreign(("es",)) is None


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
