"""What espeak says it speaks: its word and phoneme events. A program, run as a process of its own.

    python espeak_events.py < requests.json > answers.json

It reads a JSON list of ``[text, voice, flags]`` and writes, for each, ``words`` (character offset
and length in the text) and ``phonemes`` (names). espeak-ng is GPL: the test process never loads
it. Needs the package ``espeakng-loader`` and nothing of Dragoman.
"""

from __future__ import annotations

import ctypes
import json
import sys
from pathlib import Path

import espeakng_loader

WORD, PHONEME = 1, 7
SYNCHRONOUS, PHONEME_EVENTS, DONT_EXIT = 2, 1, 0x8000


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):  # espeak_EVENT of speak_lib.h
    _fields_ = (
        *(("type", ctypes.c_int), ("unique", ctypes.c_uint), ("position", ctypes.c_int)),
        *(("length", ctypes.c_int), ("ms", ctypes.c_int), ("sample", ctypes.c_int)),
        *(("user", ctypes.c_void_p), ("id", _Id)),
    )


_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


def main() -> None:
    """Answer every request."""
    lib = ctypes.CDLL(espeakng_loader.get_library_path())
    data = str(Path(espeakng_loader.get_data_path()).parent).encode()
    assert lib.espeak_Initialize(SYNCHRONOUS, 60, data, DONT_EXIT | PHONEME_EVENTS) > 0
    lib.espeak_Synth.argtypes = [
        *(ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int),
        *(ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p),
    ]
    words: list[tuple[int, int]] = []
    phonemes: list[str] = []

    def heard(_samples: object, _count: int, events: object) -> int:
        index = 0
        while events[index].type != 0:
            event = events[index]
            if event.type == WORD:
                words.append((event.position - 1, event.length))
            elif event.type == PHONEME:
                phonemes.append(event.id.string.decode())
            index += 1
        return 0

    callback = _CALLBACK(heard)
    lib.espeak_SetSynthCallback(callback)
    answers = []
    for text, voice, flags in json.load(sys.stdin):
        words.clear()
        phonemes.clear()
        assert lib.espeak_SetVoiceByName(voice.encode()) == 0, voice
        encoded = text.encode() + b"\0"
        assert lib.espeak_Synth(encoded, len(encoded), 0, 1, 0, flags, None, None) == 0
        answers.append({"words": list(words), "phonemes": list(phonemes)})
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
