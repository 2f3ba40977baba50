"""``dragoman doctor``: findings, exit code, and no secrets."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dragoman.cli import checks
from dragoman.engines.shared.model_catalogue import MODELS
from dragoman.intercept.names import Hosts
from dragoman.server.config import Config, ServerLimits
from tests.cli.run_command import run
from tests.endpoints.chat import serve_chat, tagged
from tests.endpoints.http_server import LoopbackServer

pytestmark = pytest.mark.live


def report(*arguments: str, **settings: object) -> tuple[int, dict[str, Any], dict[str, Any]]:
    done = run("doctor", "--json", *arguments, **settings)
    body = json.loads(done.stdout)
    return done.returncode, body, {check["name"]: check for check in body["checks"]}


def test_scripted_engines_are_always_ready() -> None:
    code, body, found = report("--engines", "scripted", "--port", "0")
    assert (code, body["ok"]) == (0, True)
    assert found["python"]["state"] == "ok"
    assert found["package uvicorn"]["state"] == "ok"
    assert found["engine scripted-tts (tts)"]["state"] == "ok"
    assert "model silero-vad" not in found  # not needed by these engines
    for check in body["checks"]:
        assert check["state"] == "ok" or check["mend"], check


def test_settings_come_with_their_origin_and_without_keys(tmp_path: Path) -> None:
    file = tmp_path / "dragoman.toml"
    file.write_text('engines = "scripted"\n[limits]\nidle_s = 9\n')
    _, body, _ = report(
        "--config", str(file), "--port", "0", api_keys="sk-secret", log_level="debug"
    )
    shown = {setting["name"]: (setting["value"], setting["origin"]) for setting in body["settings"]}
    assert shown["port"] == (0, "command line")
    assert shown["engines"] == ("scripted", f"file {file}")
    assert shown["limits.idle_s"] == (9, f"file {file}")
    assert shown["log_level"] == ("debug", "environment DRAGOMAN_LOG_LEVEL")
    assert shown["strict"] == (False, "default")
    assert shown["api_keys"] == ("1 set", "environment DRAGOMAN_API_KEYS")
    assert "secret" not in json.dumps(body)


def test_a_missing_engine_fails_and_says_what_to_install() -> None:
    engines = "scripted,mt=apertium?root=/no/such/folder"
    code, body, found = report("--engines", engines, "--port", "0")
    assert (code, body["ok"]) == (1, False)
    check = found["engine apertium (mt)"]
    assert check["state"] == "bad"
    assert "apt-get install" in check["mend"]


def test_a_missing_second_choice_is_only_a_note() -> None:
    engines = "scripted,mt=scripted-mt,apertium?root=/no/such/folder"
    code, _, found = report("--engines", engines, "--port", "0")
    assert code == 0
    assert found["engine apertium (mt)"]["state"] == "note"


def test_a_busy_port_fails() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code, _, found = report("--engines", "scripted", "--port", port)
    assert code == 1
    assert found["port"]["state"] == "bad"
    assert "--port 0" in found["port"]["mend"]


def test_keys_and_the_certificate_are_looked_at(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("sk-1\nsk-2\n")
    keys.chmod(0o644)
    _, _, found = report("--engines", "scripted", "--port", "0", api_keys_file=keys)
    assert (found["keys"]["state"], found["keys"]["detail"]) == ("note", "2 valid")
    assert "chmod 600" in found["keys"]["mend"]
    keys.write_text("")
    code, _, found = report(
        "--engines", "scripted", "--port", "0", api_keys_file=keys, tls_cert=keys, tls_key=keys
    )
    assert code == 1
    assert found["keys"]["state"] == found["certificate"]["state"] == "bad"
    assert "no key in it" in found["keys"]["mend"]


def test_an_open_address_without_keys_fails() -> None:
    code, _, found = report("--engines", "scripted", "--port", "0", "--host", "0.0.0.0")
    assert code == 1
    assert "--allow-open" in found["access"]["mend"]


def test_bad_settings_fail_with_the_reason() -> None:
    code, _, found = report("--engines", "nonsense")
    assert code == 1
    assert "nonsense" in found["settings"]["mend"]


def test_the_text_report_has_the_settings_that_were_given_and_the_verdict() -> None:
    done = run("doctor", "--engines", "scripted", "--port", "0")
    assert done.returncode == 0, done.stderr
    assert "Ready to serve." in done.stdout
    assert re.search(r"^engines +│ scripted +│ command line", done.stdout, re.MULTILINE)
    assert "limits.idle_s" not in done.stdout


def test_a_profile_asks_the_servers_that_the_environment_names() -> None:
    others = "vad=energy,asr=scripted-asr,tts=scripted-tts,speaker=,ocr="
    with LoopbackServer() as server:
        serve_chat(server, tagged)
        flags = ("--profile", "endpoints", "--engines", others, "--port", "0")
        _, body, found = report(*flags, mt_url=server.url)
        assert any(request.path == "/v1/models" for request in server.received)
        _, _, without = report(*flags)
    assert body["ok"]
    assert found["engine openai-chat (mt)"]["state"] == "ok"
    assert found["variable DRAGOMAN_MT_MODEL"]["state"] == "note"
    assert "variable DRAGOMAN_MT_URL" not in found
    assert without["engine openai-chat (mt)"]["state"] == "note"
    assert "openai-chat is left out" in without["variable DRAGOMAN_MT_URL"]["mend"]


def test_a_changed_model_file_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    silero = MODELS["silero-vad"]
    wrong = msgspec.structs.replace(silero.files[0], sha256="0" * 64)
    monkeypatch.setitem(MODELS, silero.name, msgspec.structs.replace(silero, files=(wrong,)))
    (check,) = checks.model_files({"silero"})
    assert check.state == "bad"
    assert "--force-reinstall" in check.mend


def test_too_few_open_files_are_a_note_with_a_limit_that_fits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checks.resource, "getrlimit", lambda _: (1024, 1024))
    files, _ = checks.machine(Config(limits=ServerLimits(sessions=2000)))
    assert files.state == "note"
    assert "sessions=768" in files.mend


def test_a_package_only_an_engine_needs_is_a_note_with_this_interpreters_pip(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def version(name: str) -> str:
        if name in {"espeakng-loader", "uvicorn"}:
            raise checks.metadata.PackageNotFoundError(name)
        return "999"

    monkeypatch.setattr(checks.metadata, "version", version)
    found = {check.name: check for check in checks.packages({"espeak"})}
    assert found["package uvicorn"].state == "bad"
    espeak = found["package espeakng-loader"]
    assert espeak.state == "note"  # another voice may do; if none does, the engine's line is bad
    python = shlex.quote(sys.executable)  # its path may have a space in it
    assert espeak.mend == f"{python} -m pip install espeakng-loader==0.2.4"


def test_an_address_of_another_machine_is_no_port_in_use() -> None:
    (port,) = checks.address(Config(host="192.0.2.1", port=8000, allow_open=True))
    assert port.state == "bad"
    assert "no address of this machine" in port.mend
    assert "Another program" not in port.mend


def test_the_private_authority_is_found_and_its_package_is_only_a_note(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("cryptography")
    from dragoman.intercept.folder import Folder, default_folder  # noqa: PLC0415  # an extra

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert "on first use" in checks.redirection().detail
    now = datetime.now(UTC)
    Folder(default_folder(os.environ)).authority(Hosts(), now)
    check = checks.redirection()
    assert check.state == "ok"
    assert str(tmp_path) in check.detail
    assert f"{now + timedelta(days=365):%Y-%m-%d}" in check.detail

    def version(name: str) -> str:
        raise checks.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(checks.metadata, "version", version)
    check = checks.redirection()
    assert check.state == "note"
    assert "dragoman[intercept]" in check.mend


def test_a_missing_ocr_engine_is_a_note(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "rapidocr.py").write_text("")  # hides the package, if it is installed
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    code, body, found = report("--engines", "scripted,ocr=rapidocr", "--port", "0")
    assert (code, body["ok"]) == (0, True)
    check = found["engine rapidocr (ocr)"]
    assert check["state"] == "note"
    assert "dragoman[vision]" in check["mend"]
