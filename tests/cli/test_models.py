"""``dragoman models``: pulled whole or not at all, from servers with the faults of real ones."""

from __future__ import annotations

import hashlib
import json
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from click.testing import Result
from typer.testing import CliRunner

from dragoman.cli import model_download, model_index
from dragoman.cli.models import models
from dragoman.engines.base import EngineUnavailable
from dragoman.engines.shared.model_catalogue import MODELS, Model
from dragoman.engines.shared.model_store import find_model, here
from tests.cli.model_server import ModelServer, serving
from tests.engines.shared.fake_packages import install, model, row

WEIGHTS, VOCABULARY = bytes(range(256)) * 4_000, b"one two"  # 1 MB
NAME = "w8-pulled"


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DRAGOMAN_MODELS", str(tmp_path / "store"))
    monkeypatch.delenv("DRAGOMAN_MODEL_MIRROR", raising=False)
    monkeypatch.setattr(model_download, "PAUSE_S", 0.0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "store" / NAME


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with serving({"weights.bin": WEIGHTS, "vocab": VOCABULARY}) as server:
        yield server


@pytest.fixture
def pulled(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> Model:
    """A model of two files that only the server has."""
    files = [
        row(name, content, url=f"{server.url}/{name}")
        for name, content in (("weights.bin", WEIGHTS), ("vocab", VOCABULARY))
    ]
    made = model(NAME, *files, pairs=(("en", "xx"),), about="A model")
    monkeypatch.setitem(MODELS, NAME, made)
    return made


def run(*arguments: str) -> Result:
    found = CliRunner().invoke(models, arguments)
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found


def refused(*arguments: str) -> str:
    """The message of a command that fails."""
    found = run(*arguments)
    assert found.exit_code == 1, found.output
    return " ".join(found.stderr.split())


def names(store: Path) -> list[str]:
    return sorted(path.name for path in store.iterdir())


def test_a_pulled_model_is_found_and_its_licence_was_shown(pulled: Model, store: Path) -> None:
    done = run("pull", NAME)
    assert done.exit_code == 0, done.output
    assert "licence MPL-2.0; a test" in done.stderr
    assert done.stdout.strip().endswith(str(store))
    assert find_model(NAME) == store
    assert (store / "weights.bin").read_bytes() == WEIGHTS
    assert names(store) == ["vocab", "weights.bin"]


def test_what_is_there_is_not_pulled_again(pulled: Model, server: ModelServer) -> None:
    run("pull", NAME)
    asked = len(server.asked)
    assert run("pull", NAME).exit_code == 0
    assert len(server.asked) == asked


def test_a_broken_transfer_goes_on(pulled: Model, server: ModelServer, store: Path) -> None:
    server.faults.cut_after = 400_000
    assert run("pull", NAME).exit_code == 0
    ranges = [(asked, version) for path, asked, version in server.asked if path == "/weights.bin"]
    assert ranges == [("", ""), ("bytes=400000-", '"v1"'), ("bytes=800000-", '"v1"')]
    assert (store / "weights.bin").read_bytes() == WEIGHTS


def test_a_server_that_is_gone_leaves_what_came_and_the_next_pull_goes_on(
    pulled: Model, server: ModelServer, store: Path
) -> None:
    server.faults.cut_after, server.faults.statuses = 300_000, [200, *[503] * 4]
    assert "the server answers 503, 4 times. What came is kept" in refused("pull", NAME)
    assert not (store / "weights.bin").exists()
    server.faults.cut_after = None
    assert run("pull", NAME).exit_code == 0
    assert server.asked[-2][1] == "bytes=300000-"
    assert (store / "weights.bin").read_bytes() == WEIGHTS


def test_another_version_of_the_file_is_pulled_from_the_start(
    pulled: Model, server: ModelServer, store: Path
) -> None:
    server.files["weights.bin"] = WEIGHTS[::-1]
    server.faults.cut_after, server.faults.statuses = 300_000, [200, *[503] * 4]
    refused("pull", NAME)
    server.files["weights.bin"], server.version = WEIGHTS, '"v2"'
    server.faults.cut_after = None
    assert run("pull", NAME).exit_code == 0
    assert (store / "weights.bin").read_bytes() == WEIGHTS


@pytest.mark.parametrize("fault", ["no_ranges", "wrong_range"])
def test_a_server_that_cannot_go_on_sends_all_again(
    pulled: Model, server: ModelServer, store: Path, fault: str
) -> None:
    server.faults.cut_after, server.faults.cut_times = 300_000, 1
    setattr(server.faults, fault, True)
    assert run("pull", NAME).exit_code == 0
    assert (store / "weights.bin").read_bytes() == WEIGHTS


def test_a_server_that_falls_silent_is_asked_again(
    pulled: Model, server: ModelServer, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_download, "STALL_S", 0.2)
    server.faults.cut_after, server.faults.cut_times, server.faults.stalls = 300_000, 1, 1
    assert run("pull", NAME).exit_code == 0
    assert (store / "weights.bin").read_bytes() == WEIGHTS


@pytest.mark.parametrize(
    ("content", "told"),
    [(WEIGHTS[::-1], "another file than the one"), (WEIGHTS + b"x", "longer than the file")],
)
def test_a_wrong_file_is_deleted(
    pulled: Model, server: ModelServer, store: Path, content: bytes, told: str
) -> None:
    server.files["weights.bin"] = content
    assert told in refused("pull", NAME)
    assert names(store) in ([], [".weights.bin.version"])


def test_a_part_that_nobody_asked_for_is_not_taken(pulled: Model, server: ModelServer) -> None:
    server.faults.unasked_range = True
    assert "the server sent another part of the file than it was asked for" in refused("pull", NAME)


def test_an_address_that_is_gone_is_told(pulled: Model, server: ModelServer) -> None:
    del server.files["weights.bin"]
    assert "/weights.bin: the server answers 404. Try another --mirror" in refused("pull", NAME)
    assert len(server.asked) == 1


def test_no_server_is_told(pulled: Model) -> None:
    told = refused("pull", NAME, "--mirror", "http://127.0.0.1:9")
    assert "no answer (" in told
    assert "--from with a folder" in told
    assert "is no address" in refused("pull", NAME, "--mirror", "file:///etc")


def test_a_full_disk_is_told_and_what_came_is_kept(
    pulled: Model, server: ModelServer, store: Path
) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, limits[1]))
    try:
        assert "there is no room. Make room there, or name another" in refused("pull", NAME)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert run("pull", NAME).exit_code == 0
    assert server.asked[1][1] == "bytes=500000-"


def test_too_little_room_is_told_before_anything_is_pulled(
    pulled: Model, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")._replace(free=1 << 20)
    monkeypatch.setattr(model_download.shutil, "disk_usage", lambda _: usage)
    assert "where 1 MB are free" in refused("pull", NAME)
    assert server.asked == []


def test_a_mirror_has_the_layout_of_the_store(
    pulled: Model, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = {f"copy/{NAME}/{name}": content for name, content in server.files.items()}
    server.files = dict(copy)
    monkeypatch.setenv("DRAGOMAN_MODEL_MIRROR", f"{server.url}/copy/")
    assert run("pull", NAME).exit_code == 0


@pytest.mark.parametrize("below", ["", NAME])
def test_a_folder_needs_no_network(
    pulled: Model, server: ModelServer, store: Path, tmp_path: Path, below: str
) -> None:
    mine = tmp_path / "stick"
    (mine / below).mkdir(parents=True)
    (mine / below / "weights.bin").write_bytes(WEIGHTS)
    assert "vocab is neither in" in refused("pull", NAME, "--from", str(mine))
    (mine / below / "vocab").write_bytes(b"ONE TWO")
    assert "another file than the one" in refused("pull", NAME, "--from", str(mine))
    (mine / below / "vocab").write_bytes(VOCABULARY)
    assert run("pull", NAME, "--from", str(mine)).exit_code == 0
    assert find_model(NAME) == store
    assert server.asked == []


def test_non_commercial_weights_need_a_flag(
    pulled: Model, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    restricted = msgspec.structs.replace(pulled, non_commercial=True, licence="CC-BY-NC-4.0")
    monkeypatch.setitem(MODELS, NAME, restricted)
    assert "--accept-non-commercial" in refused("pull", NAME)
    assert server.asked == []
    assert run("pull", NAME, "--accept-non-commercial").exit_code == 0


def test_the_list_says_what_is_here_and_how_to_get_the_rest(pulled: Model) -> None:
    def listed(*more: str) -> dict[str, dict[str, object]]:
        return {row["name"]: row for row in json.loads(run("list", "--json", *more).stdout)}

    assert listed()[NAME]["where"] == ""
    assert listed()[NAME]["get"] == f"dragoman models pull {NAME}"
    assert NAME not in listed("--here")
    run("pull", NAME)
    assert listed("--here")[NAME]["where"] == "store"
    assert "en→xx" in run("list").stdout


def test_verify_hashes_whatever_is_remembered(pulled: Model, store: Path) -> None:
    assert "not here. Mend it with: dragoman models pull" in run("verify", NAME).stdout
    run("pull", NAME)
    assert run("verify", NAME).stdout == f"{NAME} (store): right\n"
    (store / "weights.bin").write_bytes(WEIGHTS[::-1])
    found = run("verify", NAME)
    assert found.exit_code == 1
    assert "weights.bin is not the one" in found.stdout
    assert run("pull", NAME).exit_code == 0
    assert run("verify", NAME).exit_code == 0


def test_remove_deletes_from_the_store_and_names_the_packages(
    pulled: Model, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert f"{NAME} is not in the store" in run("remove", NAME).stdout
    run("pull", NAME)
    assert "is deleted" in run("remove", NAME).stdout
    assert not store.exists()
    (tmp_path / "site").mkdir()
    monkeypatch.syspath_prepend(tmp_path / "site")
    install(tmp_path / "site", "w8-remove", {"w8r/vocab": VOCABULARY})
    packed = model(NAME, row("vocab", VOCABULARY, "w8-remove:w8r/vocab"), requirements=("w8",))
    monkeypatch.setitem(MODELS, NAME, packed)
    assert "comes with installed packages: w8-remove" in run("remove", NAME).stdout


def test_an_unknown_name_is_told(pulled: Model) -> None:
    assert "There is no model 'nothing'" in refused("pull", "nothing")


def test_a_model_that_comes_in_packages_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "hibari is here already" in run("pull", "hibari").stdout
    packed = model(NAME, row("vocab", VOCABULARY, "w8-gone:w8r/vocab"), requirements=("w8-gone",))
    monkeypatch.setitem(MODELS, NAME, packed)
    assert "has no address to be pulled from. Get it with:" in refused("pull", NAME)


# ---------------------------------------------------------------- an index of more pairs
PHONES = "env.appinfo.OS == 'Android'"


def record(server: ModelServer, kind: str, name: str, **more: object) -> dict[str, object]:
    content = server.files[name]
    attachment = {
        "hash": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "location": name,
        "filename": name,
    }
    about = {"fromLang": "en", "toLang": "sv", "version": "2.0", "filter_expression": ""}
    return {**about, "name": name, "fileType": kind, "attachment": attachment, **more}


@pytest.fixture
def index(server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(model_index, "ATTACHMENTS", f"{server.url}/")
    server.files["old.bin"] = b"an older model"
    records = [
        record(server, "model", "weights.bin"),
        record(server, "vocab", "vocab"),
        record(server, "model", "old.bin", version="1.0"),
        record(server, "vocab", "vocab", version="1.0"),
        record(server, "model", "old.bin", version="3.0a1"),
        record(server, "vocab", "vocab", version="3.0a1"),
        record(server, "model", "old.bin", version="4.0", filter_expression=PHONES),
        record(server, "vocab", "vocab", version="4.0", filter_expression=PHONES),
        record(server, "model", "old.bin", toLang="da"),  # without its vocabulary
        record(server, "model", "weights.bin", toLang="de"),  # the catalogue has this pair
        record(server, "vocab", "vocab", toLang="de"),
    ]
    path = tmp_path / "records.json"
    path.write_text(json.dumps({"data": records}))
    return path


def test_a_model_of_an_index_is_pulled_and_stays_known(
    index: Path, server: ModelServer, store: Path
) -> None:
    name = "firefox-en-sv"
    assert name in run("list", "--json", "--index", str(index)).stdout
    assert "There is no model" in refused("pull", name)
    assert run("pull", name, "--index", str(index)).exit_code == 0
    assert (find_model(name) / "weights.bin").read_bytes() == WEIGHTS
    assert [model.pairs for model in here("firefox") if model.name == name] == [(("en", "sv"),)]
    assert run("verify", name).stdout == f"{name} (store): right\n"
    run("remove", name)
    with pytest.raises(EngineUnavailable, match="There is no model"):
        find_model(name)


def test_an_index_does_not_replace_what_the_catalogue_knows(index: Path) -> None:
    listed = json.loads(run("list", "--json", "--index", str(index)).stdout)
    (german,) = [row for row in listed if row["name"] == "firefox-en-de"]
    assert german["source"] == MODELS["firefox-en-de"].source
    assert "firefox-en-da" not in {row["name"] for row in listed}


def test_the_languages_of_an_index_do_not_lead_out_of_the_store(
    index: Path, server: ModelServer, tmp_path: Path
) -> None:
    way_out = "/../../outside"
    records = [record(server, "model", "weights.bin", toLang=way_out)]
    records += [record(server, "vocab", "vocab", toLang=way_out)]
    index.write_text(json.dumps({"data": records}))
    assert "has no complete model" in refused(
        "pull", f"firefox-en-{way_out}", "--index", str(index)
    )
    assert [path.name for path in tmp_path.iterdir()] == [index.name]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("<html>", "is no index of translations-models"),
        ('{"data": []}', "has no complete model"),
        ('{"data": [], "more": ' + "[" * 100_000, "is no index of translations-models"),
        (None, "cannot be read"),
    ],
)
def test_an_index_that_is_none_is_told(tmp_path: Path, content: str | None, told: str) -> None:
    path = tmp_path / "records.json"
    if content is not None:
        path.write_text(content)
    assert told in refused("list", "--index", str(path))
