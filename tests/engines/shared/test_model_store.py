"""Models are found in a folder, in the store and in packages; wrong and missing files are told."""

from __future__ import annotations

import resource
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dragoman.engines.base import EngineUnavailable
from dragoman.engines.shared import model_store
from dragoman.engines.shared.model_catalogue import MODELS, Model
from dragoman.engines.shared.model_store import find_model, places, store_folder
from tests.engines.shared.fake_packages import install, model, row

WEIGHTS, VOCABULARY = bytes(range(256)) * 8_000, b"one two"  # 2 MB
HALF = 1_000_000


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DRAGOMAN_MODELS", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "site").mkdir()
    monkeypatch.syspath_prepend(tmp_path / "site")
    return tmp_path / "site"


@pytest.fixture
def joined(site: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    """A model whose weights come in two packages, as those of Whisper."""
    install(site, "w8-part1", {"w8_1/vocab": VOCABULARY, "w8_1/part": WEIGHTS[:HALF]})
    install(site, "w8-part2", {"w8_2/part": WEIGHTS[HALF:]})
    parts = ("w8-part1:w8_1/part", "w8-part2:w8_2/part")
    files = row("weights", WEIGHTS, *parts), row("vocab", VOCABULARY, "w8-part1:w8_1/vocab")
    made = model("w8-joined", *files, requirements=("w8-part1==1.0", "w8-part2==1.0"))
    monkeypatch.setitem(MODELS, made.name, made)
    return made


@pytest.fixture
def whole(site: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    """A model that lies in one folder of a package."""
    install(site, "w8-whole", {"w8/data/weights": WEIGHTS, "w8/data/vocab": VOCABULARY})
    files = [
        row(name, content, f"w8-whole:w8/data/{name}", url=f"http://127.0.0.1:9/{name}")
        for name, content in (("weights", WEIGHTS), ("vocab", VOCABULARY))
    ]
    made = model("w8-whole", *files, requirements=("w8-whole==1.0",))
    monkeypatch.setitem(MODELS, made.name, made)
    return made


def test_a_model_in_one_folder_of_a_package_is_used_where_it_is(
    whole: Model, site: Path, store: Path
) -> None:
    assert find_model("w8-whole") == site / "w8" / "data"
    assert not store.exists()
    assert not any(name.startswith("w8") for name in sys.modules)


def test_parts_are_joined_once_into_the_store(joined: Model, site: Path, store: Path) -> None:
    folder = find_model("w8-joined")
    assert folder == store / "w8-joined"
    assert (folder / "weights").read_bytes() == WEIGHTS
    assert (folder / "vocab").read_bytes() == VOCABULARY
    shutil.rmtree(site / "w8_2")
    assert find_model("w8-joined") == folder


def test_many_at_once_join_one_file(joined: Model) -> None:
    with ThreadPoolExecutor(8) as pool:
        folders = set(pool.map(find_model, ["w8-joined"] * 8))
    (folder,) = folders
    assert (folder / "weights").read_bytes() == WEIGHTS
    assert sorted(path.name for path in folder.iterdir()) == ["vocab", "weights"]


def test_the_folder_of_the_operator_comes_first(whole: Model, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(find_model("w8-whole"), mine)
    assert find_model("w8-whole", str(mine)) == mine
    shutil.copytree(mine, tmp_path / "all" / "w8-whole")
    assert find_model("w8-whole", str(tmp_path / "all")) == tmp_path / "all" / "w8-whole"
    assert find_model("w8-whole", str(tmp_path)) == find_model("w8-whole")


@pytest.mark.parametrize(
    ("change", "told"), [(b"x", "bytes, expected 7"), (b"ONE two", "SHA-256"), (None, "missing")]
)
def test_a_folder_of_the_operator_with_a_wrong_file_is_refused(
    whole: Model, tmp_path: Path, change: bytes | None, told: str
) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(find_model("w8-whole"), mine)
    (mine / "vocab").unlink()
    if change is not None:
        (mine / "vocab").write_bytes(change)
    with pytest.raises(EngineUnavailable, match=told):
        find_model("w8-whole", str(mine))


def test_a_wrong_part_is_no_file(joined: Model, site: Path, store: Path) -> None:
    (site / "w8_2" / "part").write_bytes(WEIGHTS[:HALF])
    with pytest.raises(EngineUnavailable, match="force-reinstall --no-deps w8-part1"):
        find_model("w8-joined")
    assert list((store / "w8-joined").iterdir()) == []


def test_a_missing_package_says_what_to_do(joined: Model, whole: Model, site: Path) -> None:
    shutil.rmtree(site / "w8_2")
    shutil.rmtree(site / "w8_part2-1.0.dist-info")
    with pytest.raises(EngineUnavailable, match=r"weights missing.*install w8-part1==1.0 w8-part2"):
        find_model("w8-joined")
    shutil.rmtree(site / "w8_whole-1.0.dist-info")
    with pytest.raises(EngineUnavailable, match=r"w8-whole==1.0 \(or: dragoman models pull w8-"):
        find_model("w8-whole")
    with pytest.raises(EngineUnavailable, match="no model 'w8-nothing'"):
        find_model("w8-nothing")


def test_a_damaged_store_is_mended_from_the_packages(joined: Model) -> None:
    folder = find_model("w8-joined")
    (folder / "weights").write_bytes(b"truncated")
    (folder / "vocab").write_bytes(b"TWO ONE")
    assert find_model("w8-joined") == folder
    assert (folder / "weights").read_bytes() == WEIGHTS
    assert (folder / "vocab").read_bytes() == VOCABULARY


def test_a_full_disk_leaves_nothing_and_says_what_to_do(joined: Model, store: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (HALF, limits[1]))
    try:
        with pytest.raises(EngineUnavailable, match=r"cannot be written .*DRAGOMAN_MODELS"):
            find_model("w8-joined")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list((store / "w8-joined").iterdir()) == []
    assert (find_model("w8-joined") / "weights").read_bytes() == WEIGHTS


def test_a_large_file_is_hashed_once(
    whole: Model, site: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_store, "REMEMBERED_FROM", HALF)
    path, (weights, _) = find_model("w8-whole") / "weights", whole.files
    found = path.stat()
    path.write_bytes(WEIGHTS[::-1])  # the same size; now also the same time
    with pytest.raises(EngineUnavailable, match="SHA-256"):
        find_model("w8-whole")
    model_store.os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert find_model("w8-whole") == path.parent
    with pytest.raises(EngineUnavailable, match="SHA-256"):
        model_store.check_file(path, weights, "", always=True)
    with pytest.raises(EngineUnavailable, match="SHA-256"):
        find_model("w8-whole")


def test_without_a_variable_the_store_is_in_the_folder_for_data() -> None:
    assert store_folder({"XDG_DATA_HOME": "/data"}) == Path("/data/dragoman/models")
    assert store_folder({}) == Path.home() / ".local" / "share" / "dragoman" / "models"
    assert store_folder({"DRAGOMAN_MODELS": "~/m"}) == Path.home() / "m"


def test_the_catalogue_is_whole() -> None:
    for known in MODELS.values():
        names = [file.name for file in known.files]
        assert len(set(names)) == len(names), known.name
        assert known.licence, known.name
        assert known.source, known.name
        assert known.can_be_pulled or known.requirements, known.name
        for file in known.files:
            assert len(bytes.fromhex(file.sha256)) == 32, file
            assert file.size > 0, file
            assert file.parts or file.url, file
            assert Path(file.name).name == file.name, file


def test_where_a_model_is_can_be_asked_without_reading_it(whole: Model) -> None:
    assert [place.kind for place in places(whole)] == ["packages"]
