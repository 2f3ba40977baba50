"""Long streams by OmniSTEval: the whole translation is cut along the reference, then scored.

Scope: writes OmniSTEval's files, runs its program, reads its scores. The program
(Apache-2.0, a development dependency) is never imported. Layout and scores are those of version
0.1.10 (https://github.com/pe-trik/OmniSTEval, https://arxiv.org/abs/2509.17349):

* ``instances.log``: one JSON line for each stream: ``source``, ``prediction``, ``delays`` (CU) and
  ``elapsed`` (CA) in ms for each word (character where those count), ``source_length`` in ms;
* ``segments.yaml``: ``wav``, ``offset`` and ``duration`` in seconds of each recording in it;
* ``references.txt``: one human translation a line, in the same order.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from dragoman.engines.shared.model_files import pip_install
from dragoman_bench.figures import BenchFailed
from dragoman_bench.interpret.score import Item
from dragoman_bench.interpret.script import Script, by_character, units
from dragoman_bench.text_metrics import tokenizer

_LIMIT_S = 300.0


def installed() -> bool:
    """Whether the program can be run."""
    return importlib.util.find_spec("omnisteval") is not None


def write(scored: Sequence[tuple[Item, Script]], folder: Path) -> None:
    """Write the three files for these streams; each needs a reference for all it says.

    Raises ``OSError``, ``ValueError`` when a recording has no translation.
    """
    folder.mkdir(parents=True, exist_ok=True)
    instances, segments, references = [], [], []
    for number, (item, script) in enumerate(scored):
        wav = f"{number}-{script.name}.wav"
        text = "".join(units(item.target_text, script.target))
        row = {
            "index": number,
            "source": wav,
            "prediction": text if by_character(script.target) else item.target_text,
            "delays": item.sent_ms,
            "elapsed": item.arrived_ms,
            "source_length": script.length_ms,
        }
        instances.append(msgspec.json.encode(row).decode())
        for segment in script.segments:
            reference = segment.translations.get(script.target)
            if reference is None:
                raise ValueError(f"{segment.id} has no translation into {script.target}")
            references.append(reference)
            start, length = segment.start_ms / 1000, segment.length_ms / 1000
            segments.append(
                f"- {{wav: {wav}, offset: {start:.3f}, duration: {length:.3f}, speaker_id: one}}"
            )
    for name, lines in (
        ("instances.log", instances),
        ("segments.yaml", segments),
        ("references.txt", references),
    ):
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def run(folder: Path, target: str) -> dict[str, float]:
    """OmniSTEval's scores of the files in this folder, by its own names (``LongYAAL (CA)``).

    Raises ``BenchFailed`` when it is not installed or fails.
    """
    if not installed():
        raise BenchFailed(f"OmniSTEval is not installed: {pip_install('OmniSTEval')}")
    out = folder / "omnisteval"
    language = ["--lang", target.split("-", maxsplit=1)[0]]
    command = [
        *(sys.executable, "-m", "omnisteval.cli", "longform"),
        *("--speech_segmentation", str(folder / "segments.yaml")),
        *("--ref_sentences_file", str(folder / "references.txt")),
        *("--hypothesis_file", str(folder / "instances.log")),
        *("--bleu_tokenizer", tokenizer(target), "--output_folder", str(out)),
        *(["--char_level"] if by_character(target) else ["--word_level", *language]),
    ]
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=_LIMIT_S
        )
    except subprocess.TimeoutExpired:
        raise BenchFailed(f"OmniSTEval took more than {_LIMIT_S:.0f} s") from None
    if done.returncode:
        raise BenchFailed(f"OmniSTEval failed: {done.stderr[-500:]}")
    return read_scores(out / "scores.tsv")


def read_scores(path: Path) -> dict[str, float]:
    """What stands in a ``scores.tsv``, numbers only. Raises ``OSError``."""
    found: dict[str, float] = {}
    for line in path.read_text("utf-8").splitlines()[1:]:
        name, _, value = line.partition("\t")
        try:
            found[name] = float(value)
        except ValueError:
            continue
    return found
