"""``dragoman demo``: interprets recordings live, with the official SDK and a server of its own.

Scope: flags in, and the order of things: a server, one scene after another, what was measured. Both
directions are shown: an English reading into Spanish, and a foreign recording into English. The SDK
is unmodified; only the URL differs from a program for the cloud.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.console import Console

from dragoman.cli.demo_scenes import AUTO, LANGUAGES, DemoScene, cast, dickens, foreign, named
from dragoman.cli.demo_session import DemoSession
from dragoman.cli.screen import closing_lines, complain
from dragoman.cli.spawn import ServerFailed, health_of, running_server
from dragoman.cli.why import explain
from dragoman.client.errors import ClientError
from dragoman.client.interpretation import DEFAULT_MODEL
from dragoman.client.media import CHUNK_MS, MediaFile, SoundChunk

_QUALITY = (
    "gist: about half of the sentences are right; basic: usable, plainly a machine. "
    "Better engines can be plugged in: docs/engines.md"
)


_NO_RECORDING = (
    "The other direction, a foreign language into English, needs a recording of yours: "
    "dragoman demo FILE --from de (or es, fr, pt …; auto: the server finds out)"
)


class _Playing(NamedTuple):
    """How scenes are played. ``health`` is that of a server of our own, else None."""

    address: str
    health: dict[str, Any] | None
    model: str
    seconds: float | None
    paced: bool
    out: Path


def demo(
    recording: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Any audio or video file.")
    ] = None,
    *,
    source: Annotated[
        str | None,
        typer.Option("--from", help=f"Language of the recording: {', '.join(LANGUAGES)}, auto …"),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", help="Language to translate into. [en with --from, otherwise es]"),
    ] = None,
    file: Annotated[Path | None, typer.Option(help="The same as FILE.")] = None,
    model: Annotated[str, typer.Option(help="Model name.")] = DEFAULT_MODEL,
    seconds: Annotated[
        float | None, typer.Option(min=1.0, help="Only the first seconds of each recording.")
    ] = None,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", "--fast", help="Faster than real time.")
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder for the translated speech.")] = Path("out"),
    url: Annotated[
        str | None, typer.Option(help="Use this server instead of starting one.")
    ] = None,
    engines: Annotated[
        str | None, typer.Option(help="Engines of the server that is started.")
    ] = None,
) -> None:
    """Interpret recordings live, through the official SDK.

    Without FILE: an English reading into Spanish, then a foreign recording into English.
    """
    console = Console(highlight=False)
    try:
        scenes = _scenes(recording or file, source, to)
        with contextlib.ExitStack() as stack:
            address = url or stack.enter_context(running_server(console, engines))
            health = health_of(address) if url is None else None
            playing = _Playing(address, health, model, seconds, not no_wait, out)
            for number, scene in enumerate(scenes):
                if number:
                    console.print(f"\n[bold]Next: {scene.title}.[/bold] Ctrl-C ends the demo.\n")
                _play(scene, playing, console, is_wanted=number == 0)
            if not (recording or file or source or to or len(scenes) > 1):
                console.print(f"\n{_NO_RECORDING}", markup=False, soft_wrap=True)
            if url is None and engines in {None, "embedded"}:
                console.print(f"[dim]{_QUALITY}", soft_wrap=not console.is_terminal)
    except (ClientError, ServerFailed, OSError) as failure:
        complain(explain(failure, url or ""))
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        complain("stopped")
        raise typer.Exit(130) from None


def _scenes(recording: Path | None, source: str | None, to: str | None) -> list[DemoScene]:
    """What was asked for; both directions if that was nothing. Raises ``ClientError``."""
    language = None if source == AUTO else source
    target = to or ("en" if source not in {None, "en"} else "es")
    if recording is not None:
        return [DemoScene(recording=recording, source=language, target=target)]
    if source in {None, "en"}:
        scenes = [DemoScene(recording=dickens(), source="en", target=target)]
        other = foreign() if source is None and to is None else None
        if other is not None:
            scenes.append(DemoScene(recording=other[0], source=other[1], target="en"))
        return scenes
    found = foreign(LANGUAGES if language is None else (language,))
    if found is None:
        raise ClientError(
            f"there is no recording in {named(language or 'a foreign language')} here: "
            f"name one of yours: dragoman demo FILE --from {source}"
        )
    return [DemoScene(recording=found[0], source=language, target=target)]


def _play(scene: DemoScene, playing: _Playing, console: Console, *, is_wanted: bool) -> None:
    """Play one scene; one that is not ``is_wanted`` is left out where the server cannot."""
    if playing.health is not None:
        played_by = cast(scene, playing.health)
        if played_by.lacks and is_wanted:
            raise ClientError(played_by.lacks)
        text = played_by.lacks or played_by.line
        console.print(text, markup=False, style="dim", soft_wrap=True)
        if played_by.lacks:
            return
    sounds, whole_ms = asyncio.run(_load(scene.recording, playing.seconds))
    session = DemoSession(
        playing.address, playing.model, scene.source, scene.target, paced=playing.paced
    )
    name, length_s = scene.recording.name, whole_ms / 1000
    console.print(f"[dim]{name}, {length_s:.0f} s, to {scene.target}, {playing.model}\n")
    wav_path = playing.out / f"demo-{scene.target}.wav"
    session.run(sounds, whole_ms, console, wav_path)
    _report(console, session, whole_ms, wav_path, paced=playing.paced)


async def _load(path: Path, seconds: float | None) -> tuple[list[SoundChunk], float]:
    """The recording as chunks, and its length in ms."""
    sounds: list[SoundChunk] = []
    async with MediaFile(path) as media:
        async for piece in media:
            if isinstance(piece, SoundChunk):
                sounds.append(piece)
            if seconds is not None and len(sounds) * CHUNK_MS >= seconds * 1000:
                break
    return sounds, sounds[-1].media_ms


def _report(
    console: Console, session: DemoSession, whole_ms: float, wav: Path, *, paced: bool
) -> None:
    found = session.sink.latency.summary(whole_ms)
    console.print()
    if paced:
        console.print("[bold]Measured at the client, sent in real time:")
        for line in closing_lines(found):
            console.print(line, markup=False, soft_wrap=True)
    else:
        console.print("[dim]Sent faster than real time: no latencies.")
    player = next((name for name in ("ffplay", "aplay", "afplay") if shutil.which(name)), None)
    play = f"{player} {wav}" if player else "any audio player opens it"
    console.print(
        f"[bold]Saved:[/bold] {wav.resolve()} ({found.voice_ms / 1000:.1f} s of speech)",
        soft_wrap=True,
    )
    console.print(f"[bold]Listen:[/bold] {play}", soft_wrap=True)
