"""Which model a folder holds, and what is said about a folder that holds none."""

from __future__ import annotations

from pathlib import Path

import pytest

from dragoman.engines.base import EngineUnavailable
from dragoman.engines.sherpa import offline, streaming, tts
from dragoman.engines.sherpa.hotwords import hotword_rules
from dragoman.engines.sherpa.model_folder import find, folder_of
from dragoman.engines.sherpa.onnx_file import metadata_bytes, read_metadata
from tests.engines.sherpa.tiny_models import write_transducer

GRAPH = bytes([7 << 3 | 2, 3]) + b"abc"
"""A field of the number that the graph has in an ONNX file."""


def write(folder: Path, *names: str, model_type: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        if name.endswith("/"):
            (folder / name).mkdir()
        else:
            notes = {"model_type": model_type} if model_type else {}
            content = b"a 0\n" if "tokens" in name else GRAPH + metadata_bytes(notes)
            (folder / name).write_bytes(content)
    return folder


def test_metadata_are_read_without_the_library(tmp_path: Path) -> None:
    folder = write_transducer(tmp_path / "model")
    assert read_metadata(folder / "encoder.onnx")["model_type"] == "lstm"
    assert read_metadata(folder / "decoder.onnx") == {"context_size": "2", "vocab_size": "12"}


def test_every_cut_of_a_model_is_noticed(tmp_path: Path) -> None:
    """Wherever a file ends too early: in the graph, in the metadata, at the very beginning."""
    whole = (write_transducer(tmp_path / "model") / "joiner.onnx").read_bytes()
    cut = tmp_path / "cut.onnx"
    notes = len(metadata_bytes({"joiner_dim": "8"}))
    for size in (0, 1, 3, 40, len(whole) // 2, len(whole) - notes - 5, len(whole) - 1):
        cut.write_bytes(whole[:size])
        with pytest.raises(EngineUnavailable, match=r"cut\.onnx cannot be used"):
            read_metadata(cut)


@pytest.mark.parametrize(
    "content",
    [b"<html>404 Not Found</html>", b"\0" * 100, b"\xff" * 100, b"version https://git-lfs"],
)
def test_a_file_that_is_something_else_is_noticed(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(EngineUnavailable, match=r"model\.onnx cannot be used"):
        read_metadata(tmp_path / "model.onnx")


@pytest.mark.parametrize(
    ("kinds", "names", "model_type", "kind"),
    [
        (streaming, "encoder-epoch-99.int8.onnx decoder-epoch-99.onnx joiner.onnx tokens.txt",
         "zipformer2", "transducer"),
        (streaming, "encoder.int8.onnx decoder.int8.onnx tokens.txt", "", "paraformer"),
        (streaming, "model.int8.onnx tokens.txt", "EncDecHybridRNNTCTCBPEModel", "nemo-ctc"),
        (streaming, "ctc-epoch-30.onnx tokens.txt", "zipformer2", "zipformer-ctc"),
        (offline, "encoder.int8.onnx decoder.int8.onnx joiner.int8.onnx tokens.txt",
         "EncDecRNNTBPEModel", "nemo-transducer"),
        (offline, "encoder.onnx decoder.onnx joiner.onnx tokens.txt", "zipformer2", "transducer"),
        (offline, "encoder_model.ort decoder_model_merged.ort tokens.txt", "", "moonshine-v2"),
        (offline, "preprocess.onnx encode.int8.onnx uncached_decode.int8.onnx "
         "cached_decode.int8.onnx tokens.txt", "", "moonshine"),
        (offline, "tiny.en-encoder.int8.onnx tiny.en-decoder.int8.onnx tiny.en-tokens.txt",
         "whisper-tiny.en", "whisper"),
        (offline, "encoder.int8.onnx decoder.int8.onnx tokens.txt", "EncDecMultiTaskModel",
         "canary"),
        (offline, "model.int8.onnx tokens.txt", "sense_voice_ctc", "sense-voice"),
        (offline, "model.int8.onnx tokens.txt", "paraformer", "paraformer"),
        (offline, "conv_frontend.onnx encoder.int8.onnx decoder.int8.onnx tokenizer/", "",
         "qwen3-asr"),
        (tts, "model.int8.onnx voices.bin tokens.txt", "kokoro", "kokoro"),
        (tts, "model.fp16.onnx voices.bin tokens.txt", "kitten-tts", "kitten"),
        (tts, "model-steps-3.onnx vocos-22khz-univ.onnx tokens.txt", "matcha-tts", "matcha"),
        (tts, "en_US-amy-low.onnx tokens.txt", "vits", "vits"),
        (tts, "duration_predictor.int8.onnx text_encoder.int8.onnx vector_estimator.int8.onnx "
         "vocoder.int8.onnx tts.json unicode_indexer.bin voice.bin", "", "supertonic"),
    ],
)  # fmt: skip
def test_the_kind_follows_from_files_and_metadata(
    tmp_path: Path, kinds: object, names: str, model_type: str, kind: str
) -> None:
    folder = write(tmp_path / "model", *names.split(), model_type=model_type)
    found = find(folder, kinds.KINDS, "")  # type: ignore[attr-defined]  # a module with a table
    assert found.kind.name == kind
    assert {Path(path).name for path in found.files.values()} == {
        name.rstrip("/") for name in names.split()
    }


def test_of_two_precisions_a_cpu_gets_the_small_one(tmp_path: Path) -> None:
    folder = write(tmp_path / "m", "model.onnx", "model.int8.onnx", "tokens.txt", model_type="vits")
    assert find(folder, tts.KINDS, "").files["model"].endswith("model.int8.onnx")
    assert find(folder, tts.KINDS, "", full=True).files["model"].endswith("model.onnx")


def test_a_folder_without_a_model_says_what_it_lacks(tmp_path: Path) -> None:
    folder = write(tmp_path / "m", "encoder.onnx", "decoder.onnx", "joiner.onnx")
    with pytest.raises(EngineUnavailable, match=r"for the kind transducer it lacks tokens\.txt"):
        find(folder, streaming.KINDS, "")
    folder = write(tmp_path / "n", "model.onnx", "tokens.txt", model_type="silero-vad-v4")
    with pytest.raises(EngineUnavailable, match="do not name one of the model types"):
        find(folder, offline.KINDS, "sense-voice")
    with pytest.raises(EngineUnavailable, match="The option kind is one of transducer, "):
        find(folder, streaming.KINDS, "zipfomer")
    with pytest.raises(EngineUnavailable, match="neither a folder nor a model of the catalogue"):
        folder_of(str(tmp_path / "nowhere"))


# ---------------------------------------------------------------- hotwords
def test_hotwords_are_what_the_model_can_write(tmp_path: Path) -> None:
    tokens, vocabulary = tmp_path / "tokens.txt", tmp_path / "bpe.vocab"
    tokens.write_text("<blk> 0\n▁ACME 1\nORS 2\n▁BO 3\n", encoding="utf-8")
    vocabulary.write_text("▁ACME\t-1\n")
    rules = hotword_rules(tokens, vocabulary)
    assert rules.unit == "bpe"
    assert rules.listed(["Acme bors", "Müller", "a/ce:", "@", "", "acme BORS"]) == "ACME BORS/A CE"
    with pytest.raises(EngineUnavailable, match=r"need a file bpe\.vocab"):
        hotword_rules(tokens, None)
    tokens.write_text("<blk> 0\n你 1\n好 2\n▁hi 3\n", encoding="utf-8")
    assert hotword_rules(tokens, None).listed(["你好", "hi", "世界"]) == "你好"
