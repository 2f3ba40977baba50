"""A translator made of one engine or of two, one after the other.

Scope: the way of one sentence, and what must not get lost on it.

* *Names.* Engines that treat words by rules (those that list ``placeholders``) read some names as
  common words. When a name (``policy.glossary.names``) is missing in such an engine's answer, the
  sentence is translated again with a placeholder for it. Names that are there are left alone: the
  engine knows their gender better.
* *Numbers* in digits that are missing in the answer of two engines: ``plain``, the engine that
  covers the direction alone, is asked; if it keeps them, its answer is taken.
* *The client's glossary* comes as placeholders in the text, which all engines leave as they are.

Only what the text says decides, so drafts and committed text are treated alike. The hosts belong to
the engine set; nothing is started or closed here.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress

from msgspec.structs import replace

from dragoman.engines.base import Info, Translation, Utterance
from dragoman.policy.glossary.mt_placeholders import TermPlaceholders
from dragoman.policy.glossary.names import kept_names, known_names, lost_names
from dragoman.policy.glossary.terms import Glossary
from dragoman.policy.vision.onscreen import terms_of
from dragoman.runtime.hosts.engine_work import EngineWork
from dragoman.runtime.hosts.host import EngineFailed, EngineHost, HostStream, Vitals
from dragoman.runtime.hosts.requests import Answer, Request, StartRequest, WarmDirection
from dragoman.speech import Hints
from dragoman.text.numbers import lost_numbers


class TranslationRoute:
    """An ``EngineHost`` for the direction ``languages[0]`` to ``languages[-1]``; ``hosts`` are the
    one or two engines on the way.
    """

    def __init__(
        self,
        hosts: Sequence[EngineHost],
        languages: Sequence[str],
        plain: EngineHost | None = None,
    ) -> None:
        self._legs = list(zip(hosts, languages[:-1], languages[1:], strict=True))
        self._hosts = hosts
        self._plain = plain
        infos = [host.info for host in hosts]
        self.info: Info = infos[0] if len(infos) == 1 else _joined(infos, languages)
        self.capacity = min(host.capacity for host in hosts)
        self.work: EngineWork = hosts[0].work

    @property
    def waiting(self) -> int:
        """Calls queued and not begun, of all its engines."""
        return sum(host.waiting for host in self._hosts)

    @property
    def vitals(self) -> Vitals:
        """Those of its weakest engine."""
        order = ("open", "half-open", "closed")
        vitals = [host.vitals for host in self._hosts]
        return min(vitals, key=lambda one: (order.index(one.circuit), one.workers))

    async def start(self) -> None:
        """Nothing: the engine set starts the hosts."""

    async def close(self) -> None:
        """Nothing."""

    async def open(self, request: StartRequest) -> HostStream:
        """Translators have no streams."""
        raise EngineFailed(f"{self.info.name} is a translator: it has no {type(request).__name__}")

    def speak(
        self, utterance: Utterance, rate_hz: int, *, slack_s: float = 0.0
    ) -> AsyncGenerator[bytes, None]:
        """Translators do not speak."""
        raise EngineFailed(f"{self.info.name} is a translator: it does not speak")

    async def call(self, request: Request) -> Answer:
        """A translation, or the warming of the direction. Raises ``EngineFailed``."""
        if isinstance(request, WarmDirection):
            for host, source, target in self._legs:
                await host.call(WarmDirection(source, target))
            return None
        if not isinstance(request, Translation):
            raise EngineFailed(f"{self.info.name} does not answer a {type(request).__name__}")
        answer = await self._translate(request)
        if self._plain is not None and lost_numbers(request.text, answer):
            with suppress(EngineFailed):
                other = _text(await self._plain.call(request))
                return other if not lost_numbers(request.text, other) else answer
        return answer

    async def _translate(self, request: Translation) -> str:
        known = [term for line in request.onscreen for sure, term in terms_of(line) if sure]
        known += [term for term, value in request.hints.phrases.items() if not value]
        asked = request
        for number, (host, source, target) in enumerate(self._legs):
            names = known_names(asked.text, known)
            if number:
                names += kept_names(request.text, asked.text, request.source)
            if len(self._legs) > 1:
                asked = replace(asked, source=source, target=target, before=(), prefix="")
            answer = await _keeping(host, asked, names)
            asked = replace(asked, text=answer)
        return asked.text


async def _keeping(host: EngineHost, request: Translation, names: Sequence[str]) -> str:
    """The engine's translation; once more with placeholders for names that it lost."""
    answer = _text(await host.call(request))
    lost = lost_names(names, answer) if host.info.placeholders else []
    if not lost:
        return answer
    hidden = TermPlaceholders(
        request.text, Glossary({name: name for name in lost}, exact=True), host.info.placeholders
    )
    asked = replace(request, text=hidden.text, prefix="", hints=Hints())
    other = hidden.restored(_text(await host.call(asked)))
    return answer if lost_names(lost, other) else other


def _text(answer: Answer) -> str:
    if not isinstance(answer, str):
        raise TypeError("a translator answered with no text")
    return answer


def _joined(infos: Sequence[Info], languages: Sequence[str]) -> Info:
    """Two engines as one: as good as the weaker, and with the placeholders that both leave alone
    (an engine that lists none leaves any name alone, as measured for ``firefox``).
    """
    lists = [info.placeholders for info in infos if info.placeholders]
    common = [name for name in (lists[0] if lists else ()) if all(name in one for one in lists)]
    order = ("scripted", "gist", "basic", "good")
    return Info(
        name="+".join(info.name for info in infos),
        role="mt",
        licence="; ".join(info.licence for info in infos),
        quality=min((info.quality for info in infos), key=order.index),
        languages=(languages[0],),
        pairs=((languages[0], languages[-1]),),
        placeholders=tuple(common),
        about=f"{languages[0]} to {languages[-1]} by way of {' and '.join(languages[1:-1])}",
    )
