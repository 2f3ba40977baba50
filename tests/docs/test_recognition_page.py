"""The page of the recognition events says what the code does: events, settings, frames, errors."""

from __future__ import annotations

import json
import re

from dragoman.protocol.core.codec import wire_name
from dragoman.protocol.recognition.session_update import merge
from dragoman.protocol.recognition.settings import RecognitionSettings, describe
from dragoman.protocol.registry import RECOGNITION
from dragoman.speech import Coverage
from tests.docs.error_cases import CASES
from tests.docs.page_tables import EVIDENCE, cells_of
from tests.scripts.load import ROOT, script

PAGE = (ROOT / "docs" / "events" / "recognition" / "index.md").read_text("utf-8")
CODEC = RECOGNITION.codec
ANYTHING = Coverage(hears=frozenset({"*"}))


def part(heading: str) -> str:
    """What stands under a heading."""
    return PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def test_what_is_drawn_is_fresh() -> None:
    assert script("draw_events").redrawn(PAGE) == PAGE, "run scripts/draw_events.py"


def test_every_event_is_listed_where_it_comes_from() -> None:
    for heading, events in (("client", CODEC.client_events), ("server", CODEC.server_events)):
        rows = cells_of(part(f"From the {heading}"))
        listed = [name for cells in rows for name in re.findall(r"`(\S+)`", cells[0])]
        assert sorted(listed) == sorted(wire_name(event) for event in events)


def test_every_frame_goes_through_the_codec() -> None:
    frames = re.findall(r"`(\S+)(?: \(client\))?`\n\n```json\n(.*?)```", part("Frames"), re.S)
    shown = set()
    for kind, frame in frames:
        assert json.loads(frame)["type"] == kind
        server = CODEC.read(frame)
        shown.add(kind)
        assert server is not None or type(CODEC.decode(frame)) in CODEC.client_events
    failed = "conversation.item.input_audio_transcription.failed"
    assert {wire_name(event) for event in CODEC.server_events} - shown == {failed}


def test_the_settings_have_the_defaults_of_the_page() -> None:
    shown = describe(RecognitionSettings(), "sess_1", "m")
    for field, values, default, _ in cells_of(part("Settings")):
        value = shown
        for key in field.strip("`").split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if default.startswith("`"):
            written = default.strip("`")
            assert json.dumps(value) == (written if written[0] in "[0123456789" else f'"{written}"')
        for lo, hi in re.findall(r"(−?\d+) to (\d+)", values):
            for number in (int(lo.replace("−", "-")), int(hi)):
                key = field.strip("`").rpartition(".")[2]
                patch = {"turn_detection": {"type": "server_vad", key: number}}
                merge(RecognitionSettings(), patch, ANYTHING, strict=True)


def test_every_error_of_recognition_is_on_the_page() -> None:
    listed = {cells[0] for cells in cells_of(part("Errors"))}
    brings = set()
    for line in (ROOT / "docs" / "errors.md").read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 3 and re.match(r"(strict-)?asr-", cells[1]):
            assert cells[1] in CASES
            if cells[3] != "–" or cells[2].startswith("(our side)"):
                brings.add(cells[1])
    assert listed == brings


def test_every_difference_says_how_we_know() -> None:
    for *claim, known in cells_of(part("Differences from the cloud, and how we know")):
        assert all(claim)
        assert all(kind in EVIDENCE for kind in known.split("; ")), known
