"""``dragoman say`` with a fake server: text from the command line and from a pipe."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import wave
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from dragoman.cli.say import say
from tests.client.fake_server import SPOKEN, TTS, ServerSide, fake_server, opening, speaking

APP = typer.Typer()
APP.command()(say)


def run(*args: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(APP, list(args), input=stdin)


def frames(path: Path) -> bytes:
    with wave.open(str(path)) as found:
        assert (found.getnchannels(), found.getsampwidth()) == (1, 2)
        return found.readframes(found.getnframes())


def test_a_text_becomes_a_wav(tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    options = ["--voice", "Chelsie", "--language", "English", "--rate", "1.5", "--volume", "70"]
    with fake_server(speaking) as fake:
        result = run("Hello.", "-o", str(out), "--url", fake.url, *options)
    assert result.exit_code == 0, result.output
    assert frames(out) == SPOKEN
    assert "First audio after" in result.stderr
    assert "0.15 s of speech" in result.stderr
    assert fake.received[0]["session"] == {
        "voice": "Chelsie",
        "mode": "server_commit",
        "language_type": "English",
        "response_format": "pcm",
        "sample_rate": 24_000,
        "speech_rate": 1.5,
        "volume": 70,
    }
    assert fake.paths[0].endswith(f"?model={TTS}")


@pytest.mark.parametrize(("name", "form"), [("a.mp3", "mp3"), ("a.OGG", "opus")])
def test_the_suffix_of_the_file_decides_the_format(tmp_path: Path, name: str, form: str) -> None:
    out = tmp_path / name
    with fake_server(speaking) as fake:
        result = run("Hello.", "-o", str(out), "--url", fake.url)
    assert result.exit_code == 0, result.output
    assert out.read_bytes() == SPOKEN
    session = fake.received[0]["session"]
    assert (session["response_format"], session["mode"]) == (form, "commit")
    assert [event["type"] for event in fake.received[1:3]] == [
        "input_text_buffer.append",
        "input_text_buffer.commit",
    ]


@pytest.mark.parametrize("name", ["a.flac", "a.PCM"])
def test_a_file_of_another_format_is_not_made(tmp_path: Path, name: str) -> None:
    result = run("Hello.", "-o", str(tmp_path / name))
    assert result.exit_code == 2
    assert ".wav, .mp3, .opus and .ogg" in result.stderr
    assert not (tmp_path / name).exists()


def test_standard_input_is_spoken_and_standard_output_takes_the_wav() -> None:
    with fake_server(speaking) as fake:
        result = run("-o", "-", "--url", fake.url, stdin="One.\nTwo – naïve.\n")
    assert result.exit_code == 0, result.output
    assert result.stdout_bytes[:4] == b"RIFF"
    assert result.stdout_bytes[40:44] == b"\xff\xff\xff\xff"
    assert result.stdout_bytes[44:] == SPOKEN
    text = "".join(event["text"] for event in fake.sent("input_text_buffer.append"))
    assert text == "One.\nTwo – naïve.\n"


@pytest.mark.live
def test_text_from_a_pipe_is_spoken_before_the_pipe_ends(tmp_path: Path) -> None:
    """A real process: the first audio comes while standard input is still open."""
    out = tmp_path / "out.wav"
    with fake_server(speaking) as fake:
        program = "import typer; from dragoman.cli.say import say; typer.run(say)"
        command = [sys.executable, "-c", program, "-o", "-", "--url", fake.url]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            euro = "€".encode()
            child.stdin.write(b"One " + euro[:1])
            child.stdin.flush()
            early = b""
            while len(early) < 44 + 4800:
                piece = os.read(child.stdout.fileno(), 65_536)
                assert piece, child.stderr.read() if child.stderr else ""
                early += piece
            assert "session.finish" not in fake.types()
            child.stdin.write(euro[1:] + b" two.")
            child.stdin.close()
            out.write_bytes(early + child.stdout.read())
            assert child.wait(30) == 0
    assert out.read_bytes()[44:] == SPOKEN
    text = "".join(event["text"] for event in fake.sent("input_text_buffer.append"))
    assert text == "One € two."


@pytest.mark.parametrize("stdin", ["", None])
def test_an_empty_text_is_an_error(tmp_path: Path, stdin: str | None) -> None:
    async def script(server: ServerSide) -> None:
        await opening(server, TTS)
        await server.receive_until("session.finish")
        await server.send("session.finished")

    with fake_server(script) as fake:
        result = run("-o", str(tmp_path / "o.wav"), "--url", fake.url, stdin=stdin)
    assert result.exit_code == 1
    assert "nothing was spoken" in result.stderr


@pytest.mark.parametrize(
    "args", [[" "], ["x", "--rate", "9"], ["x", "--nonsense"], ["x", "--volume", "101"]]
)
def test_usage_errors_are_2(args: list[str]) -> None:
    assert run(*args).exit_code == 2


def test_no_server_says_how_to_start_one(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{taken.getsockname()[1]}/api-ws/v1/realtime"
        result = run("Hello.", "-o", str(tmp_path / "o.wav"), "--url", url)
    assert result.exit_code == 1
    assert "dragoman serve" in result.stderr
    assert not (tmp_path / "o.wav").exists()


def test_an_error_of_the_server_is_shown_and_what_was_spoken_is_kept(tmp_path: Path) -> None:
    async def script(server: ServerSide) -> None:
        await opening(server, TTS)
        await server.receive_until("session.finish")
        await server.send("response.audio.delta", response_id="r", item_id="i", delta="AAAAAAAA")
        await server.error("invalid_value", "The voice 'X' is not supported.", "server_error")
        await server.socket.close(1011, "")

    out = tmp_path / "o.wav"
    with fake_server(script) as fake:
        result = run("Hello.", "-o", str(out), "--url", fake.url)
    assert result.exit_code == 1
    assert "The voice 'X' is not supported." in result.stderr
    assert frames(out) == bytes(6)


def test_a_wrong_key_and_a_path_that_cannot_be_written(tmp_path: Path) -> None:
    with fake_server(status=401) as fake:
        result = run("Hello.", "--url", fake.url, "--api-key", "sk-secret")
    assert result.exit_code == 1
    assert "API key" in result.stderr
    assert "sk-secret" not in result.output
    with fake_server(speaking) as fake:
        result = run("Hello.", "--url", fake.url, "-o", str(tmp_path))
    assert result.exit_code == 1
    assert str(tmp_path) in result.stderr
