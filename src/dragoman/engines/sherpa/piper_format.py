"""A Piper voice as its makers publish it, made readable for sherpa-onnx.

Scope: files. Piper puts into ``NAME.onnx.json`` what sherpa-onnx looks for in the metadata of the
model and in ``tokens.txt``. Protobuf adds up: metadata written behind a model belong to it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dragoman.engines.base import EngineUnavailable
from dragoman.engines.sherpa.onnx_file import metadata_bytes, read_metadata


@contextmanager
def readable(folder: Path) -> Iterator[Path]:
    """The folder; or, for the first Piper voice in it that lacks metadata, a temporary one with the
    same voice, which is gone behind the block. Raises ``EngineUnavailable``.
    """
    voices = [path for path in sorted(folder.glob("*.onnx")) if _description(path).is_file()]
    if not voices or "model_type" in read_metadata(voices[0]):
        yield folder
        return
    try:
        described = json.loads(_description(voices[0]).read_bytes())
        notes, tokens = _notes(described), _tokens(described)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        raise EngineUnavailable(f"{_description(voices[0])} describes no Piper voice.") from None
    with TemporaryDirectory(prefix="dragoman-piper-") as name:
        made = Path(name)
        with (made / "model.onnx").open("wb") as model:
            with voices[0].open("rb") as original:
                shutil.copyfileobj(original, model)
            model.write(metadata_bytes(notes))
        for lexicon in folder.glob("lexicon*.txt"):
            (made / lexicon.name).symlink_to(lexicon.absolute())
        (made / "tokens.txt").write_text(tokens, encoding="utf-8")
        yield made


def _description(voice: Path) -> Path:
    return voice.with_name(f"{voice.name}.json")


def _notes(described: Any) -> dict[str, str]:
    audio, espeak = described["audio"], described["espeak"]
    return {
        "model_type": "vits",
        "comment": "piper",
        "has_espeak": "1",
        "language": str(espeak["voice"]),
        "voice": str(espeak["voice"]),
        "n_speakers": str(described.get("num_speakers", 1)),
        "sample_rate": str(audio["sample_rate"]),
    }


def _tokens(described: Any) -> str:
    numbers = described["phoneme_id_map"]
    return "".join(f"{sound} {ids[0]}\n" for sound, ids in numbers.items() if len(sound) == 1)
