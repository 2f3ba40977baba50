"""Reads Mozilla's index of translation models, which knows more pairs than our catalogue.

Scope: the records of the Remote Settings collection ``translations-models`` (``{"data": [...]}``),
from a file or an address that the operator names; each record is one file, with its SHA-256. Only
complete models count, of each pair the newest release that is for desktops. The collection
``translations-models-v2`` is packed with zstd, which this Python cannot read.
https://firefox-source-docs.mozilla.org/toolkit/components/translations/

Errors: ``ValueError`` with a phrase for the operator.
"""

from __future__ import annotations

import http.client
import re
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import msgspec

from dragoman.engines.shared.model_catalogue import Model, ModelFile
from dragoman.text.language_tags import primary_tag

ATTACHMENTS = "https://firefox-settings-attachments.cdn.mozilla.net/"
_MOST_BYTES = 64 << 20
_RELEASE = re.compile(r"\d+(?:\.\d+)*")
_NAME = re.compile(r"\w[\w.-]*")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


class _Attachment(msgspec.Struct):
    hash: str
    size: int
    location: str


class _Record(msgspec.Struct, rename="camel"):
    name: str
    file_type: str
    version: str
    attachment: _Attachment
    from_lang: str = ""
    to_lang: str = ""
    filter_expression: str = msgspec.field(default="", name="filter_expression")


class _Records(msgspec.Struct):
    data: list[_Record]


def read_index(where: str) -> dict[str, Model]:
    """The models of an index, by the name ``firefox-SOURCE-TARGET``. Raises ``ValueError``."""
    try:
        records = msgspec.json.decode(_content(where), type=_Records).data
    except (OSError, http.client.HTTPException) as error:
        raise ValueError(f"{where} cannot be read ({getattr(error, 'reason', error)})") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"{where} is no index of translations-models ({error})") from None
    grouped: dict[tuple[str, str, tuple[int, ...], str], list[_Record]] = {}
    for one in records:
        languages = one.from_lang, one.to_lang  # they name the model's folder
        if _RELEASE.fullmatch(one.version) and all(map(_LANGUAGE.fullmatch, languages)):
            version = tuple(int(part) for part in one.version.split("."))
            key = one.from_lang, one.to_lang, version, one.filter_expression
            grouped.setdefault(key, []).append(one)
    found: dict[str, Model] = {}
    for (source, target, _, only), files in sorted(grouped.items()):  # a newer one comes later
        if "== 'Android'" in only:
            continue
        kinds = sorted(one.file_type for one in files if one.file_type != "lex")
        if kinds in (["model", "vocab"], ["model", "srcvocab", "trgvocab"]):
            model = _model(source, target, files)
            found[model.name] = model
    if not found:
        raise ValueError(f"{where} has no complete model of the collection translations-models")
    return found


def _content(where: str) -> bytes:
    if urlsplit(where).scheme not in {"http", "https"}:
        return Path(where).expanduser().read_bytes()
    with urllib.request.urlopen(where, timeout=30) as answer:  # noqa: S310 - http(s) only
        return bytes(answer.read(_MOST_BYTES))


def _model(source: str, target: str, records: Iterable[_Record]) -> Model:
    files = []
    for one in records:
        if not _NAME.fullmatch(one.name) or not re.fullmatch("[0-9a-f]{64}", one.attachment.hash):
            raise ValueError(f"the record {one.name!r} has no usable name or hash")
        url = urljoin(ATTACHMENTS, one.attachment.location)
        files.append(ModelFile(one.name, one.attachment.hash, one.attachment.size, url=url))
        version = one.version
    return Model(
        name=f"firefox-{source.lower()}-{target.lower()}",
        role="mt",
        engine="firefox",
        licence="MPL-2.0",
        source=f"Mozilla, Firefox Translations {version}, by an index of the operator's",
        pairs=((primary_tag(source), primary_tag(target)),),
        files=tuple(files),
        about="8-bit Marian model for Bergamot",
    )
