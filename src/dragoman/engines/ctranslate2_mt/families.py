"""Families of translation models on CTranslate2: how each is told the two languages.

Scope: pure. A family is told by the tokens in its vocabulary: ``__es__`` (M2M100), ``spa_Latn``
(NLLB), ``<2es>`` (MADLAD), and none of these for Marian (OPUS-MT), where a model for several
targets has ``>>es<<`` or ``>>spa<<``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

import msgspec

END = "</s>"
_CODES = """
    ar arb_Arab | bg bul_Cyrl | bn ben_Beng | ca cat_Latn | cs ces_Latn | da dan_Latn | de deu_Latn
    el ell_Grek | en eng_Latn | es spa_Latn | et est_Latn | fa pes_Arab | fi fin_Latn | fr fra_Latn
    gl glg_Latn | he heb_Hebr | hi hin_Deva | hr hrv_Latn | hu hun_Latn | id ind_Latn | it ita_Latn
    ja jpn_Jpan | ko kor_Hang | lt lit_Latn | lv lvs_Latn | ms zsm_Latn | nb nob_Latn | nl nld_Latn
    pl pol_Latn | pt por_Latn | ro ron_Latn | ru rus_Cyrl | sk slk_Latn | sl slv_Latn | sr srp_Cyrl
    sv swe_Latn | sw swh_Latn | ta tam_Taml | te tel_Telu | th tha_Thai | tl tgl_Latn | tr tur_Latn
    uk ukr_Cyrl | ur urd_Arab | vi vie_Latn | yue yue_Hant | zh zho_Hans
"""
_FLORES = dict(zip(*[iter(_CODES.replace("|", " ").split())] * 2, strict=True))

FamilyName = Literal["marian", "m2m100", "nllb", "madlad"]
Pair = tuple[str, str]


class MtFamily(msgspec.Struct, frozen=True):
    """A family, and the tokens by which this model names languages: of sources, of targets."""

    name: FamilyName
    sources: Mapping[str, str] = {}
    targets: Mapping[str, str] = {}

    def pairs(self) -> tuple[Pair, ...]:
        """The directions that the vocabulary tells; none for Marian."""
        if self.name == "marian":
            return ()
        if self.name == "madlad":
            return tuple(("*", target) for target in self.targets)
        return tuple((a, b) for a in self.sources for b in self.targets if a != b)

    def source(self, pieces: list[str], pair: Pair) -> list[str]:
        """The tokens of a source text with what the model wants around them."""
        told = self.targets if self.name in {"marian", "madlad"} else self.sources
        token = told.get(pair[self.name in {"marian", "madlad"}])
        return [*([token] if token else []), *pieces, END]

    def target(self, pieces: list[str], pair: Pair) -> list[str]:
        """The tokens that the answer begins with."""
        token = self.targets.get(pair[1]) if self.name in {"m2m100", "nllb"} else None
        return [*([token] if token else []), *pieces]


def family_of(vocabulary: Collection[str]) -> MtFamily:
    """The family of a model with this vocabulary."""
    known = set(vocabulary)
    m2m = _tags(known, "__", "__")
    nllb = {tag: code for tag, code in _FLORES.items() if code in known}
    madlad = _tags(known, "<2", ">")
    if len(m2m) > 1:
        return MtFamily("m2m100", m2m, m2m)
    if len(nllb) > 1:
        return MtFamily("nllb", nllb, nllb)
    if len(madlad) > 1:
        return MtFamily("madlad", {}, madlad)
    targets = _tags(known, ">>", "<<")
    long = {tag: f">>{code[:3]}<<" for tag, code in _FLORES.items()}
    targets |= {tag: token for tag, token in long.items() if token in known}
    return MtFamily("marian", {}, targets)


def _tags(known: set[str], before: str, behind: str) -> dict[str, str]:
    """Tags of two or three letters by the tokens that name them."""
    found = {}
    for token in sorted(known):
        tag = token[len(before) : -len(behind)]
        if token == f"{before}{tag}{behind}" and 2 <= len(tag) <= 3 and tag.isalpha():
            found[tag.lower()] = token
    return found
