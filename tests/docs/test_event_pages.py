"""The pages of the synthesis events say what the code does: fields, defaults, bounds, examples."""

from __future__ import annotations

import json
import re
import types
import typing
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import msgspec
import pytest
from msgspec import NODEFAULT, UNSET, UnsetType

from dragoman.protocol.core import fields
from dragoman.protocol.core.codec import wire_name
from dragoman.protocol.core.events import ClientEvent, ServerEvent
from dragoman.protocol.realtime.events import Error
from dragoman.protocol.registry import SYNTHESIS, lookup
from dragoman.protocol.synthesis.events import CreatedSession, UpdatedSession
from dragoman.protocol.synthesis.family import SynthesisFamily, SynthesisSettings
from dragoman.speech import Coverage
from dragoman.testing.transcript_player import play as play_transcript
from tests.docs.error_cases import CASES, Case
from tests.docs.errors_page import rows as error_rows
from tests.docs.page_tables import EVIDENCE, cells_of
from tests.docs.play_case import NOTHING, play
from tests.scripts.load import ROOT, script

FOLDER = ROOT / "docs" / "events" / "synthesis"
INSTRUCT = lookup("qwen3-tts-instruct-flash-realtime").family
WORDS: dict[Any, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    bytes: "string",
    Any: "any",
}
ABSENT = "left out"
NONE_HERE = ("never here", "always `[]`")


def events() -> dict[str, type[msgspec.Struct]]:
    """Every event of the synthesis API by its name on the wire."""
    codec = SYNTHESIS.codec
    return {wire_name(event): event for event in (*codec.client_events, *codec.server_events)}


EVENTS = events()
SESSIONS = {"session.created": CreatedSession, "session.updated": UpdatedSession}
SERVER = sorted(kind for kind, event in EVENTS.items() if issubclass(event, ServerEvent))


class Row(NamedTuple):
    """One field as a page has it."""

    kind: str
    default: str
    values: str
    notes: str


def text_of(kind: str) -> str:
    return (FOLDER / f"{kind}.md").read_text(encoding="utf-8")


def part_of(kind: str, heading: str) -> str:
    """What stands under a heading."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text_of(kind), re.M | re.S)
    assert found, f"{kind} has no {heading!r}"
    return found[1]


@cache
def rows(kind: str) -> dict[str, Row]:
    """The table of fields of a page."""
    table = part_of(kind, "Fields").partition("\n\n**")[0]
    return {cells[0].strip("`"): Row(*cells[1:]) for cells in cells_of(table)}


def described(shape: Any) -> tuple[str, Any, tuple[str, ...]]:
    """A type in the words of the pages, what is inside it, and its literal values."""
    if typing.get_origin(shape) in (typing.Union, types.UnionType):
        kinds = (UnsetType, types.NoneType)
        (shape,) = (part for part in typing.get_args(shape) if part not in kinds)
    if typing.get_origin(shape) is typing.Literal:
        return "string", None, typing.get_args(shape)
    if typing.get_origin(shape) is tuple:
        inner = typing.get_args(shape)[0]
        return "array", inner if is_struct(inner) else None, ()
    if is_struct(shape):
        return "object", shape, ()
    if typing.get_origin(shape) is dict:
        return "object", None, ()
    return WORDS[shape], None, ()


def is_struct(shape: Any) -> bool:
    return isinstance(shape, type) and issubclass(shape, msgspec.Struct)


def default_of(field: msgspec.structs.FieldInfo) -> str:
    if field.default is UNSET:
        return ABSENT
    if field.default is NODEFAULT:
        assert field.default_factory is NODEFAULT
        return "–"
    return f"`{json.dumps(msgspec.to_builtins(field.default))}`"


def check_fields(shape: Any, prefix: str, page: dict[str, Row]) -> Iterator[str]:
    """Compare a struct with the rows of a page; the paths that were compared."""
    hints = typing.get_type_hints(shape)
    for field in msgspec.structs.fields(shape):
        path = f"{prefix}{field.encode_name}"
        if isinstance(shape, type) and issubclass(shape, ServerEvent) and path == "event_id":
            continue  # the codec writes it
        if path not in page and field.default is UNSET:
            continue  # a field of other APIs: no frame of this one has it, see below
        assert path in page, f"no row for {path}"
        row, (word, inner, literals) = page[path], described(hints[field.name])
        assert row.kind == word, path
        assert row.default == default_of(field), path
        for value in literals:
            assert f"`{value}`" in row.values + row.notes, f"{path}: {value}"
        yield path
        if inner is not None and row.values not in NONE_HERE:
            yield from check_fields(inner, f"{path}[]." if word == "array" else f"{path}.", page)


@cache
def script_once() -> ModuleType:
    return script("draw_events")


# ---------------------------------------------------------------- pages
def test_every_event_has_its_page_and_every_page_its_event():
    assert {page.stem for page in FOLDER.glob("*.md")} == {*EVENTS, "index"}
    assert len(EVENTS) == 20
    index = (FOLDER / "index.md").read_text("utf-8")
    for heading, kind in (("client", ClientEvent), ("server", ServerEvent)):
        part = index.partition(f"## From the {heading}\n")[2].partition("\n## ")[0]
        listed = re.findall(r"^\| \[`(\S+)`\]\((\S+)\.md\)", part, re.M)
        assert all(name == to for name, to in listed)
        assert {name for name, _ in listed} == {k for k, e in EVENTS.items() if issubclass(e, kind)}


@pytest.mark.parametrize("name", ["index", *EVENTS])
def test_what_is_drawn_is_fresh(name: str):
    page = text_of(name)
    assert "<!-- draw: " in page
    assert script_once().redrawn(page) == page, "run scripts/draw_events.py"


@pytest.mark.parametrize("kind", EVENTS)
def test_a_page_says_who_sends_the_event(kind: str):
    who = "server" if kind in SERVER else "client"
    assert text_of(kind).startswith(f"# {kind}\n\nFrom the {who}. ")


@pytest.mark.parametrize("kind", EVENTS)
def test_every_field_has_its_row(kind: str):
    page = rows(kind)
    compared = {"type", "event_id", *check_fields(EVENTS[kind], "", page)}
    if kind in SESSIONS:
        compared |= {*check_fields(SESSIONS[kind], "session.", page)}
    assert page["type"].default == f'`"{kind}"`'
    if kind == "session.update":
        compared |= {f"session.{name}" for name in SynthesisSettings.__struct_fields__}
    assert set(page) == compared, "a row for something that is no field"


# ---------------------------------------------------------------- frames
def example(kind: str) -> dict[str, Any]:
    frame = re.search(r"```json\n(.*?)```", text_of(kind), re.S)
    assert frame
    return dict(json.loads(frame[1]))


@pytest.mark.parametrize("kind", EVENTS)
def test_the_example_goes_through_the_codec(kind: str):
    frame, codec = example(kind), SYNTHESIS.codec
    if kind not in SERVER:
        event = codec.decode(json.dumps(frame))
        assert type(event) is EVENTS[kind]
        assert msgspec.to_builtins(event) == frame
        return
    typed: Any = msgspec.convert(frame, EVENTS[kind])
    again = codec.encode(typed, frame["event_id"])
    assert json.loads(again) == frame
    assert list(paths(json.loads(again))) == list(paths(frame)), "the order on the wire"


def test_the_server_takes_the_examples_of_a_client():
    order = [
        "session.update",
        "input_text_buffer.append",
        "input_text_buffer.clear",
        "input_text_buffer.append",
        "input_text_buffer.commit",
        "response.cancel",
        "session.finish",
    ]
    assert set(order) == set(EVENTS) - set(SERVER)
    for number in range(1, len(order) + 1):
        seen = play(Case(script_once().MODEL, [example(kind) for kind in order[:number]]))
        assert (seen.kind, seen.errors_before) == (NOTHING, 0), order[number - 1]


def paths(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every field in a frame with its value."""
    for key, inner in value.items():
        yield f"{prefix}{key}", inner
        if isinstance(inner, dict):
            yield from paths(inner, f"{prefix}{key}.")
        for entry in inner if isinstance(inner, list) else ():
            if isinstance(entry, dict):
                yield from paths(entry, f"{prefix}{key}[].")


TRANSCRIPTS = sorted((ROOT / "tests/transcripts/synthesis").glob("*.txt"))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_every_frame_that_is_ever_sent_is_as_its_page_says(path: Path):
    for frame in map(json.loads, play_transcript(path).frames):
        page = rows(frame["type"])
        seen = dict(paths(frame))
        for name, value in seen.items():
            assert name in page, f"{frame['type']} has no row for {name}"
            check_value(value, page[name].values, name)
        for name, row in page.items():
            here = name.rpartition(".")[0].removesuffix("[]") in {"", *seen}
            assert name not in seen or row.values != "never here", name
            if here and row.default != ABSENT and row.values != "never here":
                assert name in seen, f"{frame['type']} without {name}"
            if here and row.values == "always there":
                assert name in seen, f"{frame['type']} without {name}"


def check_value(value: Any, cell: str, name: str) -> None:
    """A value is what the cell says it can be."""
    bare = re.sub(r"^always ", "", cell)
    if re.fullmatch(r"`[^`]+`(, `[^`]+`)*", bare):
        allowed = re.findall(r"`([^`]+)`", bare)
        assert (value if isinstance(value, str) else json.dumps(value)) in allowed, name
    elif bare == "empty":
        assert value == "", name
    elif bare in ("one item", "one part"):
        assert len(value) == 1, name
    elif prefix := re.match(r"`(\w+_)` and 21 letters and digits$", bare):
        assert re.fullmatch(prefix[1] + "[0-9A-Za-z]{21}", value), name


# ---------------------------------------------------------------- settings
SETTINGS = SynthesisSettings.__struct_fields__


def merged(name: str, value: Any) -> Any:
    """The settings after this value was set; None if it is refused."""
    assert isinstance(INSTRUCT, SynthesisFamily)
    coverage = Coverage(speaks=frozenset({"*"}))
    try:
        return INSTRUCT.merge(INSTRUCT.defaults(), {name: value}, coverage)
    except fields.Invalid:
        return None


def refusal(name: str) -> str:
    """What the server says to a value that nobody would send."""
    assert isinstance(INSTRUCT, SynthesisFamily)
    with pytest.raises(fields.Invalid) as caught:
        INSTRUCT.merge(INSTRUCT.defaults(), {name: ["nothing"]}, Coverage())
    return str(caught.value)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_range_of_a_setting_is_the_true_one(name: str):
    row = rows("session.update")[f"session.{name}"]
    if span := re.fullmatch(r"([\d.]+) to ([\d.]+)", row.values):
        step = 0.001 if row.kind == "number" else 1
        lo, hi = map(float if row.kind == "number" else int, span.groups())
        assert merged(name, lo)
        assert merged(name, hi)
        assert merged(name, lo - step) is None
        assert merged(name, hi + step) is None
    elif most := re.fullmatch(r"at most (\d+) (characters|tokens)", row.values):
        assert merged(name, "字" * int(most[1]))
        assert merged(name, "字" * (int(most[1]) + 1)) is None
    else:
        listed = re.findall(r"`([^`]+)`", row.values)
        assert listed == re.findall(r"'([^']+)'", refusal(name).partition("Supported")[2])
        for value in listed:
            given = value if row.kind == "string" else json.loads(value)
            assert merged(name, given), value


@pytest.mark.parametrize("name", SETTINGS)
def test_the_type_and_the_default_of_a_setting_are_the_true_ones(name: str):
    row = rows("session.update")[f"session.{name}"]
    word, _, _ = described(typing.get_type_hints(SynthesisSettings)[name])
    assert row.kind == word
    assert isinstance(INSTRUCT, SynthesisFamily)
    before = INSTRUCT.defaults()
    if row.default == ABSENT:
        assert getattr(before, name) is UNSET
        return
    value = json.loads(row.default.strip("`"))
    assert getattr(before, name) in (UNSET, value)
    told = merged(name, value)
    assert INSTRUCT.task(told) == INSTRUCT.task(before), "sending the default changes nothing"
    if getattr(before, name) is UNSET and row.kind in ("number", "integer"):
        other = INSTRUCT.task(merged(name, value * 2 if row.kind == "number" else value - 1))
        assert other != INSTRUCT.task(before), "and another value changes something"


def test_a_setting_is_shown_where_the_table_of_models_says_so():
    page = part_of("session.update", "Fields").partition("**By model.**")[2]
    optional = {cells[0].strip("`"): cells[1:] for cells in cells_of(page)}
    assert set(optional) == set(SETTINGS) - {"voice", "mode", "language_type"}
    assert optional["response_format"][0] == "all; strict: `pcm`"
    assert optional["sample_rate"][0] == "all; strict: `24000`"
    assert optional["instructions"] == ["ignored", "ignored", "yes", "ignored", "ignored"]
    shown = set(rows("session.updated"))
    assert {f"session.{name}" for name in SETTINGS} <= shown


# ---------------------------------------------------------------- errors and differences
def listed_errors(kind: str) -> list[str]:
    part = part_of(kind, "Errors")
    assert "(../../errors.md" in part
    return [cells[0] for cells in cells_of(part)] if "| case |" in part else []


ERRORS = [row for row in error_rows() if re.match(r"tts-|strict-tts-", row.case)]
OURS = {row.case for row in ERRORS if not isinstance(CASES[row.case].steps[-1], dict)}


@pytest.mark.parametrize("case", [row.case for row in ERRORS if row.case not in OURS])
def test_what_an_event_can_cause_stands_on_its_page(case: str):
    last = CASES[case].steps[-1]
    assert isinstance(last, dict)
    assert case in listed_errors(last["type"]), f"name it in docs/events/…/{last['type']}.md"


@pytest.mark.parametrize("case", sorted(OURS))
def test_what_goes_wrong_on_our_side_stands_with_the_response(case: str):
    assert case in listed_errors("response.done")


def test_what_a_frame_can_cause_stands_on_the_page_of_errors():
    general = {"unknown-model", "idle", "age"}
    frames = {row.case for row in error_rows() if row.kind == "invalid_request_error"}
    frames -= {case for case in frames if re.match(r"tts-|lt-|asr-|strict-", case)}
    update, append = {"session-missing", "session-not-object"}, {"field-missing", "field-not-text"}
    assert set(listed_errors("error")) == frames - update - append | general
    assert update <= set(listed_errors("session.update"))
    assert append <= set(listed_errors("input_text_buffer.append"))


def evidence(cells: list[list[str]]) -> None:
    """The last cell of every row names kinds of evidence and nothing else."""
    assert cells
    for *claim, known in cells:
        assert all(claim), known
        assert known, claim
        for kind in known.split("; "):
            assert kind in EVIDENCE, f"{kind!r} is no kind of evidence: {claim}"


@pytest.mark.parametrize("kind", EVENTS)
def test_every_difference_says_how_we_know(kind: str):
    evidence(cells_of(part_of(kind, "Differences from the cloud, and how we know")))


def test_the_kinds_of_evidence_are_explained():
    assert tuple(cells[0] for cells in cells_of(part_of("index", "How we know"))) == EVIDENCE
    page = (ROOT / "docs" / "differences.md").read_text("utf-8")
    tables = re.findall(r"(?:^\|.*\n)+", page, re.M)
    assert len(tables) == 2
    for table in tables:
        evidence(cells_of(table))
    assert "(docs/differences.md)" in (ROOT / "README.md").read_text("utf-8")


def test_an_error_is_shown_as_it_is_made():
    typed: Any = msgspec.convert(example("error"), Error)
    assert isinstance(typed, Error)
    assert typed.error.event_id == "event_8"
