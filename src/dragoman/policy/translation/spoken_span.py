"""When some words of a turn were said: from the begin of the first to the end of the last.

Scope: arithmetic on the times of words. Pure. A translator that hears needs the audio of the text
that it is given, whole and with nothing of other words where that is known. Recognisers differ:
some give the begin and the end of each word; of others only the end of the audio is known in which
a word was first recognised, which is late; some streams give nothing, and then the words are spread
over the turn by their letters. The less is known, the more is taken.
"""

from __future__ import annotations

from collections.abc import Sequence

from dragoman.speech import Word

CONTEXT_MS = 200
"""Audio around words whose times are known, as far as it is nobody's."""
UNSURE_MS = 800
"""The same around estimated times: hardly a word is longer."""


def spoken_span(
    words: Sequence[Word], begin: int, end: int, turn_ms: tuple[int, int]
) -> tuple[int, int]:
    """Where ``words[begin:end]`` lie in the session's media time. ``words`` are those of a turn,
    whose audio lies between the two times of ``turn_ms``; nothing outside is returned.
    """
    wanted = words[begin:end]
    first_ms, last_ms = turn_ms
    starts = [word.start_ms for word in wanted if word.start_ms is not None]
    ends = [word.end_ms for word in wanted if word.end_ms is not None]
    if not wanted or not ends:
        begin_ms, end_ms = _spread(words, begin, end, turn_ms)
        return max(first_ms, begin_ms - UNSURE_MS), min(last_ms, end_ms + UNSURE_MS)
    if wanted[0].start_ms is not None:
        before = words[begin - 1] if begin else None
        least_ms = first_ms
        if before is not None and before.start_ms is not None and before.end_ms is not None:
            least_ms = max(first_ms, before.end_ms)
        begin_ms = min(*starts, max(least_ms, starts[0] - CONTEXT_MS))
    else:
        earlier = [word.end_ms for word in words[:begin] if word.end_ms is not None]
        begin_ms = max((ms for ms in earlier if ms < ends[0]), default=first_ms) - UNSURE_MS
        begin_ms = min(begin_ms, *starts) if starts else begin_ms
    following = words[end].start_ms if end < len(words) else None
    end_ms = max(ends) + CONTEXT_MS
    if following is not None:
        end_ms = max(*ends, min(end_ms, following))
    elif wanted[-1].end_ms is None:
        end_ms = last_ms
    begin_ms = min(max(first_ms, begin_ms), last_ms)
    return begin_ms, max(begin_ms, min(last_ms, end_ms))


def _spread(
    words: Sequence[Word], begin: int, end: int, turn_ms: tuple[int, int]
) -> tuple[int, int]:
    """As if every letter took as long as any other."""
    letters = [0]
    for word in words:
        letters.append(letters[-1] + len(word.text))
    first_ms, last_ms = turn_ms
    share_ms = (last_ms - first_ms) / max(letters[-1], 1)
    return first_ms + int(letters[begin] * share_ms), first_ms + int(letters[end] * share_ms)
