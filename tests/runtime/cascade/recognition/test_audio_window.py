"""The audio of a window: all of it, in order, however it grows and is cut."""

from __future__ import annotations

import numpy as np

from dragoman.runtime.cascade.recognition.audio_window import AudioWindow


def test_frames_are_kept_in_order_while_the_buffer_grows_and_the_front_is_dropped() -> None:
    audio = np.arange(100_000, dtype=np.float32)
    window, dropped = AudioWindow(), 0
    for at in range(0, len(audio), 512):
        window.append(audio[at : at + 512])
        if at % 20_480 == 0:
            window.drop(300)
            dropped += 300
        end = min(at + 512, len(audio))
        assert np.array_equal(window.samples, audio[dropped:end])
    taken = window.take()
    window.append(np.zeros(512, np.float32))  # must not reach what was taken
    assert np.array_equal(taken, audio[dropped:])
    assert len(window) == 512


def test_a_frame_is_copied_once_not_with_the_whole_window() -> None:
    window, frame = AudioWindow(), np.zeros(512, np.float32)
    buffers = set()
    for _ in range(1_000):
        window.append(frame)
        buffers.add(window.samples.ctypes.data)
    assert len(buffers) < 8  # moved only when it doubles
