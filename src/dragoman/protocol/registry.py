"""The table of APIs, and which of them serves a model on a path.

Scope: pure; one row per API. Models are found by pattern, because every family has dated snapshots
and new ones appear; an operator can name further models. A new API is a folder and a row here, and
what ``docs/apis.md`` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from dragoman.protocol.audio_input import events as audio_input_events
from dragoman.protocol.core.api import Api, ModelFamily
from dragoman.protocol.core.client_text import shown
from dragoman.protocol.core.codec import Codec, Template
from dragoman.protocol.core.events import Ids, ServerEvent
from dragoman.protocol.core.principal import ANONYMOUS, Principal
from dragoman.protocol.core.session import BaseSession, Limits, SessionContext
from dragoman.protocol.interpretation import events as interpretation_events
from dragoman.protocol.interpretation import generations
from dragoman.protocol.interpretation.generation import Generation
from dragoman.protocol.interpretation.session import InterpretationSession
from dragoman.protocol.realtime.events import (
    SESSION_EVENTS,
    AudioDelta,
    SessionFinish,
    audio_delta_frame,
)
from dragoman.protocol.realtime.unknown_model import UnknownModelSession
from dragoman.protocol.recognition.family import QWEN3_ASR, RecognitionFamily
from dragoman.protocol.recognition.family import family_for as recognition_family
from dragoman.protocol.recognition.options import RecognitionOptions
from dragoman.protocol.recognition.session import RecognitionSession
from dragoman.protocol.synthesis import events as synthesis_events
from dragoman.protocol.synthesis import family as synthesis_families
from dragoman.protocol.synthesis.family import SynthesisFamily
from dragoman.protocol.synthesis.options import SynthesisOptions
from dragoman.protocol.synthesis.session import SynthesisSession
from dragoman.speech import Coverage, InterpretationOptions

REALTIME_PATH = "/api-ws/v1/realtime"
_RESPONSE_AUDIO = ("response.created", "response.audio.delta")
_TEMPLATES: Mapping[type[ServerEvent], Template] = {AudioDelta: audio_delta_frame}

INTERPRETATION: Api[Generation] = Api(
    label="translation",
    paths=(REALTIME_PATH,),
    families=generations.GENERATIONS,
    family_for=generations.family_for,
    codec=Codec(
        interpretation_events.CLIENT_EVENTS,
        interpretation_events.SERVER_EVENTS,
        templates=_TEMPLATES,
    ),
    session=InterpretationSession,
    first_audio=_RESPONSE_AUDIO,
    options=InterpretationOptions,
)
SYNTHESIS: Api[SynthesisFamily] = Api(
    label="tts",
    paths=(REALTIME_PATH,),
    families=synthesis_families.FAMILIES,
    family_for=synthesis_families.family_for,
    codec=Codec(
        synthesis_events.CLIENT_EVENTS,
        synthesis_events.SERVER_EVENTS,
        streamed_text="text",
        templates=_TEMPLATES,
    ),
    session=SynthesisSession,
    roles=("tts",),
    first_audio=_RESPONSE_AUDIO,
    options=SynthesisOptions,
)
RECOGNITION: Api[RecognitionFamily] = Api(
    label="recognition",
    paths=(REALTIME_PATH,),
    families=(QWEN3_ASR,),
    family_for=recognition_family,
    codec=Codec(
        audio_input_events.CLIENT_EVENTS, (*SESSION_EVENTS, *audio_input_events.SERVER_EVENTS)
    ),
    session=RecognitionSession,
    roles=("vad", "asr"),
    reads_late=True,
    options=RecognitionOptions,
)
UNKNOWN: Api[Any] = Api(
    label="unknown",
    paths=(REALTIME_PATH,),
    families=(),
    family_for=lambda _: None,
    codec=Codec((SessionFinish,), SESSION_EVENTS),
    session=UnknownModelSession,
    roles=(),
)

APIS: tuple[Api[Any], ...] = (INTERPRETATION, SYNTHESIS, RECOGNITION)
"""Every API that serves models."""


@dataclass(frozen=True)
class ServedModel:
    """A model name, the API that serves it (``UNKNOWN`` if none does) and its family there.

    ``resembled``: of an unknown model, the one of that name with the realtime API, if there is one.
    """

    name: str
    api: Api[Any]
    family: ModelFamily | None = None
    resembled: ServedModel | None = None


def lookup(
    model: str, aliases: Mapping[str, str] | None = None, path: str = REALTIME_PATH
) -> ServedModel:
    """Who serves a model on a path. ``aliases`` maps an operator's model names to the name of a
    family or of another model; an alias of an alias is not followed.
    """
    named = aliases or {}
    name = named.get(model, model)
    served = [api for api in APIS if path in api.paths]
    if model in named:
        for api in served:
            for family in api.families:
                if family.name == name:
                    return ServedModel(model, api, family)
    found = _by_name(model, name, served)
    return found or ServedModel(
        model, UNKNOWN, resembled=_by_name(shown(model), f"{name}-realtime", served)
    )


def _by_name(model: str, name: str, served: list[Api[Any]]) -> ServedModel | None:
    for api in served:
        found = api.family_for(name)
        if found is not None:
            return ServedModel(model, api, found)
    return None


def make_session(
    model: ServedModel,
    ids: Ids,
    limits: Limits,
    coverage: Coverage,
    *,
    strict: bool = False,
    principal: Principal = ANONYMOUS,
    options: tuple[object, ...] = (),
) -> BaseSession:
    """The session of one connection. ``options``: at most one value of each API's options."""
    context = SessionContext(
        model=model.name,
        ids=ids,
        limits=limits,
        coverage=coverage,
        strict=strict,
        principal=principal,
        options=options,
    )
    like = model.resembled
    if like is None:
        return model.api.session(model.family, context)
    greeter = like.api.session(like.family, replace(context, model=like.name))
    return model.api.session(greeter, context)
