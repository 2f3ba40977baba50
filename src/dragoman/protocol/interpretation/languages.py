"""Language codes of the interpretation families, and what of them the loaded engines cover.

Scope: tables and pure questions. Codes are BCP-47 primary tags as the API writes
them (``nb``, ``fil``, ``yue``). What the engines can do counts, also beyond a family's table; a
language that no table lists is unknown, even to engines that claim every language (``"*"``).

Sources of the tables: the model pages of qwen3-, qwen3.5- and qwen3.8-livetranslate-flash-realtime.
"""

from __future__ import annotations

from collections.abc import Iterable

from dragoman.speech import Coverage

_QWEN3_SPOKEN = "en zh ru fr de pt es it ko ja yue"
_QWEN3_TEXT_ONLY = "id vi th ar hi el tr"
_QWEN35_SPOKEN = (
    "zh en ar de fr es pt id it ko ru th vi ja tr hi ms nl ur nb sv da he fi pl is cs fil fa"
)
_QWEN35_TEXT_ONLY = (
    "yue el af ast be bg bn bs ca ceb et gl gu hr hu jv kk kn ky lv mk ml mr pa ro sk sl sw tg az"
    " uk"
)

QWEN3_SPOKEN = tuple(_QWEN3_SPOKEN.split())
QWEN3_TEXT_ONLY = tuple(_QWEN3_TEXT_ONLY.split())
QWEN35_SPOKEN = tuple(_QWEN35_SPOKEN.split())
QWEN35_TEXT_ONLY = tuple(_QWEN35_TEXT_ONLY.split())

KNOWN = frozenset(QWEN3_SPOKEN + QWEN3_TEXT_ONLY + QWEN35_SPOKEN + QWEN35_TEXT_ONLY)

_ANY = "*"


def recognised(coverage: Coverage) -> frozenset[str]:
    """The source languages that the engines recognise."""
    return _spelled_out(coverage.hears)


def reachable(coverage: Coverage, source: str | None) -> frozenset[str]:
    """The target languages that speech of ``source`` (None: of any) can come out in."""
    sources = coverage.hears if source is None else frozenset((source,))
    everything = _ANY in sources
    pairs = {t for s, t in coverage.pairs if everything or s == _ANY or s in sources}
    return _spelled_out(pairs | sources)


def _spelled_out(codes: Iterable[str]) -> frozenset[str]:
    named = frozenset(codes)
    return (named - {_ANY}) | KNOWN if _ANY in named else named
