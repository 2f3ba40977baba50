"""Latencies, event log and WAV of a session."""

from __future__ import annotations

import contextlib
import json
import wave
from pathlib import Path

import pytest

from dragoman.client.event_log import EventLog
from dragoman.client.events import (
    SourceSpeechStarted,
    SourceSpeechStopped,
    SourceText,
    SpeechAudio,
    TranslatedText,
)
from dragoman.client.latency import Latency, LatencySummary, Playback
from dragoman.client.wav import WavWriter

SECOND = bytes(48_000)


def voice(pcm: bytes = SECOND) -> SpeechAudio:
    return SpeechAudio(data=pcm, response_id="r", raw={"type": "response.audio.delta"})


def test_pieces_that_arrive_early_are_played_one_after_the_other() -> None:
    playback = Playback()
    assert playback.place(500, SECOND) == 500
    assert playback.place(600, SECOND) == 0
    assert playback.end_ms == 2500
    assert playback.place(4000, SECOND) == 1500
    assert (playback.end_ms, playback.longest_gap_ms) == (5000, 1500)


def test_the_silence_before_the_first_speech_is_no_gap() -> None:
    playback = Playback()
    playback.place(9000, SECOND)
    assert playback.longest_gap_ms == 0


def test_latencies_count_from_the_first_detected_speech() -> None:
    latency = Latency()
    latency.note(900, SourceSpeechStarted(audio_start_ms=400, item_id="s"))
    latency.note(1000, SourceText(item_id="s", text="", stash=""))
    latency.note(1400, SourceText(item_id="s", text="", stash="It"))
    latency.note(1900, TranslatedText(response_id="r", item_id="t", text="Era"))
    latency.note(2400, voice())
    latency.note(5400, voice())
    latency.note(5500, SourceSpeechStopped(audio_end_ms=5000, item_id="s"))
    latency.note(5600, SourceSpeechStarted(audio_start_ms=5200, item_id="s2"))
    assert latency.summary(6000) == LatencySummary(
        first_text_ms=1000,
        first_translation_ms=1500,
        first_voice_ms=2000,
        longest_gap_ms=2000,
        voice_end_lag_ms=1400,
        voice_ms=2000,
    )


def test_without_events_there_are_no_latencies() -> None:
    found = Latency().summary(1000)
    assert (found.first_text_ms, found.first_voice_ms, found.longest_gap_ms) == (None, None, None)
    assert found.voice_end_lag_ms is None


def test_the_log_has_one_clock_and_running_totals(tmp_path: Path) -> None:
    now = [100.0]
    path = tmp_path / "log.jsonl"
    with EventLog(path, clock=lambda: now[0]) as log:
        log.sent("session.update")
        now[0] = 101.0
        log.start()
        now[0] = 101.1
        log.sent("input_audio_buffer.append", bytes(3200))
        log.sent("input_audio_buffer.append", bytes(3200))
        raw = {"type": "response.audio_transcript.delta", "item_id": "t", "delta": "el"}
        text = TranslatedText(response_id="r", item_id="t", text="Era el", raw=raw)
        log.received(log.now_ms(), text)
        log.received(250.0, voice())
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert rows[0] == {"t": 0.0, "dir": "out", "type": "session.update"}
    assert [row.get("audio_ms") for row in rows] == [None, 100.0, 200.0, None, 1000.0]
    assert rows[1]["t"] == pytest.approx(100, abs=0.2)
    assert rows[3] | {"t": 0} == {
        "t": 0,
        "dir": "in",
        "type": "response.audio_transcript.delta",
        "item_id": "t",
        "response_id": "r",
        "text": "Era el",
        "stash": "",
    }
    assert (rows[4]["t"], rows[4]["dir"]) == (250.0, "in")


def test_a_wav_gets_its_length_when_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "new" / "out.wav"
    with WavWriter(path, 24_000) as wav:
        wav.write(b"\x01\x00\x02")
        wav.write(b"\x00")
        wav.silence(1500)
        wav._file.flush()
        assert path.read_bytes()[40:44] == b"\xff\xff\xff\xff"
        assert wav.written_ms == pytest.approx(1500, abs=0.1)
    with wave.open(str(path)) as found:
        assert (found.getframerate(), found.getnchannels(), found.getsampwidth()) == (24_000, 1, 2)
        frames = found.readframes(found.getnframes())
    assert frames == b"\x01\x00\x02\x00" + bytes(72_000)


def test_a_wav_survives_a_failure_in_between(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    with contextlib.suppress(RuntimeError), WavWriter(path, 16_000) as wav:
        wav.write(bytes(3200))
        raise RuntimeError
    with wave.open(str(path)) as found:
        assert found.getnframes() == 1600


def test_a_path_that_cannot_be_written_raises_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        WavWriter(tmp_path / "file" / "out.wav", 24_000)
