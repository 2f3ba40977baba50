"""The file of keys: what is read, what is refused, how it is replaced."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from dragoman.server.access.key_file import locked, read, write
from dragoman.server.access.keys import (
    BadKey,
    Key,
    KeyLimits,
    checked_name,
    checked_secret,
    digest,
    new_secret,
)
from dragoman.server.config import ConfigError


def file_of(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


def test_a_plain_file_has_a_key_in_each_line(tmp_path: Path) -> None:
    text = "# ours\n\nsk-one\n  sk-two # for Ann\n\t# nobody\nsk-#3\r\n"
    found = read(file_of(tmp_path / "keys", text))
    assert [(k.name, k.sha256) for k in found.keys] == [
        ("key1", digest("sk-one")),
        ("key2", digest("sk-two")),
        ("key3", digest("sk-#3")),
    ]
    assert not found.is_managed
    assert found.warning == ""


@pytest.mark.parametrize("text", ["", "\n \n", "# sk-one\n", "\ufeff\n"])
def test_a_plain_file_without_keys_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="no key in it"):
        read(file_of(tmp_path / "keys", text))


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_write_is_refused(tmp_path: Path, mode: int) -> None:
    path = file_of(tmp_path / "keys", "sk-one", mode)
    with pytest.raises(ConfigError, match=f"chmod go-w {path}"):
        read(path)


@pytest.mark.parametrize(
    ("text", "mode", "warns"),
    [
        ("sk-one", 0o600, False),
        ("sk-one", 0o640, True),
        ("sk-one", 0o604, True),
        ('{"keys":[]}', 0o640, False),  # digests, for the group of a service
        ('{"keys":[]}', 0o644, True),
    ],
)
def test_a_file_that_others_can_read_is_worth_a_warning(
    tmp_path: Path, text: str, mode: int, *, warns: bool
) -> None:
    assert ("chmod 600" in read(file_of(tmp_path / "keys", text, mode)).warning) is warns


@pytest.mark.parametrize(
    "text",
    ["{", "{}", '{"keys":[{"name":"a","sha256":"sk-secret"}]}',
     '{"keys":[{"name":"a b","sha256":"' + "0" * 64 + '"}]}',
     '{"keys":[{"name":"key1","sha256":"' + "0" * 64 + '"}]}',
     '{"keys":[{"name":"a","sha256":"' + "0" * 64 + '","limits":{"conections":1}}]}'],
)  # fmt: skip
def test_a_managed_file_that_makes_no_sense_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(file_of(tmp_path / "keys", text))
    assert "secret" not in str(caught.value)


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read(tmp_path / "none")
    (tmp_path / "keys").write_bytes(b"sk-\xff\n")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read(tmp_path / "keys")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path, secret = tmp_path / "keys.json", new_secret()
    keys = (
        Key(name="ann", sha256=digest(secret), created="2026-11-29T12:00:00Z"),
        Key(name="bob", sha256=digest("x"), limits=KeyLimits(connections=3, characters=10_000)),
    )
    with locked(path):
        write(path, keys)
    found = read(path)
    assert found.keys == keys
    assert found.is_managed
    assert secret not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["keys.json"]


def test_a_file_keeps_its_mode_and_a_link_stays_a_link(tmp_path: Path) -> None:
    real = file_of(tmp_path / "real", '{"keys":[]}', 0o640)
    link = tmp_path / "keys.json"
    link.symlink_to(real)
    write(link, ())
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_a_folder_that_cannot_be_used_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        write(tmp_path / "none" / "keys", ())
    with pytest.raises(ConfigError, match="No such file"), locked(tmp_path / "none" / "keys"):
        pass


def test_made_keys_cannot_be_guessed_and_brought_ones_must_be_long() -> None:
    assert checked_secret(new_secret()) != checked_secret(new_secret())
    for bad in ("sk-short", "a" * 40, "with space " * 4, "schlüssel-" * 4, "st-" + "0123456789" * 3,
                "0123456789" * 30):  # fmt: skip
        with pytest.raises(BadKey) as caught:
            checked_secret(bad)
        assert bad not in str(caught.value)


@pytest.mark.parametrize("name", ["", "key12", "a b", "-a", "ann\n", "x" * 65])
def test_names_that_are_none(name: str) -> None:
    assert checked_name("Ann-2.b_c") == "Ann-2.b_c"
    with pytest.raises(BadKey):
        checked_name(name)
