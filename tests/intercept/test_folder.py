"""The private folder: file modes, reuse and renewal of the authority, refusal of other folders."""

from __future__ import annotations

import asyncio
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("cryptography")

from dragoman.intercept.folder import Certificates, Folder, FolderRefused, default_folder
from dragoman.intercept.names import Hosts

HOSTS = Hosts()
NOW = datetime.now(UTC)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folder_and_key_are_private(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "a" / "b")
    folder.authority(HOSTS, NOW)
    folder.write_bundle({})
    assert mode(folder.path) == 0o700
    assert mode(folder.path / "issuer.key") == 0o600
    assert {path.name for path in folder.path.iterdir()} <= {
        "ca.pem", "issuer.pem", "issuer.key", "bundle.pem", "lock"
    }  # fmt: skip


def test_the_authority_is_kept_until_it_expires_soon_or_the_hosts_change(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "i")
    first, is_new = folder.authority(HOSTS, NOW)
    assert is_new
    again, is_new = Folder(tmp_path / "i").authority(HOSTS, NOW + timedelta(days=300))
    assert not is_new
    assert again.root == first.root
    late, is_new = folder.authority(HOSTS, NOW + timedelta(days=340))
    assert is_new
    assert late.root != first.root
    other, is_new = folder.authority(Hosts(["api.example.com"]), NOW + timedelta(days=340))
    assert is_new
    assert folder.ca.read_bytes() == other.root_pem()


def test_a_broken_authority_is_replaced(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "i")
    first, _ = folder.authority(HOSTS, NOW)
    (folder.path / "issuer.key").write_bytes(b"half a k")
    second, is_new = folder.authority(HOSTS, NOW)
    assert is_new
    assert second.root != first.root
    folder.ca.unlink()
    assert folder.authority(HOSTS, NOW)[1]


def test_concurrent_starts_make_one_authority(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: Folder(tmp_path / "i").authority(HOSTS, NOW), range(8)))
    assert len({authority.root_pem() for authority, _ in found}) == 1
    assert sum(is_new for _, is_new in found) == 1


def test_folders_that_others_can_read_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "open"
    path.mkdir()
    path.chmod(0o750)
    with pytest.raises(FolderRefused, match="chmod 700"):
        Folder(path)
    assert mode(path) == 0o750
    file = tmp_path / "file"
    file.write_bytes(b"")
    with pytest.raises(FolderRefused, match="file"):
        Folder(file)


def test_the_default_folder(tmp_path: Path) -> None:
    assert default_folder({"XDG_DATA_HOME": "/x"}) == Path("/x/dragoman/intercept")
    home = Path.home() / ".local/share/dragoman/intercept"
    assert default_folder({}) == default_folder({"XDG_DATA_HOME": "relative"}) == home


def test_the_bundle_is_the_system_list_and_our_root(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "i")
    authority, _ = folder.authority(HOSTS, NOW)
    mine = tmp_path / "mine.pem"
    mine.write_text("# my own list\n")
    for _ in range(2):
        assert folder.write_bundle({"SSL_CERT_FILE": str(mine)}) == str(mine)
        assert folder.bundle.read_bytes() == b"# my own list\n" + authority.root_pem()
    # ``dragoman intercept`` inside another: the bundle must not include itself.
    folder.write_bundle({"SSL_CERT_FILE": str(folder.bundle)})
    if folder.bundle.exists():
        assert folder.bundle.read_bytes().count(authority.root_pem()) == 1


def test_certificates_are_renewed_daily_and_kept_if_the_folder_is_gone(tmp_path: Path) -> None:
    async def live() -> None:
        certificates = Certificates(Folder(tmp_path / "i"), HOSTS)
        first = await certificates.context()
        assert await certificates.context() is first
        certificates._made_at -= timedelta(days=2)
        second = await certificates.context()
        assert second is not first
        shutil.rmtree(tmp_path / "i")
        certificates._made_at -= timedelta(days=2)
        assert await certificates.context() is second

    asyncio.run(live())
