"""``dragoman translate`` with a fake server: captions, files and failures."""

from __future__ import annotations

import json
import socket
import time
import wave
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from dragoman.cli.translate import translate
from tests.client.fake_server import (
    FLAT,
    NESTED,
    OLDEST,
    ServerSide,
    accept,
    b64,
    fake_server,
    interpreting,
    opening,
    tone,
)
from tests.client.media_files import make_media

APP = typer.Typer()
APP.command()(translate)


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(APP, [str(arg) for arg in args])


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    return make_media(
        tmp_path / "in.wav", seconds=1.0, codec="pcm_s16le", rate_hz=16_000, channels=1
    )


def samples(path: Path) -> np.ndarray:
    with wave.open(str(path)) as found:
        assert found.getframerate() == 24_000
        return np.frombuffer(found.readframes(found.getnframes()), dtype="<i2")


@pytest.mark.parametrize("model", [OLDEST, FLAT, NESTED])
def test_fast_in_every_generation(speech: Path, tmp_path: Path, model: str) -> None:
    out = tmp_path / "out.wav"
    with fake_server(interpreting(model, turns=2)) as fake:
        result = run(
            *(speech, "--to", "es", "--source", "en", "--fast", "-o", out),
            *("--url", fake.url, "--model", model, "--voice", "Tina"),
        )
    assert result.exit_code == 0, result.output
    assert result.stdout == "en: It was the best.\nes: Era el mejor.\n" * 2
    assert len(fake.pcm()) == 32_000
    assert samples(out).size == 24_000  # twice 500 ms, nothing in between
    assert "times real time" in result.stderr


def test_in_real_time_speech_is_in_the_wav_where_it_was_heard(speech: Path, tmp_path: Path) -> None:
    async def script(server: ServerSide) -> None:
        await accept(server, FLAT)
        for _ in range(4):
            await server.receive_until("input_audio_buffer.append")
        place = {"response_id": "resp_1", "item_id": "item_1"}
        await server.send("response.audio.delta", **place, delta=b64(tone(200)))
        await server.receive_until("session.finish")
        await server.send("response.audio.delta", **place, delta=b64(tone(100)))
        await server.send("session.finished")
        await server.wait_for_close()

    out, log = tmp_path / "out.wav", tmp_path / "log.jsonl"
    start = time.monotonic()
    with fake_server(script) as fake:
        result = run(speech, "--to", "es", "-o", out, "--url", fake.url, "--log", log)
    assert result.exit_code == 0, result.output
    assert time.monotonic() - start >= 1.0
    heard = samples(out)
    first = int(np.flatnonzero(heard)[0]) / 24
    second = heard.size / 24 - 100
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    arrivals = [row["t"] for row in rows if row["type"] == "response.audio.delta"]
    assert first == pytest.approx(arrivals[0], abs=2)
    assert second == pytest.approx(arrivals[1], abs=2)
    assert arrivals[0] >= 400
    assert "voice lag at the end" in result.stderr
    sent = [row for row in rows if row["type"] == "input_audio_buffer.append"]
    assert [row["audio_ms"] for row in sent] == [100.0 * (i + 1) for i in range(10)]
    assert all(row["t"] >= row["audio_ms"] - 2 for row in sent), "never before it was spoken"


def test_text_only(speech: Path) -> None:
    with fake_server(interpreting()) as fake:
        result = run(speech, "--to", "es", "--text-only", "--fast", "--url", fake.url)
    assert result.exit_code == 0, result.output
    assert fake.received[0]["session"]["modalities"] == ["text"]
    assert "es: Era el mejor." in result.stdout


def test_the_wav_may_go_to_standard_output(speech: Path) -> None:
    with fake_server(interpreting()) as fake:
        result = run(speech, "--to", "es", "--fast", "-o", "-", "--url", fake.url)
    assert result.exit_code == 0, result.output
    assert result.stdout_bytes[:4] == b"RIFF"
    assert len(result.stdout_bytes) == 44 + 24_000
    assert "es: Era el mejor." in result.stderr


@pytest.mark.parametrize(("option", "pictures"), [("--video", True), ("--no-video", False)])
def test_pictures_of_a_video_are_sent(tmp_path: Path, option: str, pictures: bool) -> None:
    video = make_media(tmp_path / "in.mp4", seconds=1.0, size=(64, 48))
    with fake_server(interpreting()) as fake:
        result = run(video, "--to", "es", option, "--url", fake.url)
    assert result.exit_code == 0, result.output
    kinds = fake.types()
    assert ("input_image_buffer.append" in kinds) is pictures
    if pictures:
        assert 1 <= len(fake.sent("input_image_buffer.append")) <= 3
        assert kinds.index("input_audio_buffer.append") < kinds.index("input_image_buffer.append")


def test_a_language_that_the_server_does_not_have(speech: Path, tmp_path: Path) -> None:
    message = "No engine translates into 'tlh'. Supported are: 'es'."

    async def script(server: ServerSide) -> None:
        await opening(server, FLAT)
        await server.receive_until("session.update")
        code = "invalid_value"
        await server.error(code, message, "invalid_request_error", "session.translation.language")
        await server.wait_for_close()

    with fake_server(script) as fake:
        result = run(speech, "--to", "tlh", "--url", fake.url, "-o", tmp_path / "o.wav")
    assert result.exit_code == 1
    assert message in result.stderr
    assert "input_audio_buffer.append" not in fake.types(), (
        "nothing is sent before the settings are accepted"
    )


def test_a_harmless_error_is_shown_and_the_session_continues(speech: Path) -> None:
    async def script(server: ServerSide) -> None:
        await accept(server, FLAT)
        await server.receive_until("session.finish")
        await server.error("invalid_value", "That picture is too big.", "invalid_request_error")
        await server.send("session.finished")
        await server.wait_for_close()

    with fake_server(script) as fake:
        result = run(speech, "--to", "es", "--fast", "--url", fake.url)
    assert result.exit_code == 0, result.output
    assert "That picture is too big." in result.stderr


def test_a_recording_without_words_is_told(speech: Path) -> None:
    with fake_server(interpreting(turns=0)) as fake:
        result = run(speech, "--to", "es", "--fast", "--url", fake.url)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert "No words were recognised" in result.stderr


@pytest.mark.parametrize(("statuses", "code"), [(["failed"], 1), (["failed", "completed"], 0)])
def test_turns_that_were_not_translated_are_told(
    speech: Path, statuses: list[str], code: int
) -> None:
    async def script(server: ServerSide) -> None:
        await accept(server, FLAT)
        await server.receive_until("session.finish")
        for turn, status in enumerate(statuses):
            await server.send(
                "conversation.item.input_audio_transcription.completed",
                item_id=f"item_{turn}",
                transcript="Guten Tag.",
                language="de",
            )
            await server.send("response.done", response={"id": f"resp_{turn}", "status": status})
        await server.send("session.finished")
        await server.wait_for_close()

    with fake_server(script) as fake:
        result = run(speech, "--to", "en", "--fast", "--url", fake.url)
    assert result.exit_code == code, result.output
    assert result.stdout == "de: Guten Tag.\n" * len(statuses)
    assert f"Not translated: 1 of {len(statuses)} turns, spoken in: de." in result.stderr


def test_a_model_of_another_kind_is_an_error(speech: Path) -> None:
    message = "invalid event type 'input_audio_buffer.append'"

    async def script(server: ServerSide) -> None:
        await accept(server, FLAT)
        await server.receive_until("input_audio_buffer.append")
        await server.error("invalid_value", message, "invalid_request_error", "type")
        await server.wait_for_close()

    with fake_server(script) as fake:
        result = run(speech, "--to", "es", "--fast", "--url", fake.url, "--model", FLAT)
    assert result.exit_code == 1
    assert f"{FLAT} is not for interpretation: {message}" in result.stderr


@pytest.mark.parametrize("fatal", [True, False])
def test_a_session_that_breaks_off_keeps_what_was_received(
    speech: Path, tmp_path: Path, fatal: bool
) -> None:
    async def script(server: ServerSide) -> None:
        await accept(server, FLAT)
        await server.receive_until("input_audio_buffer.append")
        place = {"response_id": "resp_1", "item_id": "item_1"}
        await server.send("response.audio_transcript.text", **place, text="Era el", stash=" mejor")
        await server.send("response.audio.delta", **place, delta=b64(tone(200)))
        if fatal:
            await server.error("engine_failed", "The translator failed.", "server_error")
            await server.socket.close(1011, "")
        else:
            server.socket.transport.abort()

    out = tmp_path / "out.wav"
    with fake_server(script) as fake:
        result = run(speech, "--to", "es", "--url", fake.url, "-o", out)
    assert result.exit_code == 1
    words = "The translator failed." if fatal else "1006"
    assert words in result.stderr
    assert result.stdout == "es: Era el\n"
    assert np.count_nonzero(samples(out)) == 4800


def test_a_close_before_the_session_ended_is_an_error(speech: Path) -> None:
    async def script(server: ServerSide) -> None:
        await accept(server, FLAT)
        await server.receive_until("session.finish")

    with fake_server(script) as fake:
        result = run(speech, "--to", "es", "--fast", "--url", fake.url)
    assert result.exit_code == 1
    assert "before the session was finished" in result.stderr


def test_back_pressure_of_a_slow_server_loses_nothing(tmp_path: Path) -> None:
    """The server reads one event at a time; all audio arrives."""
    path = make_media(
        tmp_path / "long.wav", seconds=60, codec="pcm_s16le", rate_hz=16_000, channels=1
    )
    with fake_server(interpreting()) as fake:
        result = run(path, "--to", "es", "--fast", "--url", fake.url)
    assert result.exit_code == 0, result.output
    assert len(fake.pcm()) == 60 * 32_000


@pytest.mark.parametrize("status", [401, 403, 404, 503])
def test_a_refused_handshake(speech: Path, status: int) -> None:
    with fake_server(status=status) as fake:
        result = run(speech, "--to", "es", "--url", fake.url, "--api-key", "sk-secret")
    assert result.exit_code == 1
    assert str(status) in result.stderr
    assert "sk-secret" not in result.output


def test_no_server_and_no_file(speech: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{taken.getsockname()[1]}/api-ws/v1/realtime"
        result = run(speech, "--to", "es", "--url", url)
        assert result.exit_code == 1
        assert "dragoman serve" in result.stderr
        result = run(tmp_path / "missing.wav", "--to", "es", "--url", url)
    assert result.exit_code == 1
    assert "there is no file" in result.stderr


def test_usage_errors_are_2(speech: Path) -> None:
    assert run(speech).exit_code == 2
    assert run(speech, "--to", "es", "--text-only", "-o", "x.wav").exit_code == 2
