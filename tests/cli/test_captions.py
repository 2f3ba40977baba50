"""Captions: open lines, tentative words, and final lines, for all generations."""

from __future__ import annotations

import io
from collections.abc import Callable

from rich.console import Console

from dragoman.cli.captions import CaptionLine, Captions, plain
from dragoman.cli.screen import CaptionScreen, closing_lines
from dragoman.client.event_reader import EventReader
from dragoman.client.events import Problem, ResponseFinished, SourceText, TranslatedText
from dragoman.client.latency import LatencySummary
from tests.client.fake_server import ASR


def source(text: str, stash: str = "", item: str = "s1", *, final: bool = False) -> SourceText:
    return SourceText(item_id=item, text=text, stash=stash, final=final, language="en")


def target(
    text: str, stash: str = "", response: str = "r1", *, final: bool = False
) -> TranslatedText:
    return TranslatedText(response_id=response, item_id="t", text=text, stash=stash, final=final)


def done(response: str = "r1") -> ResponseFinished:
    return ResponseFinished(response_id=response, status="completed")


def rendered(show: Callable[[Console], None]) -> tuple[str, str]:
    """The output, as plain text and with colours."""
    console = Console(record=True, force_terminal=True, width=80, file=io.StringIO())
    show(console)
    return console.export_text(clear=False), console.export_text(styles=True)


def test_both_lines_grow_and_tentative_words_are_dim() -> None:
    captions = Captions("en", "es")
    captions.apply(source("It was", " the west"))
    captions.apply(target("Era", " el oeste"))
    text, styled = rendered(lambda console: console.print(captions.picture()))
    assert [line.strip() for line in text.splitlines()] == ["en It was the west", "es Era el oeste"]
    assert "\x1b[2;36m the west" in styled
    assert "\x1b[2;32m el oeste" in styled
    assert "\x1b[36mIt was" in styled


def test_a_snapshot_replaces_the_line() -> None:
    captions = Captions("en", "es")
    captions.apply(source("", "It was the west"))
    captions.apply(source("It was the best"))
    text, _ = rendered(lambda console: console.print(captions.picture()))
    assert text.strip() == "en It was the best"


def test_a_finished_turn_is_printed_as_a_pair() -> None:
    captions = Captions("en", "es")
    captions.apply(source("It was"))
    captions.apply(target("Era"))
    assert captions.apply(source("It was the best.", final=True)) == []
    pair = captions.apply(target("Era el mejor.", final=True))
    assert pair == [
        CaptionLine("en", "It was the best.", False),
        CaptionLine("es", "Era el mejor.", True),
    ]
    assert captions.apply(done()) == []
    text, _ = rendered(lambda console: console.print(captions.picture()))
    assert text.strip() == ""


def test_a_translation_that_is_final_first_waits_for_its_source() -> None:
    captions = Captions("en", "es")
    captions.apply(source("It was"))
    assert captions.apply(target("Era.", final=True)) == []
    assert captions.apply(source("It was.", final=True)) == []
    assert [line.text for line in captions.apply(done())] == ["It was.", "Era."]
    assert captions.rest() == []


def test_a_source_line_without_translation_is_printed() -> None:
    captions = Captions("en", "es")
    captions.apply(source("One.", item="s1", final=True))
    assert [line.text for line in captions.apply(source("Two.", item="s2", final=True))] == ["One."]
    assert [line.text for line in captions.apply(done())] == ["Two."]


def test_an_empty_turn_prints_no_line() -> None:
    captions = Captions("en", "es")
    captions.apply(source("", "hm"))
    assert captions.apply(source("", final=True)) == []
    assert captions.apply(target("", final=True)) == []
    assert captions.apply(done()) == []


def test_without_transcript_only_translations_are_printed() -> None:
    captions = Captions("en", "es")
    captions.apply(target("Era"))
    assert captions.apply(target("Era.", final=True)) == [CaptionLine("es", "Era.", True)]


def test_a_session_that_breaks_off_shows_committed_text() -> None:
    captions = Captions("en", "es")
    captions.apply(source("It was", " the west"))
    captions.apply(target("Era", " el"))
    assert [line.text for line in captions.rest()] == ["It was", "Era"]
    assert captions.rest() == []


def test_the_detected_language_becomes_the_label() -> None:
    captions = Captions(None, "es")
    captions.apply(source("It was.", final=True))
    assert [line.label for line in captions.rest()] == ["en"]
    fixed = Captions("fr", "es")
    fixed.apply(source("It was.", final=True))
    assert [line.label for line in fixed.rest()] == ["fr"]


def test_a_server_cannot_control_the_terminal() -> None:
    evil = "a\x1b[2J\x1b]0;title\x07b\r\nc\x9b31m\ud800"
    assert plain(evil) == "a[2J]0;titleb c31m"
    captions = Captions("en", "es")
    captions.apply(target("[red]not markup[/red]\x1b[31m", evil))
    text, styled = rendered(lambda console: console.print(captions.picture()))
    assert "[red]not markup[/red][31m" in text
    assert "\x1b]0;" not in styled
    assert "\x1b[31m" not in styled


def test_open_lines_are_bounded() -> None:
    captions = Captions("en", "es")
    for number in range(100):
        captions.apply(source(f"item {number}", item=f"s{number}"))
    assert len(captions.rest()) <= 8


def test_deltas_look_the_same() -> None:
    reading, captions = EventReader(), Captions("en", "es")
    kind = "response.audio_transcript"
    raws = [
        {"type": f"{ASR}delta", "item_id": "s", "delta": "It was"},
        {"type": f"{ASR}delta", "item_id": "s", "delta": " the best."},
        {"type": f"{kind}.delta", "response_id": "r", "item_id": "t", "delta": "Era"},
    ]
    for raw in raws:
        for event in reading.feed(raw):
            captions.apply(event)
    text, _ = rendered(lambda console: console.print(captions.picture()))
    assert [line.strip() for line in text.splitlines()] == ["en It was the best.", "es Era"]


def test_a_terminal_gets_styled_lines_and_a_pipe_plain_ones() -> None:
    def script(console: Console) -> None:
        with CaptionScreen(Captions("en", "es"), 60_000, console) as screen:
            screen.show(source("It was", " the west"))
            screen.progress(30_000)
            screen.show(source("It was the best.", final=True))
            screen.show(target("Era el mejor.", final=True))
            screen.show(source("Cut", item="s2"))

    terminal, _ = rendered(script)
    assert "en It was the best." in terminal
    pipe = io.StringIO()
    script(Console(file=pipe, width=20))
    assert pipe.getvalue() == "en: It was the best.\nes: Era el mejor.\nen: Cut\n"


def test_a_problem_is_a_message_and_no_caption() -> None:
    pipe = io.StringIO()
    problem = Problem(type="invalid_request_error", code="invalid_value", message="too big")
    console = Console(file=pipe, force_terminal=True, width=80)
    with CaptionScreen(Captions("en", "es"), None, console) as screen:
        screen.show(problem)
    assert "The server reports: too big" in pipe.getvalue()


def test_the_closing_lines_have_every_latency_or_say_none_came() -> None:
    lines = closing_lines(LatencySummary(first_text_ms=1234, first_translation_ms=2000))
    assert "1.23 s" in lines[0]
    assert "2.00 s" in lines[1]
    assert "none came" in lines[2]
