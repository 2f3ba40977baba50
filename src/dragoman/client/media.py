"""Reads any audio or video file as chunks of 100 ms of PCM, and pictures.

Scope: files only. PyAV blocks, so it runs in a thread of its own, one batch ahead of the reader,
which bounds the memory.

Audio is resampled to 16 kHz mono; video is reduced to two pictures a second before they are scaled
and compressed. The media time of a piece is when a microphone or camera would have delivered it,
for audio the *end* of the chunk. Pieces come in that order, but no picture before the first audio,
because servers refuse that. Audio waits at most two seconds for a video stream that lags behind.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

import av
import msgspec
from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from dragoman.client.errors import ClientError

RATE_HZ = 16_000
CHUNK_MS = 100
CHUNK_BYTES = RATE_HZ * 2 * CHUNK_MS // 1000
PICTURE_EVERY_MS = 500
PICTURE_MAX_BYTES = 500_000
PICTURE_BOX = (1280, 720)
_QUALITIES = (4, 8, 16, 31)
_MAX_VIDEO_LAG_MS = 2000
_BATCH = 20  # pieces
_MAX_BROKEN_PACKETS = 500


class MediaError(ClientError):
    """The file cannot be read or has no audio; the text says why."""


class SoundChunk(msgspec.Struct, frozen=True):
    """s16le mono at 16 kHz, 100 ms of it (the last piece of a file is shorter)."""

    media_ms: float
    pcm: bytes


class JpegFrame(msgspec.Struct, frozen=True):
    """A JPEG of at most 500,000 bytes and 1280x720 pixels."""

    media_ms: float
    jpeg: bytes


Piece: TypeAlias = SoundChunk | JpegFrame


class MediaFile:
    """Asynchronous context manager over a file, and asynchronous iterator of its pieces.

    ``duration_ms`` (None if the file does not say) and ``has_video`` are known once entered.
    """

    def __init__(self, path: str | Path, *, pictures: bool = False) -> None:
        self.path = Path(path)
        self.duration_ms: float | None = None
        self.has_video = False
        self._wants_pictures = pictures
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="media")
        self._container: InputContainer | None = None
        self._pieces: Iterator[Piece] = iter(())

    async def __aenter__(self) -> Self:
        """Open the file.

        Raises:
            MediaError: no such file, no media, or no audio in it.

        """
        try:
            await self._in_thread(self._open)
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._close()

    async def __aiter__(self) -> AsyncIterator[Piece]:
        next_batch = self._submit_batch()
        try:
            while batch := await asyncio.shield(next_batch):
                next_batch = self._submit_batch()
                for piece in batch:
                    yield piece
        finally:
            # If nobody waits for this batch, mark its exception as retrieved.
            next_batch.add_done_callback(lambda done: done.cancelled() or done.exception())

    def _open(self) -> None:
        self._container = container = _opened(self.path)
        self.has_video = bool(_video_streams(container))
        if container.duration is not None:
            self.duration_ms = container.duration * 1000 / av.time_base
        reader = _MediaReader(container, pictures=self._wants_pictures and self.has_video)
        self._pieces = reader.pieces(self.path)

    def _submit_batch(self) -> asyncio.Future[list[Piece]]:
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(
            self._thread, lambda: list(itertools.islice(self._pieces, _BATCH))
        )

    async def _in_thread(self, work: object) -> None:
        assert callable(work)
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, work))

    async def _close(self) -> None:
        # There is one thread, so this waits for the batch being read.
        try:
            if self._container is not None:
                await self._in_thread(self._container.close)
        finally:
            self._thread.shutdown(wait=False)


def _opened(path: Path) -> InputContainer:
    if path.is_dir():
        raise MediaError(f"{path} is a folder, not an audio or video file")
    try:
        # "file:" and the whitelist keep playlists and odd names off the network. A playlist without
        # an end is a live one, which FFmpeg would reload for 100 s: m3u8_hold_counters stops that.
        options = {"protocol_whitelist": "file", "m3u8_hold_counters": "1"}
        container = av.open(f"file:{path}", "r", options=options)
    except FileNotFoundError:
        raise MediaError(f"there is no file {path}") from None
    except PermissionError:
        raise MediaError(f"{path} may not be read (permission denied)") from None
    except (av.error.FFmpegError, OSError, ValueError):
        raise MediaError(f"{path} is no audio or video file that can be read") from None
    if not container.streams.audio:
        container.close()
        raise MediaError(f"{path} has no sound in it: there is nothing to translate")
    return container


def _video_streams(container: InputContainer) -> list[int]:
    """Indices of the video streams; the cover picture of a song does not count."""
    return [
        stream.index
        for stream in container.streams.video
        if not stream.disposition & av.stream.Disposition.attached_pic
    ]


class _MediaReader:
    """Decodes packets into pieces in the order of media time. Runs in the thread."""

    def __init__(self, container: InputContainer, *, pictures: bool) -> None:
        self._container = container
        sound = container.streams.audio[0]
        self._streams: list[Stream] = [sound]
        self._sound_index = sound.index
        self._pictures = pictures
        if pictures:
            video = container.streams[_video_streams(container)[0]]
            video.codec_context.thread_type = "AUTO"
            self._streams.append(video)
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
        self._pcm = bytearray()
        self._chunks = 0
        self._sound_start_ms: float | None = None
        self._next_picture_ms = 0.0
        self._video_ms = 0.0
        self._order = itertools.count()
        self._queue: list[tuple[float, bool, int, Piece]] = []

    def pieces(self, path: Path) -> Iterator[Piece]:
        broken = 0
        for packet in self._packets():
            try:
                for frame in packet.decode():
                    self._take(frame)
            except av.error.FFmpegError:
                broken += 1
                if broken > _MAX_BROKEN_PACKETS:
                    break
            yield from self._ready()
        self._sound(None)
        if self._pcm:
            self._chunk(bytes(self._pcm))
        if self._chunks == 0:
            raise MediaError(f"{path} has no sound in it that can be decoded")
        while self._queue:
            yield heapq.heappop(self._queue)[-1]

    def _packets(self) -> Iterator[av.Packet[Stream]]:
        try:
            yield from self._container.demux(*self._streams)
        except av.error.FFmpegError:
            return  # A truncated file: what came before is good.

    def _take(self, frame: object) -> None:
        if isinstance(frame, AudioFrame):
            if self._sound_start_ms is None:
                self._sound_start_ms = (frame.time or 0.0) * 1000
            self._sound(frame)
        elif isinstance(frame, VideoFrame):
            self._picture(frame)

    def _sound(self, frame: AudioFrame | None) -> None:
        for piece in self._resampler.resample(frame):
            self._pcm += piece.to_ndarray().tobytes()
        while len(self._pcm) >= CHUNK_BYTES:
            self._chunk(bytes(self._pcm[:CHUNK_BYTES]))
            del self._pcm[:CHUNK_BYTES]

    def _chunk(self, pcm: bytes) -> None:
        end_ms = self._chunks * CHUNK_MS + len(pcm) * 1000 / (RATE_HZ * 2)
        self._chunks += 1
        self._enqueue(SoundChunk(end_ms, pcm))

    def _picture(self, frame: VideoFrame) -> None:
        if frame.time is None:
            return
        at_ms = max(frame.time * 1000 - (self._sound_start_ms or 0.0), CHUNK_MS)
        self._video_ms = max(self._video_ms, at_ms)
        if at_ms < self._next_picture_ms:
            return
        self._next_picture_ms = at_ms + PICTURE_EVERY_MS
        jpeg = jpeg_of(frame)
        if jpeg is not None:
            self._enqueue(JpegFrame(at_ms, jpeg))

    def _enqueue(self, piece: Piece) -> None:
        # Of equal times audio comes first: servers want audio before a picture.
        is_picture = isinstance(piece, JpegFrame)
        heapq.heappush(self._queue, (piece.media_ms, is_picture, next(self._order), piece))

    def _ready(self) -> Iterator[Piece]:
        audio_ms = float(self._chunks * CHUNK_MS)
        ready_ms = audio_ms
        if self._pictures:
            ready_ms = max(min(audio_ms, self._video_ms), audio_ms - _MAX_VIDEO_LAG_MS)
        while self._queue and self._queue[0][0] <= ready_ms:
            yield heapq.heappop(self._queue)[-1]


def jpeg_of(frame: VideoFrame) -> bytes | None:
    """The frame as a JPEG within the API's limits; None if it stays too big."""
    width, height = _fitting(frame.width, frame.height)
    picture = frame.reformat(width=width, height=height, format="yuvj420p")
    picture.pts = 0
    for quality in _QUALITIES:
        jpeg = _compressed(picture, quality)
        if len(jpeg) <= PICTURE_MAX_BYTES:
            return jpeg
    return None


def _fitting(width: int, height: int) -> tuple[int, int]:
    shrink = min(PICTURE_BOX[0] / width, PICTURE_BOX[1] / height, 1.0)
    return max(2, int(width * shrink) // 2 * 2), max(2, int(height * shrink) // 2 * 2)


def _compressed(picture: VideoFrame, quality: int) -> bytes:
    codec = av.CodecContext.create("mjpeg", "w")
    assert isinstance(codec, VideoCodecContext)
    codec.width, codec.height = picture.width, picture.height
    codec.pix_fmt = "yuvj420p"
    codec.time_base = Fraction(1, 2)
    codec.qmin = codec.qmax = quality
    return b"".join(bytes(packet) for packet in [*codec.encode(picture), *codec.encode(None)])
