"""What a chat model is told, so that it translates.

Scope: the table ``prompts.toml`` and how one of its templates becomes messages. Pure: no request is
made here. An operator's own template is a TOML file with the keys of one table.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from dragoman.audio.pcm import wav_file
from dragoman.engines.base import Translation
from dragoman.speech import HEARING_RATE_HZ
from dragoman.text.language_names import language_name
from dragoman.text.language_tags import primary_tag

Message = dict[str, Any]

_MOST_BACKGROUND = 2000
_MOST_ONSCREEN = 600
_HOLE = re.compile(r"\{(\w+)\}")


class PromptTemplate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one kind of model is asked. ``models`` is a regular expression for their names.

    ``before`` says where the sentences before go: as ``turns`` of the chat, as ``background``
    (those of the source language), or nowhere. ``user_with_background`` stands for ``user`` when
    there is a background, ``system_with_speech`` and ``user_with_speech`` stand for those two when
    the audio goes along: then the text is the part ``recognised``, if the operator wants it to.
    ``language_arguments``: the languages go beside the text, as arguments of the server's chat
    template. The other texts are parts; a key of the same name in braces is where a part's content
    goes, and where the part itself goes.
    """

    user: str
    user_with_background: str = ""
    user_with_speech: str = ""
    system: str = ""
    system_with_speech: str = ""
    models: str = ""
    about: str = ""
    before: Literal["turns", "background", ""] = ""
    glossary: bool = False
    shortens: bool = False
    images: bool = False
    speech: bool = False
    language_arguments: bool = False
    background: str = ""
    onscreen: str = ""
    recognised: str = ""
    terms: str = ""
    term: str = "{term}: {value}"
    prefix: str = ""
    terse: str = ""


@cache
def templates() -> Mapping[str, PromptTemplate]:
    """The table, by name."""
    text = files(__package__).joinpath("prompts.toml").read_text("utf-8")
    return msgspec.toml.decode(text, type=dict[str, PromptTemplate])


def find_template(wanted: str, model: str) -> PromptTemplate:
    """The template of this name or in this file (``….toml``); without a name the one for the
    model. Raises ``ValueError``.
    """
    known = templates()
    if wanted.endswith(".toml"):
        try:
            return msgspec.toml.decode(Path(wanted).read_bytes(), type=PromptTemplate)
        except (OSError, msgspec.DecodeError) as error:
            raise ValueError(f"the template {wanted} cannot be used: {error}") from None
    if wanted:
        if wanted not in known:
            names = ", ".join(known)
            raise ValueError(f"template is one of {names}, or a file that ends in .toml")
        return known[wanted]
    for template in known.values():
        if template.models and re.search(template.models, model, re.IGNORECASE):
            return template
    return known["instruct"]


def messages_for(
    template: PromptTemplate,
    request: Translation,
    *,
    continues: bool,
    tells_recognised: bool = True,
) -> list[Message]:
    """The messages of one request. ``continues``: the server goes on with the last message, which
    is the committed beginning of the translation. ``tells_recognised``: text goes along with audio.
    """
    values = _values(template, request, continues=continues)
    system, user = template.system, template.user
    if template.user_with_background and values["background"]:
        user = template.user_with_background
    if request.speech:
        system, user = template.system_with_speech, template.user_with_speech
        values["recognised"] = values["recognised"] if tells_recognised else ""
    messages: list[Message] = []
    if system:
        messages.append({"role": "system", "content": _filled(system, values).strip()})
    if template.before == "turns":
        for source, target in request.before:
            messages.append({"role": "user", "content": source})
            messages.append({"role": "assistant", "content": target})
    content = _filled(user, values).lstrip("\n")
    messages.append({"role": "user", "content": _with_media(content, request)})
    if continues:
        messages.append({"role": "assistant", "content": request.prefix})
    return messages


def language_arguments(request: Translation) -> dict[str, str]:
    """The languages as arguments of a chat template."""
    return {
        "source_lang_code": primary_tag(request.source),
        "target_lang_code": primary_tag(request.target),
    }


def _values(template: PromptTemplate, request: Translation, *, continues: bool) -> dict[str, str]:
    background = [request.hints.context.strip()[:_MOST_BACKGROUND]]
    if template.before == "background":
        background += [source for source, _ in request.before]
    terms = [
        _filled(template.term, {"term": term, "value": value})
        for term, value in request.hints.phrases.items()
        if value
    ]
    contents = {
        "background": "\n".join(filter(None, background)),
        "onscreen": " / ".join(request.onscreen)[:_MOST_ONSCREEN],
        "terms": "\n".join(terms) if template.glossary else "",
        "prefix": "" if continues else request.prefix,
        "recognised": request.text,
    }
    parts = {
        name: _filled(getattr(template, name), {name: content}) if content else ""
        for name, content in contents.items()
    }
    return {
        **parts,
        "terse": template.terse if request.terse else "",
        "text": request.text,
        "source": language_name(request.source) or request.source,
        "target": language_name(request.target) or request.target,
        "source_tag": primary_tag(request.source),
        "target_tag": primary_tag(request.target),
    }


def _filled(text: str, values: Mapping[str, str]) -> str:
    """Every hole filled once: braces in what is filled in stay as they are."""
    return _HOLE.sub(lambda hole: values.get(hole[1], hole[0]), text)


def _with_media(text: str, request: Translation) -> Any:
    """The text alone, or with picture and audio as parts before it."""
    parts: list[Message] = []
    if image := request.image:
        kind = "png" if image.startswith(b"\x89PNG") else "jpeg"
        address = f"data:image/{kind};base64,{base64.b64encode(image).decode()}"
        parts.append({"type": "image_url", "image_url": {"url": address}})
    if request.speech:
        audio = base64.b64encode(
            wav_file(np.frombuffer(request.speech, np.float32), HEARING_RATE_HZ)
        ).decode()
        parts.append({"type": "input_audio", "input_audio": {"data": audio, "format": "wav"}})
    if not parts:
        return text
    return [*parts, {"type": "text", "text": text}] if text else parts
