"""Any audio or video file as what the API takes: 100 ms of speech at a time, and pictures.

Law of this file: reading files and nothing of the network. PyAV blocks, so all of it runs in one
thread of its own, a batch ahead of the reader; memory is bounded by that batch.

How it works. Packets come out of the file interleaved; audio is resampled to 16 kHz mono and cut,
video is thinned to two pictures a second *before* it is scaled and compressed. A piece's media
time is the time at which a microphone or camera would have delivered it: the *end* of a chunk of
sound. Pieces leave in that order, and a picture never before the first sound, because servers
refuse it there. Sound waits at most two seconds for a video stream that lags behind in the file.
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
_LAG_MS = 2000
_BATCH = 20
_MAX_BROKEN = 500


class MediaError(ClientError):
    """The file cannot be used as speech; the text says why."""


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
            MediaError: no such file, no media, or nothing to hear in it.

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
        ahead = self._submit_batch()
        try:
            while batch := await asyncio.shield(ahead):
                ahead = self._submit_batch()
                for piece in batch:
                    yield piece
        finally:
            # A batch that nobody waits for may fail; its failure must not be reported as lost.
            ahead.add_done_callback(lambda done: done.cancelled() or done.exception())

    def _open(self) -> None:
        self._container = container = _opened(self.path)
        self.has_video = bool(_moving(container))
        if container.duration is not None:
            self.duration_ms = container.duration * 1000 / av.time_base
        reader = _Reader(container, pictures=self._wants_pictures and self.has_video)
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
        # One thread: this waits for a batch that is still being read.
        try:
            if self._container is not None:
                await self._in_thread(self._container.close)
        finally:
            self._thread.shutdown(wait=False)


def _opened(path: Path) -> InputContainer:
    if path.is_dir():
        raise MediaError(f"{path} is a folder, not an audio or video file")
    try:
        # "file:" and the list keep a play list or an odd name from reaching into the network. A
        # play list without an end is live: FFmpeg would load it again and again for 100 s.
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


def _moving(container: InputContainer) -> list[int]:
    """Indices of real video streams; the cover picture of a song is none."""
    return [
        stream.index
        for stream in container.streams.video
        if not stream.disposition & av.stream.Disposition.attached_pic
    ]


class _Reader:
    """Turns packets into pieces in media order. Lives in the reading thread."""

    def __init__(self, container: InputContainer, *, pictures: bool) -> None:
        self._container = container
        sound = container.streams.audio[0]
        self._streams: list[Stream] = [sound]
        self._sound_index = sound.index
        self._pictures = pictures
        if pictures:
            moving = container.streams[_moving(container)[0]]
            moving.codec_context.thread_type = "AUTO"
            self._streams.append(moving)
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
        self._rest = bytearray()
        self._chunks = 0
        self._sound_start_ms: float | None = None
        self._next_picture_ms = 0.0
        self._picture_seen_ms = 0.0
        self._order = itertools.count()
        self._held: list[tuple[float, bool, int, Piece]] = []

    def pieces(self, path: Path) -> Iterator[Piece]:
        broken = 0
        for packet in self._packets():
            try:
                for frame in packet.decode():
                    self._take(frame)
            except av.error.FFmpegError:
                broken += 1
                if broken > _MAX_BROKEN:
                    break
            yield from self._ready()
        self._sound(None)
        if self._rest:
            self._chunk(bytes(self._rest))
        if self._chunks == 0:
            raise MediaError(f"{path} has no sound in it that can be decoded")
        while self._held:
            yield heapq.heappop(self._held)[-1]

    def _packets(self) -> Iterator[av.Packet[Stream]]:
        try:
            yield from self._container.demux(*self._streams)
        except av.error.FFmpegError:
            return  # A file that was cut off: what came before it is good.

    def _take(self, frame: object) -> None:
        if isinstance(frame, AudioFrame):
            if self._sound_start_ms is None:
                self._sound_start_ms = (frame.time or 0.0) * 1000
            self._sound(frame)
        elif isinstance(frame, VideoFrame):
            self._picture(frame)

    def _sound(self, frame: AudioFrame | None) -> None:
        for piece in self._resampler.resample(frame):
            self._rest += piece.to_ndarray().tobytes()
        while len(self._rest) >= CHUNK_BYTES:
            self._chunk(bytes(self._rest[:CHUNK_BYTES]))
            del self._rest[:CHUNK_BYTES]

    def _chunk(self, pcm: bytes) -> None:
        end_ms = self._chunks * CHUNK_MS + len(pcm) * 1000 / (RATE_HZ * 2)
        self._chunks += 1
        self._hold(SoundChunk(end_ms, pcm))

    def _picture(self, frame: VideoFrame) -> None:
        if frame.time is None:
            return
        at_ms = max(frame.time * 1000 - (self._sound_start_ms or 0.0), CHUNK_MS)
        self._picture_seen_ms = max(self._picture_seen_ms, at_ms)
        if at_ms < self._next_picture_ms:
            return
        self._next_picture_ms = at_ms + PICTURE_EVERY_MS
        jpeg = jpeg_of(frame)
        if jpeg is not None:
            self._hold(JpegFrame(at_ms, jpeg))

    def _hold(self, piece: Piece) -> None:
        # Sound first where both are due, whatever order the file has them in: a picture needs
        # sound before it.
        late = isinstance(piece, JpegFrame)
        heapq.heappush(self._held, (piece.media_ms, late, next(self._order), piece))

    def _ready(self) -> Iterator[Piece]:
        heard_ms = float(self._chunks * CHUNK_MS)
        sure_ms = heard_ms
        if self._pictures:
            sure_ms = max(min(heard_ms, self._picture_seen_ms), heard_ms - _LAG_MS)
        while self._held and self._held[0][0] <= sure_ms:
            yield heapq.heappop(self._held)[-1]


def jpeg_of(frame: VideoFrame) -> bytes | None:
    """The frame as a JPEG within the API's limits; None if it cannot be made to fit."""
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
