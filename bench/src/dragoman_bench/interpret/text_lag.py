r"""How late text is, as the literature defines it.

Scope: arithmetic over delays; no log, no clock. ``delays`` holds, for each unit of the
output in order, the moment in ms since the speech began at which it was there in its final form:
counted in speech that had been sent by then (computation-unaware, CU) or in real time
(computation-aware, CA). ``source_ms`` is the length of the speech (X), ``units`` the number of
units of the reference (R; of the output where there is none), Y the number of delays.

========  ==============================================================  ========================
AL        mean of d_i - (i-1) X/R, up to the first d_i >= X               arxiv.org/abs/1810.08398
LAAL      the same with X/max(Y, R)                                       arxiv.org/abs/2206.05807
AP        sum of d_i / (X R)                                              arxiv.org/abs/1606.02012
DAL       the mean over all, with d'_i = max(d_i, d'_{i-1} + X/Y)         arxiv.org/abs/1906.05218
YAAL      LAAL over units with d_i < X only; undefined without any        arxiv.org/abs/2509.17349
SWF       the share of units with d_i < X (EFSW: the share to expect)     the same
ATD       mean of end of unit - end of the source token it belongs to     arxiv.org/abs/2211.13173
========  ==============================================================  ========================

All agree with SimulEval and OmniSTEval (bench/tests/interpret/test_judges.py). Each can be fooled:
AL and LAAL fall to d_1 when nothing is said before the end; look at more than one.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from statistics import fmean

TOKEN_MS = 300.0
"""How long a token of speech is taken to be in ATD."""


def al(delays: Sequence[float], source_ms: float, units: int) -> float | None:
    """Average lagging in ms; None for no output or no speech."""
    return _lagging(delays, source_ms, units, _before_end(delays, source_ms) + 1)


def laal(delays: Sequence[float], source_ms: float, units: int) -> float | None:
    """Length-adaptive average lagging in ms; None for no output or no speech."""
    return al(delays, source_ms, max(len(delays), units))


def yaal(delays: Sequence[float], source_ms: float, units: int) -> float | None:
    """Yet another average lagging in ms; None when nothing came before the speech was over."""
    longer = max(len(delays), units)
    return _lagging(delays, source_ms, longer, _before_end(delays, source_ms))


def _lagging(delays: Sequence[float], source_ms: float, units: int, count: int) -> float | None:
    """Mean of d_i - (i-1) X/units over the first ``count`` delays."""
    if not delays[:count] or source_ms <= 0 or units <= 0:
        return None
    pace_ms = source_ms / units
    return fmean(delay - index * pace_ms for index, delay in enumerate(delays[:count]))


def _before_end(delays: Sequence[float], source_ms: float) -> int:
    """How many delays there are before the first that is not shorter than the speech."""
    return sum(1 for _ in itertools.takewhile(lambda delay: delay < source_ms, delays))


def ap(delays: Sequence[float], source_ms: float, units: int) -> float | None:
    """Average proportion (a share); None for no output or no speech."""
    if not delays or source_ms <= 0 or units <= 0:
        return None
    return sum(delays) / (source_ms * units)


def dal(delays: Sequence[float], source_ms: float) -> float | None:
    """Differentiable average lagging in ms; None for no output or no speech."""
    if not delays or source_ms <= 0:
        return None
    pace_ms = source_ms / len(delays)
    paced = itertools.accumulate(delays, lambda before, delay: max(delay, before + pace_ms))
    return fmean(delay - index * pace_ms for index, delay in enumerate(paced))


def early(delays: Sequence[float], source_ms: float) -> int:
    """How many units were there before the speech was over."""
    return sum(delay < source_ms for delay in delays)


def efsw(lags: Sequence[tuple[float | None, float]]) -> float | None:
    """The share of early units to expect from (YAAL, X) of each recording; None without any.

    When the real share (SWF) is more than 0.2 away from it, the policy is degenerate.
    """
    known = [(lag, source) for lag, source in lags if lag is not None]
    whole = sum(source for _, source in known)
    return sum(max(0.0, source - lag) for lag, source in known) / whole if whole else None


# ---------------------------------------------------------------- average token delay
def atd(delays: Sequence[float], lengths_ms: Sequence[float] | None = None) -> float | None:
    """Average token delay in ms, computation-unaware; None for no output.

    The source is counted in tokens of 300 ms. Text has no length; for speech ``lengths_ms`` are
    the lengths of its pieces, which are counted in such tokens, too. Give times of arrival as
    ``delays`` for what a listener waits.
    """
    if not delays:
        return None
    chunks = _chunks(delays, lengths_ms)
    sources = _sources([at for at, _ in chunks])
    source_ends = [0.0]
    for tokens in sources:
        for length in tokens:
            source_ends.append(source_ends[-1] + length)
    total, count, said, heard, end = 0.0, 0, 0, 0, 0.0
    for (at, tokens), new in zip(chunks, sources, strict=True):
        surplus = max(0, said - heard)
        heard += len(new)
        for length in tokens:
            count += 1
            end = max(at, end) + length
            total += end - source_ends[min(count - surplus, heard)]
        said += len(tokens)
    return total / count


def _chunks(
    delays: Sequence[float], lengths_ms: Sequence[float] | None
) -> list[tuple[float, list[float]]]:
    """Output that came at one moment, as (moment, lengths of its tokens)."""
    found: list[tuple[float, list[float]]] = []
    if lengths_ms is None:
        for at in delays:
            if not found or found[-1][0] != at:
                found.append((at, []))
            found[-1][1].append(0.0)
        return found
    sums: list[tuple[float, float]] = []
    for at, length in zip(delays, lengths_ms, strict=True):
        if sums and sums[-1][0] == at:
            sums[-1] = (at, sums[-1][1] + length)
        else:
            sums.append((at, length))
    return [(at, _tokens(length)) for at, length in sums]


def _tokens(length_ms: float) -> list[float]:
    whole, rest = divmod(length_ms, TOKEN_MS)
    return [TOKEN_MS] * int(whole) + ([rest] if rest else [])


def _sources(moments: Sequence[float]) -> list[list[float]]:
    """The source that came in before each moment, in tokens; moments must not repeat."""
    return [_tokens(after - before) for before, after in itertools.pairwise([0.0, *moments])]
