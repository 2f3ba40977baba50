"""Any file becomes 100 ms chunks of PCM and small pictures, in the order of media time."""

from __future__ import annotations

import asyncio
import io
import os
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from dragoman.client.media import (
    CHUNK_BYTES,
    JpegFrame,
    MediaError,
    MediaFile,
    Piece,
    SoundChunk,
    jpeg_of,
)
from tests.client.media_files import make_media


def pieces_of(path: Path, **options: Any) -> tuple[MediaFile, list[Piece]]:
    async def run() -> tuple[MediaFile, list[Piece]]:
        async with MediaFile(path, **options) as media:
            return media, [piece async for piece in media]

    return asyncio.run(run())


def sounds(pieces: list[Piece]) -> list[SoundChunk]:
    return [piece for piece in pieces if isinstance(piece, SoundChunk)]


@pytest.mark.parametrize(
    ("name", "codec", "rate_hz", "channels"),
    [
        ("a.wav", "pcm_s16le", 16_000, 1),
        ("a.wav", "pcm_s16le", 48_000, 2),
        ("a.mp3", "libmp3lame", 44_100, 2),
        ("a.m4a", "aac", 44_100, 1),
        ("a.ogg", "libopus", 48_000, 1),
        ("a.flac", "flac", 22_050, 1),
    ],
)
def test_audio_of_any_kind(
    tmp_path: Path, name: str, codec: str, rate_hz: int, channels: int
) -> None:
    path = make_media(tmp_path / name, codec=codec, rate_hz=rate_hz, channels=channels)
    media, pieces = pieces_of(path)
    heard = sounds(pieces)
    assert all(len(sound.pcm) == CHUNK_BYTES for sound in heard[:-1])
    assert [sound.media_ms for sound in heard[:-1]] == [
        100.0 * (i + 1) for i in range(len(heard) - 1)
    ]
    pcm = np.frombuffer(b"".join(sound.pcm for sound in heard), dtype="<i2").astype(float)
    assert len(pcm) / 16_000 == pytest.approx(2.0, abs=0.12)
    spectrum = np.abs(np.fft.rfft(pcm[3200:28_800]))
    assert spectrum.argmax() * 16_000 / 25_600 == pytest.approx(440, abs=2)
    assert media.duration_ms == pytest.approx(2000, abs=120)
    assert not media.has_video


def test_a_video_gives_pictures_in_order_and_within_the_limits(tmp_path: Path) -> None:
    path = make_media(tmp_path / "a.mp4", seconds=4.0, size=(1920, 1080))
    media, pieces = pieces_of(path, pictures=True)
    assert media.has_video
    times = [piece.media_ms for piece in pieces]
    assert times == sorted(times)
    assert isinstance(pieces[0], SoundChunk)
    pictures = [piece for piece in pieces if isinstance(piece, JpegFrame)]
    assert len(pictures) in (7, 8)
    gaps = np.diff([picture.media_ms for picture in pictures])
    assert gaps.min() >= 500 - 0.01
    for picture in pictures:
        assert picture.jpeg.startswith(b"\xff\xd8")
        assert len(picture.jpeg) <= 500_000
        with av.open(io.BytesIO(picture.jpeg)) as image:
            shown = next(image.decode(video=0))
        assert (shown.width, shown.height) == (1280, 720)
    assert len(sounds(pieces)) == pytest.approx(40, abs=1)


@pytest.mark.parametrize("name", ["a.mkv", "a.mov", "a.avi"])
def test_audio_comes_before_a_picture_whatever_the_file_has_first(
    tmp_path: Path, name: str
) -> None:
    path = make_media(
        tmp_path / name, seconds=1.0, size=(64, 48), rate_hz=16_000, codec="pcm_s16le"
    )
    with av.open(str(path)) as container:
        first = next(packet.stream.type for packet in container.demux() if packet.size)
    _, pieces = pieces_of(path, pictures=True)
    assert first == "video", "or this shows nothing"
    assert isinstance(pieces[0], SoundChunk)
    assert pieces[1].media_ms == pieces[0].media_ms == 100.0
    assert isinstance(pieces[1], JpegFrame)


def test_pictures_come_only_if_requested(tmp_path: Path) -> None:
    path = make_media(tmp_path / "a.mp4", size=(64, 48))
    _, pieces = pieces_of(path)
    assert not [piece for piece in pieces if isinstance(piece, JpegFrame)]


@pytest.mark.parametrize(
    ("size", "shown"), [((720, 1280), (404, 720)), ((64, 48), (64, 48)), ((3000, 10), (1280, 4))]
)
def test_pictures_fit_the_box_and_are_never_enlarged(
    size: tuple[int, int], shown: tuple[int, int]
) -> None:
    grey = np.full((size[1], size[0], 3), 99, dtype=np.uint8)
    jpeg = jpeg_of(av.VideoFrame.from_ndarray(grey, format="rgb24"))
    assert jpeg is not None
    with av.open(io.BytesIO(jpeg)) as image:
        frame = next(image.decode(video=0))
    assert (frame.width, frame.height) == shown


def test_the_quality_falls_until_a_picture_fits() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (1080, 1920, 3), dtype=np.uint8)
    noise = noise[::2, ::2].repeat(2, 0).repeat(2, 1)  # survives the scaling
    jpeg = jpeg_of(av.VideoFrame.from_ndarray(np.ascontiguousarray(noise), format="rgb24"))
    assert jpeg is not None
    assert 100_000 < len(jpeg) <= 500_000


@pytest.mark.parametrize("name", ["a.txt", "a.mp4", "a.bin"])
def test_a_file_without_media_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"This is not media. " * 500 if name == "a.txt" else os.urandom(20_000))
    with pytest.raises(MediaError, match=r"no audio or video file|no sound"):
        pieces_of(path)


def test_each_unusable_file_has_its_own_message(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="there is no file"):
        pieces_of(tmp_path / "missing.wav")
    with pytest.raises(MediaError, match="a folder"):
        pieces_of(tmp_path)
    silent = make_media(tmp_path / "silent.mp4", codec=None, size=(64, 48))
    with pytest.raises(MediaError, match="no sound"):
        pieces_of(silent)
    (tmp_path / "empty.wav").write_bytes(b"")
    with pytest.raises(MediaError):
        pieces_of(tmp_path / "empty.wav")


@pytest.mark.timeout(20)
def test_a_play_list_cannot_reach_into_the_network(tmp_path: Path) -> None:
    path = tmp_path / "list.m3u8"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n")
    with pytest.raises(MediaError):
        pieces_of(path)


def test_a_truncated_file_gives_what_is_left(tmp_path: Path) -> None:
    whole = make_media(tmp_path / "a.mp3", seconds=4, codec="libmp3lame").read_bytes()
    cut = tmp_path / "cut.mp3"
    cut.write_bytes(whole[: len(whole) // 2])
    _, pieces = pieces_of(cut)
    assert 15 <= len(pieces) <= 22


def test_a_reader_may_stop_early_and_the_thread_ends(tmp_path: Path) -> None:
    path = make_media(tmp_path / "a.wav", seconds=20, codec="pcm_s16le", rate_hz=16_000, channels=1)

    async def run() -> MediaFile:
        async with MediaFile(path) as media:
            async for piece in media:
                assert piece.media_ms == 100
                break
        return media

    media = asyncio.run(run())
    assert media._thread._shutdown
