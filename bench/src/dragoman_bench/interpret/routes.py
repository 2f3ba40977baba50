"""Two choices of translators on the texts of the recordings, sentence by sentence.

Scope: text to text, no audio. For every direction that the manifest has human translations for and
that both choices cover: chrF and BLEU of each, and whether the difference is more than chance
(paired bootstrap over the recordings). ``runtime.routing.measured_routes`` is made from it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import sacrebleu

from dragoman.engines.base import Translation
from dragoman.engines.registry import parse_choice
from dragoman.policy.segmentation.segmenter import Segmenter
from dragoman.runtime.engine_set import EngineSet
from dragoman_bench.figures import BenchFailed
from dragoman_bench.interpret.bootstrap import Difference, bootstrap, corpus_measure
from dragoman_bench.text_metrics import tokenizer

Pair = tuple[str, str]
Rows = Sequence[tuple[str, str]]
_OTHERS = "vad=energy,asr=scripted-asr,tts=scripted-tts"


class Compared(msgspec.Struct, frozen=True):
    """One direction: how many texts, chrF and BLEU of both choices, and the mean time of a
    sentence in ms (waiting included).
    """

    pair: Pair
    count: int
    chrf: Difference
    bleu: Difference
    a_ms: float
    b_ms: float


def texts(folder: Path, *, back: bool = False) -> dict[Pair, list[tuple[str, str]]]:
    """Transcripts with a human translation, by direction; with ``back`` also those translations as
    texts to be translated back. Raises ``BenchFailed``.
    """
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        raise BenchFailed(f"there is no {manifest}: name a folder with --recordings")
    found: dict[Pair, list[tuple[str, str]]] = {}
    for entry in json.loads(manifest.read_text("utf-8")):
        for target, translation in (entry.get("translations") or {}).items():
            if entry.get("transcript") and translation and translation.get("text"):
                said, read = _line(entry["transcript"]), _line(translation["text"])
                found.setdefault((entry["language"], target), []).append((said, read))
                if back:
                    found.setdefault((target, entry["language"]), []).append((read, said))
    return found


async def compare(a: str, b: str, rows: Mapping[Pair, Rows]) -> list[Compared]:
    """The directions that both choices cover. ``a`` and ``b`` are values for the role ``mt``."""
    made = [await _translated(choice, rows) for choice in (a, b)]
    found = []
    for pair in rows:
        if not all(pair in one for one in made):
            continue
        (said_a, a_ms), (said_b, b_ms) = (one[pair] for one in made)
        references = [reference for _, reference in rows[pair]]
        chrf = _difference("chrF", sacrebleu.CHRF(), said_a, said_b, references)
        metric = sacrebleu.BLEU(tokenize=tokenizer(pair[1]))
        bleu = _difference("BLEU", metric, said_a, said_b, references)
        found.append(Compared(pair, len(references), chrf, bleu, a_ms, b_ms))
    return found


def _difference(
    name: str, metric: Any, a: Sequence[str], b: Sequence[str], references: Sequence[str]
) -> Difference:
    one, other = (corpus_measure(metric, said, references) for said in (a, b))
    found = bootstrap(one, other, len(references), name=name)
    assert found is not None, "both are defined"
    return found


async def _translated(
    choice: str, rows: Mapping[Pair, Rows]
) -> dict[Pair, tuple[list[str], float]]:
    engines = EngineSet(parse_choice(f"{_OTHERS},mt={choice}"), warm=())
    await engines.load()
    try:
        made = {}
        for pair, texts in rows.items():
            if not engines.coverage.can_translate(*pair):
                continue
            sentences = [_sentences(text) for text, _ in texts]
            began_s = time.perf_counter()
            said = [" ".join([await _one(engines, pair, s) for s in text]) for text in sentences]
            count = sum(map(len, sentences))
            made[pair] = said, 1000 * (time.perf_counter() - began_s) / max(count, 1)
        return made
    finally:
        await engines.close()


async def _one(engines: EngineSet, pair: Pair, sentence: str) -> str:
    request = Translation(text=sentence, source=pair[0], target=pair[1])
    return str(await engines.translator(*pair).call(request))


def _line(text: str) -> str:
    return " ".join(text.split())


def _sentences(text: str) -> list[str]:
    segmenter = Segmenter()
    found = [*segmenter.feed(text), *segmenter.flush()]
    return [sentence.strip() for sentence in found if sentence.strip()]
