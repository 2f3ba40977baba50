"""One value of a setting: read from text, checked, and written for a file.

Scope: pure; knows types, not names or sources. What is wrong is a ``ValueError`` whose text is a
phrase for the operator ("a whole number of at most 65535 is expected").
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import inspect

_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "a text",
    "array": "a list",
    "object": "a table",
}
_BOUNDS = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than"}
_EXPECTED = re.compile(r"Expected `(\w+)`(?: ([<>]=?) ([^,\s]+))?")
_BOOLEANS = dict.fromkeys(("1", "true", "yes", "on"), True) | dict.fromkeys(
    ("0", "false", "no", "off", ""), False
)


def from_text(text: str, kind: Any) -> Any:
    """The value that a flag or a variable means; lists are separated by commas."""
    match _shape(kind):
        case inspect.VarTupleType():
            return checked(_list(text), kind)
        case inspect.DictType():
            return checked(pairs(text), kind)
        case inspect.BoolType():
            return checked(_BOOLEANS.get(text.lower(), text), kind)
        case inspect.LiteralType():
            return checked(text.lower(), kind)
        case _:
            return _converted(text, kind, strict=False)


def pairs(text: str) -> dict[str, str]:
    """``name=3,other=true``, as the values are written."""
    found: dict[str, str] = {}
    for part in _list(text):
        name, equals, value = part.partition("=")
        if not equals:
            raise ValueError(f"{part!r} should look like NAME=VALUE")
        found[name.strip()] = value.strip()
    return found


def checked(value: Any, kind: Any) -> Any:
    """The value as this type, if it has this type and keeps its bounds."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # 5.0 is a whole number
    return _converted(value, kind, strict=True)


def toml(value: Any) -> str:
    """The value as in a TOML file. Texts, lists, numbers and booleans look as in JSON."""
    if isinstance(value, Mapping):
        inside = ", ".join(f"{toml(name)} = {toml(part)}" for name, part in value.items())
        return f"{{{inside}}}"
    return msgspec.json.encode(value).decode()


def _converted(value: Any, kind: Any, *, strict: bool) -> Any:
    try:
        found = msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise ValueError(_phrase(str(error), kind)) from None
    if isinstance(found, float) and not math.isfinite(found):
        raise ValueError("a finite number is expected")
    return found


def _phrase(message: str, kind: Any) -> str:
    shape = _shape(kind)
    if isinstance(shape, inspect.LiteralType):
        return f"one of {', '.join(map(str, shape.values))} is expected"
    if " matching regex " in message:
        return f"something like {_example(kind)!r} is expected"
    match = _EXPECTED.search(message)
    if match is None:
        return message
    expected = _KINDS.get(match[1], match[1])
    if match[2]:
        expected += f" of {_BOUNDS[match[2]]} {float(match[3]):.15g}"
    return f"{expected} is expected"


def _shape(kind: Any) -> inspect.Type:
    """The type without what its annotation says for readers."""
    info = inspect.type_info(kind)
    return info.type if isinstance(info, inspect.Metadata) else info


def _example(kind: Any) -> Any:
    """The example that the annotation of this type, or of a list's parts, gives."""
    shape = _shape(kind)
    info = shape.item_type if isinstance(shape, inspect.VarTupleType) else inspect.type_info(kind)
    schema = info.extra_json_schema if isinstance(info, inspect.Metadata) else None
    return (schema or {}).get("examples", [""])[0]


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
